// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_IOMMU_CONFIG_H_
#define IOVALID_HWMODEL_IOMMU_CONFIG_H_

#include <cstdint>
#include <string_view>

#include "hwmodel/driver_rules.h"

namespace iovalid::hwmodel {

inline constexpr uint64_t kSize4K = uint64_t{1} << 12;
inline constexpr uint64_t kSize2M = uint64_t{1} << 21;
inline constexpr uint64_t kSize1G = uint64_t{1} << 30;

// One IOMMU unit: data, from a trace's header and the kernel profile.
struct IommuConfig {
  // Address width of its domains in bits, 31..57: min(MGAW, AGAW).
  unsigned aw_bits = 39;
  // Table levels: 3, 4 or 5. 0: as few as aw_bits needs (39, 48, 57 bits).
  unsigned levels = 0;
  // Leaf sizes in bytes, as a bit map. The lowest must be 4 KiB.
  uint64_t page_sizes = kSize4K | kSize2M | kSize1G;
  // Capability registers, as GET_HW_INFO shows them (specification section 11.4.2, 11.4.3).
  uint64_t cap = 0;
  uint64_t ecap = 0;
  // IOVAs that domains translate, in bytes, inclusive.
  uint64_t aperture_first = 0;
  uint64_t aperture_last = (uint64_t{1} << 39) - 1;
  // The interrupt (MSI) window in bytes, inclusive: never translated (section 3.14).
  uint64_t msi_first = 0xfee00000;
  uint64_t msi_last = 0xfeefffff;
  // Host address width: address bits of an entry from here up are reserved. 13..52.
  unsigned host_address_bits = 52;
  bool snoop_control = false;   // ECAP.SC: entries may force snooping (enforce cache coherency)
  bool dirty_tracking = false;  // ECAP.SMTS, SLADS: hardware may keep accessed and dirty bits
  bool caching_mode = true;     // CAP.CM: software invalidates after making an entry present too
  unsigned max_domains = 1u << 16;    // from CAP.ND
  unsigned fault_records = 1;         // CAP.NFR + 1
  bool page_selective = true;         // CAP.PSI: invalidation of a range; else of the domain
  unsigned max_invalidate_log2 = 18;  // CAP.MAMV: the largest page-selective size, in pages
  unsigned iotlb_sets_4k = 512;       // power of two; 4 ways a set
  unsigned walk_cache_sets = 64;  // a level, power of two, 4 ways; 0: no paging-structure caches
  DriverRules rules;
};

// What is wrong with a configuration, in a few words; empty where it can be built. Callers check
// what came from outside: Iommu's constructor aborts on a bad one.
std::string_view ConfigError(const IommuConfig& config);

// The configuration that the two capability registers describe, with the address width and the
// number of levels as 7.3 chooses them (intel/iommu.c compute_vasz_lg2_ss), and 7.3's rules.
IommuConfig VtdConfig(uint64_t cap, uint64_t ecap);

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_IOMMU_CONFIG_H_
