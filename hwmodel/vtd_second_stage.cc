// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {

ReservedBits VtdSecondStage::Limits(const HardwareLimits& limits) {
  ReservedBits reserved;
  const uint64_t beyond_host = kAddress & ~BitsBelow(limits.host_address_bits);
  for (unsigned level = 1; level <= kMaxLevels; ++level) {
    const bool may_be_leaf = (LeafSizes(level) & limits.page_sizes) != 0;
    reserved.in_table[level] = beyond_host | (level > 1 ? kPageSizeBit : 0);
    reserved.in_leaf[level] = beyond_host;
    if (level > 1) {
      reserved.in_leaf[level] |= kAddress & BitsBelow(EntrySizeLog2(level));
      if (!may_be_leaf) reserved.in_leaf[level] |= kPageSizeBit;
    }
    if (!limits.snoop_control) reserved.in_leaf[level] |= kSnoop;
  }
  return reserved;
}

}  // namespace iovalid::hwmodel
