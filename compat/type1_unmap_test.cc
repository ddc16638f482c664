// SPDX-License-Identifier: Apache-2.0
// UNMAP_DMA through type1, v1 and v2. Expected values: recordings "edges", sequences unmap-*,
// vaddr-*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;

// Three mappings of two pages each at pages 0x10, 0x12 and 0x14.
int ThreeMappings(TestProcess* p, uint64_t type) {
  const int c = p->SetUp(type);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_THAT(p->Map(c, 0x10000 + i * 2 * kPage, kBuffer + i * 2 * kPage, 2 * kPage), Succeeds());
  }
  return c;
}

TEST(Type1UnmapTest, V2TakesWholeMappingsAndSaysHowMuch) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
  uint64_t size = 0;
  EXPECT_THAT(p.Unmap(c, 0x10000, 4 * kPage, 0, &size), Succeeds());
  EXPECT_EQ(size, 4 * kPage);
  EXPECT_EQ(p.locked_pages(), 2u);
  EXPECT_EQ(p.Reach(0), "14000+2:rw");
  EXPECT_THAT(p.Unmap(c, 0x10000, 4 * kPage, 0, &size), Succeeds());
  EXPECT_EQ(size, 0u);
}

// Row 1 and 2 of the divergences: EINVAL, and nothing at all is removed.
TEST(Type1UnmapTest, V2BisectingEndRemovesNothing) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
  uint64_t size = 0;
  EXPECT_THAT(p.Unmap(c, 0x10000, 3 * kPage, 0, &size),
              FailsBy(Errno::kINVAL, "type1.unmap.bisect"));
  EXPECT_EQ(size, 3 * kPage);  // untouched on an error
  EXPECT_THAT(p.Unmap(c, 0x11000, 3 * kPage), FailsBy(Errno::kINVAL, "type1.unmap.bisect"));
  EXPECT_EQ(p.Reach(0), "10000+6:rw");
  EXPECT_EQ(p.locked_pages(), 6u);
}

// Row 4 (user problem U3): a request inside a mapping succeeds and does nothing.
TEST(Type1UnmapTest, V1InsideAMappingStops) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1Iommu);
  uint64_t size = 1;
  EXPECT_THAT(p.Unmap(c, 0x11000, 5 * kPage, 0, &size), Succeeds());
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(p.locked_pages(), 6u);
}

// Row 5: covering the first byte takes the whole mapping.
TEST(Type1UnmapTest, V1FirstPageTakesTheWholeMapping) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1Iommu);
  uint64_t size = 0;
  EXPECT_THAT(p.Unmap(c, 0x10000, kPage, 0, &size), Succeeds());
  EXPECT_EQ(size, 2 * kPage);
  EXPECT_EQ(p.Reach(0), "12000+4:rw");
}

TEST(Type1UnmapTest, ArgumentErrors) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
  EXPECT_THAT(p.Unmap(c, 0x10000, 0), FailsBy(Errno::kINVAL, "type1.unmap.size"));
  EXPECT_THAT(p.Unmap(c, 0x10000, 1), FailsBy(Errno::kINVAL, "type1.unmap.size"));
  EXPECT_THAT(p.Unmap(c, 1, kPage), FailsBy(Errno::kINVAL, "type1.unmap.iova_aligned"));
  EXPECT_THAT(p.Unmap(c, 0x10000, kPage, 8), FailsBy(Errno::kINVAL, "type1.unmap.flags"));
  EXPECT_THAT(p.Unmap(c, 0, kPage, abi::kVfioDmaUnmapFlagAll),
              FailsBy(Errno::kINVAL, "type1.unmap.all_args"));
  EXPECT_THAT(p.Unmap(c, ~uint64_t{0} - 0xfff, 2 * kPage),
              FailsBy(Errno::kOVERFLOW, "type1.unmap.wrap"));
  EXPECT_EQ(p.locked_pages(), 6u);
}

TEST(Type1UnmapTest, AllTakesEverything) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(GoldenMachine(kernel));
    const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
    uint64_t size = 0;
    EXPECT_THAT(p.Unmap(c, 0, 0, abi::kVfioDmaUnmapFlagAll, &size), Succeeds());
    EXPECT_EQ(size, 6 * kPage);
    EXPECT_EQ(p.locked_pages(), 0u);
    EXPECT_EQ(p.memory().pinned_pages(), 0u);
  }
}

TEST(Type1VaddrTest, SuspendedMappingStaysInPlaceAndComesBack) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
  uint64_t size = 0;
  constexpr uint32_t kVaddr = abi::kVfioDmaUnmapFlagVaddr;
  EXPECT_THAT(p.Unmap(c, 0x10000, 2 * kPage, kVaddr, &size), Succeeds());
  EXPECT_EQ(size, 2 * kPage);
  EXPECT_EQ(p.Reach(0), "10000+6:rw");
  // Twice is an error that undoes the call: the second mapping is not suspended by it.
  EXPECT_THAT(p.Unmap(c, 0x10000, 4 * kPage, kVaddr),
              FailsBy(Errno::kINVAL, "type1.unmap.suspended"));
  EXPECT_THAT(p.Map(c, 0x12000, kBuffer, 2 * kPage, abi::kVfioDmaMapFlagVaddr),
              FailsBy(Errno::kINVAL, "type1.map.vaddr.inexact"));
  EXPECT_THAT(p.Map(c, 0x20000, kBuffer, kPage, abi::kVfioDmaMapFlagVaddr),
              FailsBy(Errno::kNOENT, "type1.map.vaddr.missing"));
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, kPage, abi::kVfioDmaMapFlagVaddr),
              FailsBy(Errno::kINVAL, "type1.map.vaddr.inexact"));
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 2 * kPage, abi::kVfioDmaMapFlagVaddr), Succeeds());
  EXPECT_EQ(p.locked_pages(), 6u);
}

// Row 77: nothing can be pinned while a mapping is suspended.
TEST(Type1VaddrTest, NoGroupJoinsMeanwhile) {
  TestProcess p;
  const int c = ThreeMappings(&p, abi::kVfioType1v2Iommu);
  EXPECT_THAT(p.Unmap(c, 0, 0, abi::kVfioDmaUnmapFlagVaddr | abi::kVfioDmaUnmapFlagAll),
              Succeeds());
  const int second = p.OpenGroup(1);
  EXPECT_THAT(p.SetContainer(second, c), FailsBy(Errno::kBUSY, "type1.attach.suspended"));
  EXPECT_THAT(p.Unmap(c, 0, 0, abi::kVfioDmaUnmapFlagAll), Succeeds());
  EXPECT_THAT(p.SetContainer(second, c), Succeeds());
}

}  // namespace
}  // namespace iovalid::compat
