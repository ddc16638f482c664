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

TEST(UnmapTest, StopsAtAPartlyCoveredAreaAndKeepsWhatItDid) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 2 * kPage).ok());
  ASSERT_TRUE(m.Map(table, 0x3000, kBuffer + 4 * kPage, 2 * kPage).ok());
  uint64_t unmapped = 9;
  const Result result = m.Unmap(table, 0x1000, 3 * kPage, &unmapped);
  EXPECT_EQ(result.err, Errno::kNOENT);
  EXPECT_EQ(result.rule, &rules::kUnmapPartial);
  EXPECT_EQ(unmapped, 2 * kPage);
  EXPECT_EQ(m.pinned_vm(), 2u);
  EXPECT_EQ(m.Unmap(table, 0x4000, kPage, &unmapped).err, Errno::kNOENT);
  EXPECT_EQ(unmapped, 0u);
}

TEST(UnmapTest, Arguments) {
  TestMachine m;
  IoPagetable table;
  uint64_t unmapped = 9;
  EXPECT_EQ(m.Unmap(table, 0, 0, &unmapped).rule, &rules::kUnmapLength);
  EXPECT_EQ(m.Unmap(table, 1, kTop, &unmapped).ok(), true);  // [1, 2^64-1]
  EXPECT_EQ(m.Unmap(table, 2, kTop, &unmapped).rule, &rules::kUnmapOverflow);
  ASSERT_TRUE(m.Map(table, kTop, 0, 1).ok());
  ASSERT_TRUE(m.Map(table, 0, 0, 1).ok());
  Machine machine = m.Begin();
  ASSERT_TRUE(table.UnmapAll(machine, m.store, &unmapped).ok());
  EXPECT_EQ(unmapped, 2u);
  EXPECT_TRUE(table.areas().empty());
}

TEST(CutTest, NeedsSmallPagesOnlyWithADomain) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 4 * kPage).ok());
  ASSERT_TRUE(m.Cut(table, 0x1fff).ok());
  EXPECT_EQ(table.areas().size(), 2u);
  EXPECT_EQ(table.mappings_digest(),
            sim::HashMapping(0x1000, 0x1fff, 3) + sim::HashMapping(0x2000, 0x4fff, 3));
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  EXPECT_EQ(m.Cut(table, 0x2fff).rule, &rules::kSplitLargePages);
  // No cut: outside, at either end.
  EXPECT_TRUE(m.Cut(table, 0x7fff).ok());
  EXPECT_TRUE(m.Cut(table, 0x2000).ok());
  EXPECT_TRUE(m.Cut(table, 0x4fff).ok());
}

TEST(CutTest, PartsOfAFilledAreaLiveOn) {
  TestMachine m;
  IoPagetable table;
  const hwmodel::DomainId domain = m.iommu.AllocDomain();
  ASSERT_TRUE(table.DisableLargePages(m.Begin()).ok());
  ASSERT_TRUE(m.AddDomain(table, domain).ok());
  ASSERT_TRUE(m.Map(table, 0x200000, kBuffer, 8 * kPage).ok());
  const sim::Digest reach = m.iommu.reach(domain);
  EXPECT_EQ(m.Cut(table, 0x2017ff).rule, &rules::kSplitAlignment);
  ASSERT_TRUE(m.Cut(table, 0x201fff).ok());
  ASSERT_TRUE(m.Cut(table, 0x203fff).ok());
  EXPECT_EQ(m.iommu.reach(domain), reach);
  EXPECT_EQ(m.pinned_vm(), 8u);
  uint64_t unmapped = 0;
  ASSERT_TRUE(m.Unmap(table, 0x202000, 2 * kPage, &unmapped).ok());
  EXPECT_EQ(m.pinned_vm(), 6u);
  EXPECT_FALSE(m.iommu.Lookup(domain, 0x203000, 1).mapped);
  EXPECT_EQ(m.iommu.Lookup(domain, 0x204000, 1).first, m.Frame(kBuffer + 4 * kPage));
  m.RemoveDomain(table, domain);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
  EXPECT_EQ(m.locked(), 0u);
  ASSERT_TRUE(m.AddDomain(table, domain).ok());
  EXPECT_EQ(m.pinned_vm(), 6u);
  EXPECT_EQ(m.iommu.Lookup(domain, 0x204000, 1).first, m.Frame(kBuffer + 4 * kPage));
}

TEST(CutTest, FailedAllocationChangesNothing) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 4 * kPage).ok());
  for (uint64_t n = 1; n <= 2; ++n) {
    FailNth hook(n);
    EXPECT_EQ(table.Cut(m.Begin(&hook), m.store, 0x1fff).err, Errno::kNOMEM);
    EXPECT_EQ(table.areas().size(), 1u);
  }
}

}  // namespace
}  // namespace iovalid::ioas
