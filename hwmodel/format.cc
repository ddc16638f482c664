// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

std::string_view FormatName(FormatId format) {
  switch (format) {
    case FormatId::kVtdSecondStage:
      return "vtd-second-stage";
    case FormatId::kVtdFirstStage:
      return "vtd-first-stage";
    case FormatId::kAmdV1:
      return "amd-v1";
    case FormatId::kArm4KStage1:
      return "arm-4k-stage1";
    case FormatId::kArm4KStage2:
      return "arm-4k-stage2";
    case FormatId::kArm16KStage1:
      return "arm-16k-stage1";
    case FormatId::kArm16KStage2:
      return "arm-16k-stage2";
    case FormatId::kArm64KStage1:
      return "arm-64k-stage1";
    case FormatId::kArm64KStage2:
      return "arm-64k-stage2";
    case FormatId::kRiscvSv:
      return "riscv-sv";
    case FormatId::kRiscvGStage:
      return "riscv-g-stage";
    case FormatId::kMock2K:
      return "mock-2k";
  }
  return "unknown";
}

}  // namespace iovalid::hwmodel
