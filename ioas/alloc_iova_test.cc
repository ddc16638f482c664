// SPDX-License-Identifier: Apache-2.0
// Chosen IOVAs against what a real 7.3 kernel answered.
#include <gtest/gtest.h>

#include "ioas/test_machine.h"

namespace iovalid::ioas {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kTop = ~uint64_t{0};

TEST(AllocIovaTest, SequenceOfARealKernel) {
  TestMachine m;
  IoPagetable table;
  struct {
    uint64_t vaddr, length, iova;
  } const calls[] = {
      {0x20000000, kPage, 0x1000},     {0x20000000, kPage, 0x2000},
      {0x20000000, 3 * kPage, 0x4000}, {0x20001000, kPage, 0x3000},
      {0x20001000, 8 * kPage, 0x7000}, {0x20000000, 32 * kPage, 0x20000},
      {0x20000800, 0x800, 0xf800},     {0x20000005, 1, 0xf005},
      {0x20000005, kPage, 0x10005},    {0x40000000, 2 << 20, 0x200000},
      {0x40000000, 4 << 20, 0x400000}, {0x40200000, 1 << 20, 0x100000},
  };
  for (const auto& call : calls) {
    uint64_t iova = 0;
    ASSERT_TRUE(m.MapAuto(table, call.vaddr, call.length, &iova).ok());
    EXPECT_EQ(iova, call.iova) << std::hex << call.vaddr << "+" << call.length;
  }
}

TEST(AllocIovaTest, NoThpAlignsToAPage) {
  TestMachine m;
  IoPagetable table;
  Machine machine = m.Begin();
  machine.thp = false;
  uint64_t iova = 0;
  ASSERT_TRUE(
      table.MapUser(machine, m.store, {0x40000000, 2 << 20, false, false}, &iova, 3, true).ok());
  EXPECT_EQ(iova, 0x1000u);
}

TEST(AllocIovaTest, StaysInAllowedAndOutOfReserved) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(table.Reserve(m.Begin(), 0x10000, 0x1ffff, DeviceOwner(0)).ok());
  ASSERT_TRUE(table.SetAllowed({{0x20000, 0x21fff}, {0x8000, 0x9fff}}).ok());
  uint64_t iova = 0;
  ASSERT_TRUE(m.MapAuto(table, TestMachine::kBuffer, kPage, &iova).ok());
  EXPECT_EQ(iova, 0x8000u);
  ASSERT_TRUE(m.MapAuto(table, TestMachine::kBuffer, 2 * kPage, &iova).ok());
  EXPECT_EQ(iova, 0x20000u);
  ASSERT_TRUE(m.MapAuto(table, TestMachine::kBuffer, kPage, &iova).ok());
  EXPECT_EQ(iova, 0x9000u);
  EXPECT_EQ(m.MapAuto(table, TestMachine::kBuffer, kPage, &iova).err, Errno::kNOSPC);
}

TEST(AllocIovaTest, OneByteAtTheVeryEndIsRefused) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(table.SetAllowed({{0x8000, 0x8001}}).ok());
  uint64_t iova = 0;
  ASSERT_TRUE(m.MapAuto(table, TestMachine::kBuffer, 1, &iova).ok());
  EXPECT_EQ(iova, 0x8000u);
  EXPECT_EQ(m.MapAuto(table, TestMachine::kBuffer, 1, &iova).err, Errno::kNOSPC);
}

TEST(AllocIovaTest, Refusals) {
  TestMachine m;
  IoPagetable table;
  uint64_t iova = 0;
  EXPECT_EQ(m.MapAuto(table, 0, kTop / 2, &iova).err, Errno::kOVERFLOW);
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  EXPECT_EQ(m.MapAuto(table, TestMachine::kBuffer + 0x800, kPage, &iova).err, Errno::kINVAL);
  EXPECT_EQ(m.MapAuto(table, TestMachine::kBuffer, uint64_t{1} << 40, &iova).err, Errno::kNOSPC);
}

}  // namespace
}  // namespace iovalid::ioas
