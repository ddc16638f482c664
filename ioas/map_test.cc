// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ioas/rules.h"
#include "ioas/test_machine.h"
#include "sim/state_hash.h"

namespace iovalid::ioas {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint64_t kBuffer = TestMachine::kBuffer;

struct Attached : ::testing::Test {
  Attached() {
    domain = m.iommu.AllocDomain();
    EXPECT_TRUE(m.AddDomain(table, domain).ok());
  }
  TestMachine m;
  IoPagetable table;
  hwmodel::DomainId domain;
};

TEST(MapTest, NothingIsPinnedBeforeADomainComes) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1001, 0xdead0007, 5, 0).ok());
  ASSERT_TRUE(m.Map(table, 0x1006, 0x3000, kPage).ok());
  EXPECT_EQ(m.pinned_vm(), 0u);
  EXPECT_EQ(table.areas().size(), 2u);
  EXPECT_EQ(table.mappings_digest(),
            sim::HashMapping(0x1001, 0x1005, 0) + sim::HashMapping(0x1006, 0x2005, 3));
}

TEST(MapTest, OrderOfArgumentChecks) {
  TestMachine m;
  IoPagetable table;
  EXPECT_EQ(m.Map(table, 0, kTop, 1).rule, &rules::kVaddrOverflow);
  EXPECT_EQ(m.Map(table, 0, kTop, 0).rule, &rules::kPagesLength);
  EXPECT_EQ(m.Map(table, 0, 0, kTop - kPage + 1).rule, &rules::kPagesLength);
  EXPECT_EQ(m.Map(table, kTop, 0, 2).rule, &rules::kIovaOverflow);
  ASSERT_TRUE(m.Map(table, kTop, 0, 1).ok());
  EXPECT_EQ(m.Map(table, kTop, 0, 1).rule, &rules::kOverlap);
  // 6.12 looks at the length before the end of the range.
  Machine machine = m.Begin();
  uint64_t iova = 0;
  const Result result =
      table.MapUser(machine, m.store, {kTop, kTop - 5, true, false}, &iova, 3, false);
  EXPECT_EQ(result.rule, &rules::kPagesLength);
  EXPECT_EQ(result.err, Errno::kINVAL);
}

TEST(MapTest, RangeThatWrapsItsPageCount) {
  TestMachine m;
  IoPagetable table;
  Machine machine = m.Begin();
  uint64_t iova = 0;
  const Result result =
      table.MapUser(machine, m.store, {kPage - 1, kTop - kPage, false, false}, &iova, 3, false);
  EXPECT_EQ(result.err, Errno::kOVERFLOW);
  EXPECT_EQ(result.rule, &rules::kAreaBeyondPages);
  ASSERT_EQ(machine.warnings.size(), 1u);
  EXPECT_TRUE(table.areas().empty());
}

TEST_F(Attached, AlignmentAndReservedComeBeforeOverlapAndVaddrAfter) {
  ASSERT_TRUE(table.Reserve(m.Begin(), 0xfee00000, 0xfeefffff, DeviceOwner(0)).ok());
  ASSERT_TRUE(m.Map(table, 0xfedff000, kBuffer, kPage).ok());
  EXPECT_EQ(m.Map(table, 0x1000, kBuffer, 0x800).rule, &rules::kLengthAlignment);
  EXPECT_EQ(m.Map(table, 0x1800, kBuffer, kPage).rule, &rules::kIovaAlignment);
  EXPECT_EQ(m.Map(table, 0xfedff000, kBuffer, 2 * kPage).rule, &rules::kReserved);
  EXPECT_EQ(m.Map(table, 0xfedff000, kBuffer + 1, kPage).err, Errno::kEXIST);
  EXPECT_EQ(m.Map(table, 0x1000, kBuffer + 1, kPage).rule, &rules::kVaddrAlignment);
  EXPECT_EQ(m.Map(table, uint64_t{1} << 39, kBuffer, kPage).rule, &rules::kReserved);
}

TEST_F(Attached, PinsChargesAndMaps) {
  m.SetLimit(4);
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 3 * kPage, hwmodel::kRead).ok());
  EXPECT_EQ(m.pinned_vm(), 3u);
  EXPECT_EQ(m.locked(), 3u);
  EXPECT_EQ(m.mm_accounts[0].locked_vm, 0u);
  const auto run = m.iommu.Lookup(domain, 0x2000, 8);
  EXPECT_TRUE(run.mapped);
  EXPECT_EQ(run.first, m.Frame(kBuffer + kPage));
  EXPECT_EQ(run.rights, unsigned{hwmodel::kRead});
}

TEST_F(Attached, LimitIsLookedAtWhenAllIsMapped) {
  m.SetLimit(4);
  const Result limit = m.Map(table, 0x1000, kBuffer, 5 * kPage);
  EXPECT_EQ(limit.err, Errno::kNOMEM);
  EXPECT_EQ(limit.rule, &rules::kMemlockUser);
  // A hole further on wins.
  const uint64_t tail = kBuffer + (TestMachine::kBufferPages - 5) * kPage;
  EXPECT_EQ(m.Map(table, 0x1000, tail, 6 * kPage).err, Errno::kFAULT);
  EXPECT_EQ(m.pinned_vm(), 0u);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
  EXPECT_TRUE(m.iommu.reach(domain).zero());
  EXPECT_TRUE(table.areas().empty());
  EXPECT_TRUE(table.mappings_digest().zero());
}

