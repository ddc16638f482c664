// SPDX-License-Identifier: Apache-2.0
// Transparent and explicit huge pages: which pages a fault makes present. Sources:
// do_huge_pmd_anonymous_page, do_huge_pmd_wp_page, do_huge_zero_wp_pmd, hugetlb_no_page; golden
// edges mem-huge*, and what a running 6.1 charged in blocks that were read, written or cut.
#include <gtest/gtest.h>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x140000000;
constexpr uint64_t kHuge = kHugePages * kPageSize;

MemoryPolicy Policy612WithThp() {
  MemoryPolicy policy;
  policy.huge_zero_copied_whole = false;
  return policy;
}

TEST(SimMmThpTest, WriteFillsTheBlock) {
  MemoryFixture m(Policy73());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1024)), Errno::kOk);
  m.mm().Touch(kAddr + 5 * kPageSize, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 1024), 512u);
  EXPECT_EQ(m.At(kAddr + 511 * kPageSize), m.At(kAddr) + 511);
}

TEST(SimMmThpTest, WithoutThpOnePage) {
  MemoryFixture m(Policy612WithoutThp());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1024)), Errno::kOk);
  m.mm().Touch(kAddr, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 1024), 1u);
}

TEST(SimMmThpTest, OnlyBlocksThatAreCoveredAndFree) {
  MemoryFixture m(Policy73());
  // One page short at each end.
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + kPageSize, 1022)), Errno::kOk);
  m.mm().Touch(kAddr + kPageSize, kPageSize, true);
  m.mm().Touch(kAddr + kHuge, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 1024), 2u);
  // A page is there already.
  ASSERT_EQ(m.Unmap(kAddr, 1024), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 511)), Errno::kOk);
  m.mm().Touch(kAddr, kPageSize, true);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 511 * kPageSize, 1)), Errno::kOk);
  m.mm().Touch(kAddr + 7 * kPageSize, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 512), 2u);
}

// Two mmap calls next to one another are one mapping to the kernel.
TEST(SimMmThpTest, BlockAcrossTwoCalls) {
  MemoryFixture m(Policy73());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 100)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 100 * kPageSize, 412)), Errno::kOk);
  m.mm().Touch(kAddr, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 512), 512u);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 100)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 100 * kPageSize, 412, true, false)),
            Errno::kOk);
  m.mm().Touch(kAddr, kPageSize, true);
  EXPECT_EQ(m.Present(kAddr, 512), 1u);
}

TEST(SimMmThpTest, LongRangeFillsTheBlocksAtBothEnds) {
  MemoryFixture m(Policy73());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2048)), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr + kHuge - kPageSize, 514, true).pages, 514u);
  EXPECT_EQ(m.Present(kAddr, 2048), 1536u);
  EXPECT_EQ(m.runs.size(), 1u);
  EXPECT_EQ(m.memory.pinned_pages(), 514u);
}

TEST(SimMmThpTest, ReadMapsTheHugeZeroPage) {
  MemoryFixture m(Policy73());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
  m.mm().Touch(kAddr, kPageSize, false);
  EXPECT_EQ(m.Present(kAddr, 512), 512u);
  EXPECT_EQ(m.At(kAddr + 3 * kPageSize), kHugeZeroPage + 3);
}

// The huge zero page is an ordinary folio: 6.1 pins it, and charges it.
TEST(SimMmThpTest, PinForReading61) {
  MemoryFixture m(Policy61());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
  ASSERT_EQ(m.Pin(kAddr, 4, false).pages, 4u);
  ASSERT_EQ(m.runs.size(), 1u);
  EXPECT_EQ(m.runs[0], (PageRun{kHugeZeroPage, 4, PageClass::kRam}));
  // A write splits the block and copies one page.
  m.mm().Touch(kAddr, kPageSize, true);
  EXPECT_NE(m.At(kAddr), kHugeZeroPage);
  EXPECT_EQ(m.At(kAddr + kPageSize), kZeroPage);
}

TEST(SimMmThpTest, PinForReadingUnsharesOnePageOrTheBlock) {
  MemoryFixture split(Policy612WithThp());
  ASSERT_EQ(split.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
  EXPECT_EQ(ClassOf(split.PinOne(kAddr + kPageSize, false)), PageClass::kRam);
  EXPECT_EQ(split.At(kAddr), kZeroPage);
  EXPECT_EQ(split.At(kAddr + 2 * kPageSize), kZeroPage);

  MemoryFixture whole(Policy73());
  ASSERT_EQ(whole.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
  const PageId page = whole.PinOne(kAddr + kPageSize, false);
  EXPECT_EQ(whole.At(kAddr), page - 1);
  EXPECT_EQ(whole.At(kAddr + 511 * kPageSize), page + 510);
}

// Whatever cuts the block leaves entries of the (small) zero page.
TEST(SimMmThpTest, CutHugeZeroPageIsSplit) {
  for (int how = 0; how < 3; ++how) {
    MemoryFixture m(Policy73());
    ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
    m.mm().Touch(kAddr, kPageSize, false);
    if (how == 0) {
      ASSERT_EQ(m.Unmap(kAddr, 1), Errno::kOk);
    } else if (how == 1) {
      ASSERT_EQ(m.mm().Protect(kAddr, kPageSize, true, false, false), Errno::kOk);
    } else {
      ASSERT_EQ(m.mm().Remap(kAddr, kPageSize, kAddr + 4 * kHuge, kPageSize, &m.released),
                Errno::kOk);
      EXPECT_EQ(m.At(kAddr + 4 * kHuge), kZeroPage);
    }
    EXPECT_EQ(m.At(kAddr + 9 * kPageSize), kZeroPage) << how;
    m.mm().Touch(kAddr + 9 * kPageSize, kPageSize, true);
    EXPECT_EQ(m.At(kAddr + 10 * kPageSize), kZeroPage) << how;
  }
}

TEST(SimMmHugetlbTest, FaultsWholeHugePages) {
  MemoryFixture m;
  MapRequest request = MemoryFixture::Anonymous(kAddr, 1024);
  request.hugetlb = true;
  ASSERT_EQ(m.Map(request), Errno::kOk);
  m.mm().Touch(kAddr + 600 * kPageSize, 1, false);
  EXPECT_EQ(m.Present(kAddr, 1024), 512u);
  // There is no huge zero page in hugetlb: what was read is the process's own.
  const PageId page = m.At(kAddr + kHuge);
  EXPECT_EQ(m.PinOne(kAddr + kHuge, true), page);
  EXPECT_EQ(page % kHugePages, 0u);
}

TEST(SimMmHugetlbTest, SharedFile) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kHugetlb, 2 * kHuge);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 512, object, 512)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr + kHuge, 1024, object)), Errno::kOk);
  EXPECT_EQ(m.PinOne(kAddr, true), m.PinOne(kAddr + 2 * kHuge, true));
  EXPECT_EQ(m.memory.Resize(object, kPageSize), Errno::kINVAL);
  MapRequest misaligned = MemoryFixture::Shared(kAddr, 512, object, 1);
  EXPECT_EQ(m.Map(misaligned), Errno::kINVAL);
}

}  // namespace
}  // namespace iovalid::sim
