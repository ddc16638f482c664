// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_FAULT_CODE_H_
#define IOVALID_HWMODEL_FAULT_CODE_H_

#include <cstdint>

#include "hwmodel/fault_log.h"

namespace iovalid::hwmodel {

// Whose reason codes a unit reports.
enum class Architecture : uint8_t { kVtdLegacy, kVtdScalable, kAmd, kSmmuV3, kRiscv };

// The number that the architecture's fault record carries for `record`:
//   VT-d     the fault reason of a fault recording register (appendix A;
//   drivers/iommu/intel/dmar.c) AMD      the event code of an event log entry (section 2.5;
//   EVENT_TYPE_* of amd_iommu_types.h) SMMUv3   the event number (IHI 0070, section 7.3; EVT_ID_*
//   of arm-smmu-v3.h). 0 for a stream
//            that is configured to abort: it has no event
//   RISC-V   CAUSE of a fault record (section "Fault/event queue"; RISCV_IOMMU_FQ_CAUSE_*)
// 0 where nothing is wrong.
uint16_t FaultCode(Architecture architecture, const FaultRecord& record);

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_FAULT_CODE_H_
