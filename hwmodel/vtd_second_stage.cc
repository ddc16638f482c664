// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {

VtdSecondStage::Limits VtdSecondStage::MakeLimits(unsigned host_address_bits, uint64_t page_sizes,
                                                  bool snoop_control) {
  Limits limits;
  const uint64_t beyond_host = kAddress & ~((uint64_t{1} << host_address_bits) - 1);
  for (unsigned level = 1; level <= kMaxLevels; ++level) {
    const bool may_be_leaf =
        level <= kMaxLeafLevel && (page_sizes >> EntrySizeLog2(level) & 1) != 0;
    limits.reserved_in_table[level] = beyond_host | (level > 1 ? kPageSizeBit : 0);
    limits.reserved_in_leaf[level] = beyond_host;
    if (level > 1) {
      limits.reserved_in_leaf[level] |= kAddress & ((EntryPages(level) - 1) << kGranuleShift);
      if (!may_be_leaf) limits.reserved_in_leaf[level] |= kPageSizeBit;
    }
    if (!snoop_control) limits.reserved_in_leaf[level] |= kSnoop;
  }
  return limits;
}

}  // namespace iovalid::hwmodel
