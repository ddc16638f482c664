// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/vtd_first_stage.h"

#include "hwmodel/vtd_reserved.h"

namespace iovalid::hwmodel {

ReservedBits VtdFirstStage::Limits(const HardwareLimits& limits) {
  return VtdReserved<VtdFirstStage>(limits, [](unsigned level) {
    return level > 1 ? BitRange(13, EntrySizeLog2(level) - 1) : uint64_t{0};
  });
}

}  // namespace iovalid::hwmodel