TEST_F(Attached, NoRightsFailInTheDriverAfterPinning) {
  Machine machine = m.Begin();
  machine.warns_without_rights = true;
  uint64_t iova = 0x1000;
  const auto map = [&](uint64_t va) {
    return table.MapUser(machine, m.store, {va, kPage, false, false}, &iova, 0, false);
  };
  EXPECT_EQ(map(0x5000).rule, &rules::kPin);
  EXPECT_TRUE(machine.warnings.empty());
  EXPECT_EQ(map(kBuffer).rule, &rules::kIommuMap);
  EXPECT_EQ(machine.warnings, std::vector<const sim::Rule*>{&rules::kMapWithoutRights});
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
}

TEST_F(Attached, ReadOnlyMemory) {
  m.AddMemory(0x30000000, 2, /*write=*/false);
  EXPECT_EQ(m.Map(table, 0x1000, 0x30000000, kPage, hwmodel::kWrite).err, Errno::kFAULT);
  EXPECT_TRUE(m.Map(table, 0x1000, 0x30000000, kPage, hwmodel::kRead).ok());
}

TEST(MapTest, AccountModes) {
  for (const bool cap : {false, true}) {
    for (const bool mm : {false, true}) {
      TestMachine m(cap);
      m.mm_accounting = mm;
      IoPagetable table;
      ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
      m.SetLimit(1);
      EXPECT_EQ(m.Map(table, 0x10000, kBuffer, 2 * kPage).err, cap ? Errno::kOk : Errno::kNOMEM);
      ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, kPage).ok());
      EXPECT_EQ(m.pinned_vm(), cap ? 3u : 1u);
      EXPECT_EQ(m.locked(), !cap && !mm ? 1u : 0u);
      EXPECT_EQ(m.mm_accounts[0].locked_vm, !cap && mm ? 1u : 0u);
    }
  }
}

TEST_F(Attached, CopyPinsNothingAgain) {
  IoPagetable other;
  const hwmodel::DomainId second = m.iommu.AllocDomain();
  ASSERT_TRUE(m.AddDomain(other, second).ok());
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 4 * kPage).ok());
  ASSERT_TRUE(m.Copy(table, 0x2000, other, 0x8000, 2 * kPage).ok());
  EXPECT_EQ(m.pinned_vm(), 4u);
  EXPECT_EQ(m.iommu.Lookup(second, 0x8000, 8).first, m.Frame(kBuffer + kPage));
  uint64_t unmapped = 0;
  ASSERT_TRUE(m.Unmap(table, 0x1000, 4 * kPage, &unmapped).ok());
  EXPECT_EQ(m.pinned_vm(), 2u);
  EXPECT_EQ(m.memory.pinned_pages(), 2u);
  EXPECT_EQ(m.iommu.Lookup(second, 0x8000, 8).pages, 2u);
  ASSERT_TRUE(m.Unmap(other, 0, 0x10000, &unmapped).ok());
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
  EXPECT_EQ(m.locked(), 0u);
}

TEST_F(Attached, CopyRefusals) {
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 2 * kPage, hwmodel::kRead).ok());
  ASSERT_TRUE(m.Map(table, 0x3000, kBuffer, kPage, hwmodel::kRead).ok());
  EXPECT_EQ(m.Copy(table, 0x1000, table, 0x9000, 0).rule, &rules::kGetPagesLength);
  EXPECT_EQ(m.Copy(table, 0x1000, table, 0x9000, kTop).rule, &rules::kGetPagesOverflow);
  EXPECT_EQ(m.Copy(table, 0x1000, table, 0x9000, 4 * kPage).rule, &rules::kGetPagesHole);
  EXPECT_EQ(m.Copy(table, 0x1000, table, 0x9000, 3 * kPage).rule, &rules::kNotWritable);
  EXPECT_EQ(m.Copy(table, 0x1000, table, 0x2000, 3 * kPage, 1).rule, &rules::kOverlap);
  EXPECT_TRUE(m.Copy(table, 0x1000, table, 0x9000, 3 * kPage, hwmodel::kRead).ok());
  EXPECT_EQ(table.areas().size(), 4u);
}

// A failure at every point in turn leaves everything as it was.
TEST(MapTest, FailNthLeavesNoTrace) {
  TestMachine m;
  IoPagetable table, other;
  const hwmodel::DomainId domains[] = {m.iommu.AllocDomain(), m.iommu.AllocDomain()};
  for (hwmodel::DomainId domain : domains) ASSERT_TRUE(m.AddDomain(table, domain).ok());
  ASSERT_TRUE(m.Map(table, 0x100000, kBuffer + 8 * kPage, kPage).ok());
  ASSERT_TRUE(m.Map(other, 0x1000, kBuffer, 3 * kPage).ok());
  for (const bool copy : {false, true}) {
    uint64_t n = 1;
    for (;; ++n) {
      FailNth hook(n);
      const Result result = copy ? m.Copy(other, 0x1000, table, 0x1000, 3 * kPage, 3, &hook)
                                 : m.Map(table, 0x1000, kBuffer, 3 * kPage, 3, &hook);
      if (result.ok()) {
        EXPECT_LT(hook.reached(), n);
        break;
      }
      EXPECT_EQ(m.pinned_vm(), 1u) << n;
      EXPECT_EQ(m.locked(), 1u) << n;
      EXPECT_EQ(m.memory.pinned_pages(), 1u) << n;
      EXPECT_EQ(table.areas().size(), 1u) << n;
      EXPECT_EQ(m.iommu.reach(domains[0]), m.iommu.reach(domains[1])) << n;
      EXPECT_EQ(m.iommu.reach(domains[0]),
                sim::HashReach(0x100, m.Frame(kBuffer + 8 * kPage), 1, 3))
          << n;
    }
    EXPECT_GT(n, 4u);
    uint64_t unmapped = 0;
    ASSERT_TRUE(m.Unmap(table, 0x1000, 3 * kPage, &unmapped).ok());
  }
}

}  // namespace
}  // namespace iovalid::ioas
