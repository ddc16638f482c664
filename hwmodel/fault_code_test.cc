// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/fault_code.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace iovalid::hwmodel {
namespace {

struct Row {
  FaultReason reason;
  uint8_t stage;
  unsigned access;
  uint16_t legacy, scalable, amd, smmu, riscv;
};

TEST(FaultCodeTest, EachArchitectureHasItsNumbers) {
  const Row rows[] = {
      {FaultReason::kNone, 0, kRead, 0, 0, 0, 0, 0},
      {FaultReason::kContextNotPresent, 0, kRead, 0x2, 0x41, 0x1, 0x02, 258},
      {FaultReason::kPasidNotPresent, 0, kRead, 0x2, 0x59, 0x2, 0x08, 266},
      {FaultReason::kAddressBeyondWidth, 1, kRead, 0x4, 0x80, 0x2, 0x10, 13},
      {FaultReason::kNotPresent, 1, kWrite, 0x5, 0x71, 0x2, 0x10, 15},
      {FaultReason::kNotPresent, 2, kRead, 0x6, 0x79, 0x2, 0x10, 21},
      {FaultReason::kReadNotPermitted, 2, kRead, 0x6, 0x79, 0x2, 0x13, 21},
      {FaultReason::kWriteNotPermitted, 1, kWrite, 0x5, 0x85, 0x2, 0x13, 15},
      {FaultReason::kWriteNotPermitted, 2, kWrite, 0x5, 0x79, 0x2, 0x13, 23},
      {FaultReason::kTableAccessError, 1, kWrite, 0x7, 0x70, 0x4, 0x0b, 7},
      {FaultReason::kTableAccessError, 2, kRead, 0x7, 0x78, 0x4, 0x0b, 5},
      {FaultReason::kReservedBit, 2, kRead, 0xc, 0x7a, 0x2, 0x10, 21},
      {FaultReason::kAtsBlocked, 0, kRead, 0xd, 0x44, 0x8, 0x05, 260},
  };
  for (const Row& row : rows) {
    FaultRecord record;
    record.reason = row.reason;
    record.stage = row.stage;
    record.access = row.access;
    const std::string_view name = FaultReasonName(row.reason);
    EXPECT_EQ(FaultCode(Architecture::kVtdLegacy, record), row.legacy) << name;
    EXPECT_EQ(FaultCode(Architecture::kVtdScalable, record), row.scalable) << name;
    EXPECT_EQ(FaultCode(Architecture::kAmd, record), row.amd) << name;
    EXPECT_EQ(FaultCode(Architecture::kSmmuV3, record), row.smmu) << name;
    EXPECT_EQ(FaultCode(Architecture::kRiscv, record), row.riscv) << name;
  }
}

}  // namespace
}  // namespace iovalid::hwmodel
