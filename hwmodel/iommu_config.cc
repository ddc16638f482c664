// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iommu_config.h"

#include <algorithm>
#include <bit>

namespace iovalid::hwmodel {
namespace {

constexpr unsigned Bits(uint64_t reg, unsigned low, unsigned count) {
  return static_cast<unsigned>(reg >> low & ((uint64_t{1} << count) - 1));
}

// 1 + the lowest set bit's number, 0 where there is none.
unsigned FirstSet(unsigned x) { return x == 0 ? 0 : std::countr_zero(x) + 1; }

// The largest table that guest width and supported walk lengths have in common. A unit may do
// longer walks only, and then a narrow guest width gets them.
void ChooseWidth(unsigned mgaw, unsigned sagaw, IommuConfig* config) {
  config->aw_bits = 0;
  if (mgaw > 48 && sagaw >= 1u << 3) {
    config->levels = 5;
    config->aw_bits = std::min(57u, mgaw);
  } else if (mgaw > 39 && sagaw >= 1u << 2) {
    config->levels = 4 + FirstSet(sagaw >> 3);
    config->aw_bits = std::min(48u, mgaw);
  } else if (mgaw > 30 && sagaw >= 1u << 1) {
    config->levels = 3 + FirstSet(sagaw >> 2);
    config->aw_bits = std::min(39u, mgaw);
  }
  config->levels = std::min(config->levels, 5u);
  if (config->aw_bits == 0) {  // no usable width: the smallest table there is
    config->levels = 3;
    config->aw_bits = 31;
  }
}

}  // namespace

std::string_view ConfigError(const IommuConfig& config) {
  if (config.aw_bits < 31 || config.aw_bits > 57) return "address width not in 31..57 bits";
  if (config.levels != 0 && (config.levels < 3 || config.levels > 5)) return "levels not in 3..5";
  if (config.aw_bits > 12 + 9 * (config.levels == 0 ? 5 : config.levels)) {
    return "address width beyond what the levels translate";
  }
  if ((config.page_sizes & kSize4K) == 0) return "page sizes without 4 KiB";
  if ((config.page_sizes & ~(kSize4K | kSize2M | kSize1G)) != 0) {
    return "page sizes other than 4 KiB, 2 MiB, 1 GiB";
  }
  if (config.aperture_first > config.aperture_last) return "empty aperture";
  if (config.aperture_last >> config.aw_bits != 0) return "aperture beyond the address width";
  if (config.msi_first > config.msi_last) return "empty MSI window";
  if (config.host_address_bits < 13 || config.host_address_bits > 52) {
    return "host address width not in 13..52 bits";
  }
  if (config.max_domains == 0 || config.max_domains > 1u << 18) return "domains not in 1..2^18";
  if (config.fault_records == 0 || config.fault_records > 256) return "fault records not in 1..256";
  if (!std::has_single_bit(config.iotlb_sets_4k) || config.iotlb_sets_4k > 1u << 16) {
    return "IOTLB sets not a power of two up to 65536";
  }
  if (config.walk_cache_sets != 0 &&
      (!std::has_single_bit(config.walk_cache_sets) || config.walk_cache_sets > 1u << 12)) {
    return "paging-structure cache sets not a power of two up to 4096";
  }
  return {};
}

IommuConfig VtdConfig(uint64_t cap, uint64_t ecap) {
  IommuConfig config;
  config.cap = cap;
  config.ecap = ecap;
  ChooseWidth(Bits(cap, 16, 6) + 1, Bits(cap, 8, 5), &config);
  config.aperture_last = (uint64_t{1} << config.aw_bits) - 1;
  const unsigned large = Bits(cap, 34, 4);
  config.page_sizes = kSize4K | (large & 1 ? kSize2M : 0) | (large & 2 ? kSize1G : 0);
  config.caching_mode = Bits(cap, 7, 1) != 0;
  config.max_domains = 1u << (4 + 2 * Bits(cap, 0, 3));
  config.fault_records = Bits(cap, 40, 8) + 1;
  config.page_selective = Bits(cap, 39, 1) != 0;
  config.max_invalidate_log2 = Bits(cap, 48, 6);
  config.snoop_control = Bits(ecap, 7, 1) != 0;
  config.dirty_tracking = Bits(ecap, 43, 1) != 0 && Bits(ecap, 45, 1) != 0;  // SMTS, SLADS
  return config;
}

}  // namespace iovalid::hwmodel
