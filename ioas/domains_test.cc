// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ioas/rules.h"
#include "ioas/test_machine.h"

namespace iovalid::ioas {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kBuffer = TestMachine::kBuffer;

TEST(DomainsTest, AlignmentNeverShrinksOnAddAndIsRecomputedOnRemove) {
  TestMachine m;
  IoPagetable table;
  EXPECT_EQ(table.iova_alignment(), 1u);
  ASSERT_TRUE(table.DisableLargePages(m.Begin()).ok());
  EXPECT_EQ(table.iova_alignment(), kPage);
  const hwmodel::DomainId domain = m.iommu.AllocDomain();
  ASSERT_TRUE(m.AddDomain(table, domain).ok());
  table.EnableLargePages(m.Begin());
  EXPECT_EQ(table.iova_alignment(), kPage);
  m.RemoveDomain(table, domain);
  EXPECT_EQ(table.iova_alignment(), 1u);
}

TEST(DomainsTest, MisalignedAreasKeepADomainOut) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer + 0x800, kPage).ok());
  const Result result = m.AddDomain(table, m.iommu.AllocDomain());
  EXPECT_EQ(result.err, Errno::kADDRINUSE);
  EXPECT_EQ(result.rule, &rules::kAreasMisaligned);
  EXPECT_EQ(table.DisableLargePages(m.Begin()).err, Errno::kADDRINUSE);
  EXPECT_FALSE(table.large_pages_disabled());
  EXPECT_TRUE(table.reserved().empty());
}

TEST(DomainsTest, ApertureIsReserved) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, uint64_t{1} << 39, kBuffer, kPage).ok());
  EXPECT_EQ(m.AddDomain(table, m.iommu.AllocDomain()).rule, &rules::kReserveInUse);
  uint64_t unmapped;
  ASSERT_TRUE(m.Unmap(table, uint64_t{1} << 39, kPage, &unmapped).ok());
  ASSERT_TRUE(table.SetAllowed({{0, uint64_t{1} << 39}}).ok());
  EXPECT_EQ(m.AddDomain(table, m.iommu.AllocDomain()).rule, &rules::kReserveInUse);
  ASSERT_TRUE(table.SetAllowed({}).ok());
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  EXPECT_EQ(table.SetAllowed({{0, uint64_t{1} << 39}}).rule, &rules::kAllowedReserved);
  ASSERT_EQ(table.reserved().holes().size(), 1u);
  EXPECT_EQ(table.reserved().holes()[0], (IovaRange{0, (uint64_t{1} << 39) - 1}));
}

TEST(DomainsTest, LargePagesStayWhileBothDomainsAndMappingsExist) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, kPage).ok());
  EXPECT_EQ(table.DisableLargePages(m.Begin()).rule, &rules::kLargePagesInUse);
  uint64_t unmapped;
  ASSERT_TRUE(m.Unmap(table, 0x1000, kPage, &unmapped).ok());
  EXPECT_TRUE(table.DisableLargePages(m.Begin()).ok());
  EXPECT_TRUE(table.DisableLargePages(m.Begin()).ok());
}

TEST(DomainsTest, SecondDomainSharesPinsAndFirstCanLeave) {
  TestMachine m;
  IoPagetable table;
  const hwmodel::DomainId a = m.iommu.AllocDomain();
  const hwmodel::DomainId b = m.iommu.AllocDomain();
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 3 * kPage).ok());
  ASSERT_TRUE(m.AddDomain(table, a).ok());
  EXPECT_EQ(m.pinned_vm(), 3u);
  ASSERT_TRUE(m.AddDomain(table, b).ok());
  EXPECT_EQ(m.pinned_vm(), 3u);
  EXPECT_EQ(m.iommu.reach(a), m.iommu.reach(b));
  m.RemoveDomain(table, a);
  EXPECT_TRUE(m.iommu.reach(a).zero());
  EXPECT_FALSE(m.iommu.reach(b).zero());
  EXPECT_EQ(m.pinned_vm(), 3u);
  m.RemoveDomain(table, b);
  EXPECT_EQ(m.pinned_vm(), 0u);
  EXPECT_TRUE(m.iommu.reach(b).zero());
  EXPECT_TRUE(table.reserved().empty());
}

