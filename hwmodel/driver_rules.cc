// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/driver_rules.h"

namespace iovalid::hwmodel {

DriverRules LegacyDriverRules() {
  DriverRules rules;
  rules.write_implies_read = true;
  rules.map_misaligned = sim::Errno::kINVAL;
  rules.map_empty = sim::Errno::kOk;
  rules.map_wraps = sim::Errno::kFAULT;
  rules.map_outside = sim::Errno::kFAULT;
  rules.map_present_fails = false;
  rules.unmap_stops_at_hole = false;
  return rules;
}

DriverRules ArmDriverRules() {
  DriverRules rules;
  rules.map_misaligned = sim::Errno::kINVAL;  // iommu_map: neither address is a multiple of a page
  rules.map_wraps = sim::Errno::kRANGE;
  rules.map_present = sim::Errno::kEXIST;
  rules.leaf_replaces_table = true;
  rules.partial_unmap = DriverRules::PartialUnmap::kRefuse;
  rules.covered_tables_go_whole = true;
  return rules;
}

}  // namespace iovalid::hwmodel
