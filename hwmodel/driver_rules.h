// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_DRIVER_RULES_H_
#define IOVALID_HWMODEL_DRIVER_RULES_H_

#include <cstdint>

#include "sim/errno.h"

namespace iovalid::hwmodel {

// What the kernel's IOMMU driver does with the tables. Data, because it differs between kernels:
// the defaults are those of 7.3 (drivers/iommu/generic_pt), LegacyDriverRules() those of 6.1
// and 6.12 (drivers/iommu/intel/iommu.c).
struct DriverRules {
  // A write-only mapping gets R as well. 6.1, 6.12: __domain_mapping always sets the first-level
  // Present bit, which is bit 0, the same bit as second-stage Read, whatever table it fills.
  bool write_implies_read = false;

  // Answers of iommu_map. 7.3: map_range in iommu_pt.h. 6.x: intel_iommu_map, __domain_mapping and
  // the checks of iommu_map in drivers/iommu/iommu.c.
  sim::Errno map_no_rights = sim::Errno::kINVAL;  // 6.x: kINVAL
  sim::Errno map_misaligned = sim::Errno::kNXIO;  // 6.x: kINVAL
  sim::Errno map_empty = sim::Errno::kINVAL;      // 6.x: kOk, nothing done
  sim::Errno map_wraps = sim::Errno::kOVERFLOW;   // 6.x: kFAULT (as outside)
  sim::Errno map_outside = sim::Errno::kRANGE;    // 6.x: kFAULT
  sim::Errno map_frame_too_high = sim::Errno::kRANGE;

  // An entry is present where the mapping wants to go. true (7.3): kADDRINUSE and all is undone.
  // false (6.x): the old leaf stays, the kernel logs an error and the call succeeds; a larger leaf
  // takes the place of smaller ones.
  bool map_present_fails = true;

  sim::Errno map_present = sim::Errno::kADDRINUSE;  // what it fails with

  // A large leaf takes the place of a table that is in use, mappings and all (io-pgtable-arm
  // arm_lpae_init_pte); else that is an entry in the way.
  bool leaf_replaces_table = false;

  // Unmap begins or ends within a large leaf, the whole of which it never takes apart silently.
  enum class PartialUnmap : uint8_t {
    kWholeLeaf,  // the end: all of it goes, and the answer says so; the start: nothing goes
                 // (generic_pt __unmap_range; intel 6.x; amd 6.x io_pgtable.c)
    kRefuse,     // nothing of it goes, and unmap stops there (io-pgtable-arm since 6.14)
    kSplit,      // smaller leaves take its place first (io-pgtable-arm up to 6.13)
  };
  PartialUnmap partial_unmap = PartialUnmap::kWholeLeaf;

  // A table that an unmap covers goes with all it holds, holes counted as unmapped (io-pgtable-arm
  // __arm_lpae_unmap); else its entries are looked at one by one.
  bool covered_tables_go_whole = false;

  // Unmap meets an entry that is not present. true (7.3): stops there. false (6.x): counts the hole
  // as unmapped and goes on.
  bool unmap_stops_at_hole = true;

  // When Unmap gives the frame of an emptied table back to the kernel.
  enum class FreeTables : uint8_t {
    kCovered,  // if one call covers all that the table translates: both drivers do this, so sparse
               // use leaves empty tables behind until the domain is freed
    kEmpty,    // as soon as its last entry goes
    kNever,    // with the domain
  };
  FreeTables free_tables = FreeTables::kCovered;
};

DriverRules LegacyDriverRules();

// io-pgtable-arm of 7.3, for Arm tables.
DriverRules ArmDriverRules();

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_DRIVER_RULES_H_