TEST(DomainsTest, FirstBadAreaUndoesAll) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, kPage).ok());
  ASSERT_TRUE(m.Map(table, 0x2000, 0x5000, kPage).ok());
  ASSERT_TRUE(m.Map(table, 0x3000, kBuffer, kPage, 0).ok());
  const hwmodel::DomainId domain = m.iommu.AllocDomain();
  EXPECT_EQ(m.AddDomain(table, domain).err, Errno::kFAULT);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
  EXPECT_EQ(m.pinned_vm(), 0u);
  EXPECT_EQ(m.locked(), 0u);
  EXPECT_TRUE(m.iommu.reach(domain).zero());
  uint64_t unmapped;
  ASSERT_TRUE(m.Unmap(table, 0x2000, kPage, &unmapped).ok());
  EXPECT_EQ(m.AddDomain(table, domain).err, Errno::kINVAL);
  ASSERT_TRUE(m.Unmap(table, 0x3000, kPage, &unmapped).ok());
  EXPECT_TRUE(m.AddDomain(table, domain).ok());
}

TEST(DomainsTest, FailNthOnAdd) {
  TestMachine m;
  IoPagetable table;
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, 2 * kPage).ok());
  ASSERT_TRUE(m.Map(table, 0x8000, kBuffer + 8 * kPage, 2 * kPage).ok());
  ASSERT_TRUE(m.Copy(table, 0x1000, table, 0x10000, 2 * kPage).ok());
  const hwmodel::DomainId domain = m.iommu.AllocDomain();
  uint64_t n = 1;
  for (;; ++n) {
    FailNth hook(n);
    if (m.AddDomain(table, domain, &hook).ok()) break;
    EXPECT_EQ(m.memory.pinned_pages(), 0u) << n;
    EXPECT_EQ(m.pinned_vm(), 0u) << n;
    EXPECT_TRUE(m.iommu.reach(domain).zero()) << n;
    EXPECT_TRUE(table.reserved().empty()) << n;
    EXPECT_TRUE(m.store.table().empty()) << n;
  }
  EXPECT_GT(n, 8u);
  EXPECT_EQ(m.pinned_vm(), 4u);
}

// The memory goes with its process, the pins and their charge stay.
TEST(DomainsTest, PagesOutliveTheirProcess) {
  TestMachine m;
  IoPagetable table;
  const hwmodel::DomainId domain = m.iommu.AllocDomain();
  ASSERT_TRUE(m.Map(table, 0x1000, kBuffer, kPage).ok());
  std::vector<uint32_t> released;
  m.memory.RemoveMm(0, &released);
  m.mms[0] = nullptr;
  EXPECT_EQ(m.AddDomain(table, domain).rule, &rules::kPinMmGone);
}

TEST(DomainsTest, MemfdPages) {
  TestMachine m;
  const sim::ObjectId object = m.memory.CreateObject(sim::ObjectKind::kShmem, 4 * kPage);
  IoPagetable table;
  const auto map = [&](uint64_t iova, uint64_t start, uint64_t length) {
    Machine machine = m.Begin();
    return table.MapFile(machine, m.store, {object, kNoFile}, start, length, false, &iova, 3,
                         false);
  };
  ASSERT_TRUE(m.AddDomain(table, m.iommu.AllocDomain()).ok());
  ASSERT_TRUE(map(0x1000, kPage, 2 * kPage).ok());
  EXPECT_EQ(m.pinned_vm(), 2u);
  EXPECT_EQ(map(0x10000, kPage, 4 * kPage).err, Errno::kINVAL);
  EXPECT_EQ(IoPagetable::CheckFileRange(5, 0).rule, &rules::kFileLength);
  EXPECT_EQ(IoPagetable::CheckFileRange(5, ~uint64_t{0}).rule, &rules::kFileOverflow);
  EXPECT_EQ(m.memory.pinned_pages(), 2u);
}

}  // namespace
}  // namespace iovalid::ioas
