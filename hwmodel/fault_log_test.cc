// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/fault_log.h"

#include <gtest/gtest.h>

namespace iovalid::hwmodel {
namespace {

FaultRecord At(uint64_t page) { return {1, page, kRead, FaultReason::kReadNotPermitted, 1}; }

TEST(FaultLogTest, TakesInTheOrderOfRecording) {
  FaultLog log(3);
  FaultRecord record;
  EXPECT_FALSE(log.Take(&record));
  // Around the ring more than once.
  for (uint64_t page = 0; page < 10; page += 2) {
    log.Record(At(page));
    log.Record(At(page + 1));
    EXPECT_EQ(log.pending(), 2u);
    ASSERT_TRUE(log.Take(&record));
    EXPECT_EQ(record, At(page));
    ASSERT_TRUE(log.Take(&record));
    EXPECT_EQ(record, At(page + 1));
  }
  EXPECT_FALSE(log.overflow());
}

TEST(FaultLogTest, OverflowKeepsTheOldAndLosesTheNew) {
  FaultLog log(2);
  for (uint64_t page = 0; page < 4; ++page) log.Record(At(page));
  EXPECT_TRUE(log.overflow());
  EXPECT_EQ(log.pending(), 2u);
  EXPECT_EQ(log.total(), 4u);
  FaultRecord record;
  ASSERT_TRUE(log.Take(&record));
  EXPECT_EQ(record, At(0));
  // A register is free, but nothing is recorded before software clears the flag.
  log.Record(At(9));
  EXPECT_EQ(log.pending(), 1u);
  log.ClearOverflow();
  log.Record(At(10));
  ASSERT_TRUE(log.Take(&record));
  EXPECT_EQ(record, At(1));
  ASSERT_TRUE(log.Take(&record));
  EXPECT_EQ(record, At(10));
  EXPECT_FALSE(log.Take(&record));
}

TEST(FaultLogTest, HasAtLeastOneRegister) {
  FaultLog log(0);
  log.Record(At(1));
  EXPECT_EQ(log.pending(), 1u);
  EXPECT_FALSE(log.overflow());
}

TEST(FaultLogTest, NamesItsReasons) {
  EXPECT_EQ(FaultReasonName(FaultReason::kReservedBit), "reserved bit set");
  EXPECT_EQ(FaultReasonName(static_cast<FaultReason>(0x77)), "unknown");
}

}  // namespace
}  // namespace iovalid::hwmodel
