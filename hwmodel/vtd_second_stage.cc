// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/vtd_second_stage.h"

#include "hwmodel/vtd_reserved.h"

namespace iovalid::hwmodel {

ReservedBits VtdSecondStage::Limits(const HardwareLimits& limits) {
  return VtdReserved<VtdSecondStage>(limits, [&](unsigned level) {
    const uint64_t below = level > 1 ? kAddress & BitsBelow(EntrySizeLog2(level)) : 0;
    return below | (limits.snoop_control ? 0 : kSnoop);
  });
}

}  // namespace iovalid::hwmodel
