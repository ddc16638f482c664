// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/fault_code.h"

namespace iovalid::hwmodel {
namespace {

// Legacy mode knows second-stage tables only.
uint16_t VtdLegacy(const FaultRecord& record) {
  switch (record.reason) {
    case FaultReason::kBlocked:
    case FaultReason::kPasidNotEnabled:
    case FaultReason::kPasidNotPresent:
      return 0x2;
    case FaultReason::kNotPresent:
      return (record.access & kWrite) != 0 ? 0x5 : 0x6;
    default:
      return static_cast<uint16_t>(record.reason);
  }
}

uint16_t VtdScalable(const FaultRecord& record) {
  const bool first = record.stage == 1;
  switch (record.reason) {
    case FaultReason::kContextNotPresent:
    case FaultReason::kBlocked:
      return 0x41;
    case FaultReason::kPasidNotEnabled:
      return 0x45;
    case FaultReason::kPasidNotPresent:
      return 0x59;
    case FaultReason::kAtsBlocked:
      return 0x44;
    case FaultReason::kAddressBeyondWidth:
      return first ? 0x80 : record.stage == 2 ? 0x84 : 0x83;
    case FaultReason::kTableAccessError:
      return first ? 0x70 : 0x78;
    case FaultReason::kNotPresent:
      return first ? 0x71 : 0x79;
    case FaultReason::kReservedBit:
      return first ? 0x72 : 0x7a;
    case FaultReason::kWriteNotPermitted:
      return first ? 0x85 : 0x79;
    case FaultReason::kReadNotPermitted:
      return first ? 0x86 : 0x79;
    default:
      return static_cast<uint16_t>(record.reason);
  }
}

uint16_t Amd(const FaultRecord& record) {
  switch (record.reason) {
    case FaultReason::kContextNotPresent:
      return 0x1;  // ILLEGAL_DEV_TABLE_ENTRY
    case FaultReason::kAtsBlocked:
    case FaultReason::kPasidNotEnabled:
      return 0x8;  // INVALID_DEVICE_REQUEST
    case FaultReason::kTableAccessError:
      return 0x4;  // PAGE_TAB_HARDWARE_ERROR
    case FaultReason::kNone:
      return 0;
    default:
      return 0x2;  // IO_PAGE_FAULT; its flags tell reserved bits, presence and rights apart
  }
}

uint16_t SmmuV3(const FaultRecord& record) {
  switch (record.reason) {
    case FaultReason::kNone:
    case FaultReason::kBlocked:
      return 0;
    case FaultReason::kContextNotPresent:
      return 0x02;  // C_BAD_STREAMID
    case FaultReason::kAtsBlocked:
      return 0x05;  // F_BAD_ATS_TREQ
    case FaultReason::kPasidNotEnabled:
    case FaultReason::kPasidNotPresent:
      return 0x08;  // C_BAD_SUBSTREAMID
    case FaultReason::kTableAccessError:
      return 0x0b;  // F_WALK_EABT
    case FaultReason::kAddressSize:
      return 0x11;  // F_ADDR_SIZE
    case FaultReason::kAccessFlag:
      return 0x12;  // F_ACCESS
    case FaultReason::kWriteNotPermitted:
    case FaultReason::kReadNotPermitted:
      return 0x13;  // F_PERMISSION
    default:
      return 0x10;  // F_TRANSLATION
  }
}

uint16_t Riscv(const FaultRecord& record) {
  const bool write = (record.access & kWrite) != 0;
  switch (record.reason) {
    case FaultReason::kNone:
      return 0;
    case FaultReason::kContextNotPresent:
      return 258;  // DDT entry not valid
    case FaultReason::kBlocked:
    case FaultReason::kAtsBlocked:
    case FaultReason::kPasidNotEnabled:
      return 260;  // transaction type disallowed
    case FaultReason::kPasidNotPresent:
      return 266;  // PDT entry not valid
    case FaultReason::kTableAccessError:
      return write ? 7 : 5;  // access fault
    default:
      if (record.stage == 2) return write ? 23 : 21;  // guest-page fault
      return write ? 15 : 13;                         // page fault
  }
}

}  // namespace

uint16_t FaultCode(Architecture architecture, const FaultRecord& record) {
  switch (architecture) {
    case Architecture::kVtdLegacy:
      return VtdLegacy(record);
    case Architecture::kVtdScalable:
      return VtdScalable(record);
    case Architecture::kAmd:
      return Amd(record);
    case Architecture::kSmmuV3:
      return SmmuV3(record);
    case Architecture::kRiscv:
      return Riscv(record);
  }
  return 0;
}

}  // namespace iovalid::hwmodel
