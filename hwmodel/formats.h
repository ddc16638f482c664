// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_FORMATS_H_
#define IOVALID_HWMODEL_FORMATS_H_

#include <cstdlib>

#include "hwmodel/amd_v1.h"
#include "hwmodel/arm_lpae.h"
#include "hwmodel/format.h"
#include "hwmodel/riscv_sv.h"
#include "hwmodel/vtd_first_stage.h"
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {

// Calls `visit(format)` with a value of the format's class: the one place that knows them all.
template <typename Visit>
constexpr decltype(auto) VisitFormat(FormatId format, Visit&& visit) {
  switch (format) {
    case FormatId::kVtdSecondStage:
      return visit(VtdSecondStage{});
    case FormatId::kVtdFirstStage:
      return visit(VtdFirstStage{});
    case FormatId::kAmdV1:
      return visit(AmdV1{});
    case FormatId::kArm4KStage1:
      return visit(ArmLpae<1, 12>{});
    case FormatId::kArm4KStage2:
      return visit(ArmLpae<2, 12>{});
    case FormatId::kArm16KStage1:
      return visit(ArmLpae<1, 14>{});
    case FormatId::kArm16KStage2:
      return visit(ArmLpae<2, 14>{});
    case FormatId::kArm64KStage1:
      return visit(ArmLpae<1, 16>{});
    case FormatId::kArm64KStage2:
      return visit(ArmLpae<2, 16>{});
    case FormatId::kRiscvSv:
      return visit(RiscvSv{});
    case FormatId::kRiscvGStage:
      return visit(RiscvGStage{});
    case FormatId::kMock2K:
      return visit(Mock2K{});
  }
  std::abort();
}

static_assert(ArmLpae<2, 16>::kId == FormatId::kArm64KStage2);

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_FORMATS_H_
