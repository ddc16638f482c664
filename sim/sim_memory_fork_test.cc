// SPDX-License-Identifier: Apache-2.0
// fork: dup_mmap, copy_page_range, copy_present_page, do_wp_page.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x100000000;

class ForkTest : public ::testing::Test {
 protected:
  MmId Fork(MmId parent = 0) { return m.memory.ForkMm(parent, &cookies); }
  PageId At(MmId mm, uint64_t addr) const {
    PageId page = 0;
    return m.memory.mm(mm).PresentPage(addr, &page) ? page : 0;
  }
  void Write(MmId mm, uint64_t addr, uint8_t byte) {
    ASSERT_EQ(m.memory.mm(mm).CopyOut(addr, &byte, 1), 1u);
  }
  uint8_t Read(MmId mm, uint64_t addr) {
    uint8_t byte = 0xff;
    EXPECT_EQ(m.memory.mm(mm).CopyIn(addr, &byte, 1), 1u);
    return byte;
  }

  MemoryFixture m{Policy612WithoutThp()};
  std::vector<uint32_t> cookies;
};

TEST_F(ForkTest, PrivatePagesAreSharedUntilOneWrites) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  Write(0, kAddr, 1);
  Write(0, kAddr + kPageSize, 2);
  const PageId page = At(0, kAddr);
  const MmId child = Fork();
  EXPECT_EQ(At(child, kAddr), page);
  EXPECT_EQ(Read(child, kAddr), 1);

  Write(child, kAddr, 3);
  EXPECT_NE(At(child, kAddr), page);
  EXPECT_EQ(At(0, kAddr), page);
  EXPECT_EQ(Read(0, kAddr), 1);
  EXPECT_EQ(Read(child, kAddr), 3);
  // The parent is now alone with the old page and keeps it.
  Write(0, kAddr, 4);
  EXPECT_EQ(At(0, kAddr), page);

  // The other way round.
  const PageId second = At(0, kAddr + kPageSize);
  Write(0, kAddr + kPageSize, 5);
  EXPECT_NE(At(0, kAddr + kPageSize), second);
  EXPECT_EQ(At(child, kAddr + kPageSize), second);
  EXPECT_EQ(Read(child, kAddr + kPageSize), 2);
}

TEST_F(ForkTest, PinBreaksSharing) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  Write(0, kAddr, 1);
  const PageId page = At(0, kAddr);
  const MmId child = Fork();
  // A pin for reading, too: the page must be the process's own for as long as the pin lasts.
  const PageId pinned = m.PinOne(kAddr, false);
  EXPECT_NE(pinned, page);
  EXPECT_EQ(At(0, kAddr), pinned);
  EXPECT_EQ(At(child, kAddr), page);
  EXPECT_EQ(Read(0, kAddr), 1);
}

TEST_F(ForkTest, PinnedPagesAreCopiedForTheChild) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 3)), Errno::kOk);
  for (uint64_t i = 0; i < 3; ++i) Write(0, kAddr + i * kPageSize, static_cast<uint8_t>(i + 1));
  const PageId pinned = m.PinOne(kAddr + kPageSize, true);
  const MmId child = Fork();
  EXPECT_NE(At(child, kAddr + kPageSize), pinned);
  EXPECT_EQ(At(child, kAddr), At(0, kAddr));
  EXPECT_EQ(At(child, kAddr + 2 * kPageSize), At(0, kAddr + 2 * kPageSize));
  EXPECT_EQ(Read(child, kAddr + kPageSize), 2);
  Write(0, kAddr + kPageSize, 9);
  EXPECT_EQ(At(0, kAddr + kPageSize), pinned);
  EXPECT_EQ(Read(child, kAddr + kPageSize), 2);
}

TEST_F(ForkTest, SharedMappingsStayShared) {
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 1, object)), Errno::kOk);
  Write(0, kAddr, 1);
  const MmId child = Fork();
  EXPECT_EQ(At(child, kAddr), 0u);  // left to a fault (vma_needs_copy)
  Write(child, kAddr, 2);
  EXPECT_EQ(Read(0, kAddr), 2);
  EXPECT_EQ(At(child, kAddr), At(0, kAddr));
}

TEST_F(ForkTest, DontForkIsLeftOut) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  ASSERT_EQ(m.mm().Madvise(kAddr + kPageSize, 2 * kPageSize, 10), Errno::kOk);
  ASSERT_EQ(m.mm().Madvise(kAddr + 2 * kPageSize, kPageSize, 11), Errno::kOk);
  const MmId child = Fork();
  EXPECT_TRUE(m.memory.mm(child).Mapped(kAddr, kPageSize));
  EXPECT_FALSE(m.memory.mm(child).Mapped(kAddr + kPageSize, kPageSize));
  EXPECT_TRUE(m.memory.mm(child).Mapped(kAddr + 2 * kPageSize, 2 * kPageSize));
  EXPECT_TRUE(m.mm().Mapped(kAddr, 4 * kPageSize));
}

TEST_F(ForkTest, DeviceMappingsHoldTheirFileInBoth) {
  ASSERT_EQ(m.mm().MapPfns(kAddr, 4, true, true, kFirstMmioPage, 7), Errno::kOk);
  ASSERT_EQ(m.Unmap(kAddr + kPageSize, 1), Errno::kOk);
  const MmId child = Fork();
  EXPECT_EQ(cookies, std::vector<uint32_t>{7});
  PageRun run;
  EXPECT_EQ(m.memory.mm(child).FollowPfnmap(kAddr + 2 * kPageSize, 1, true, &run).pages, 1u);
  EXPECT_EQ(run.first, kFirstMmioPage + 2);
  m.memory.RemoveMm(child, &m.released);
  EXPECT_EQ(m.released, std::vector<uint32_t>{7});
  m.memory.RemoveMm(0, &m.released);
  EXPECT_EQ(m.released, (std::vector<uint32_t>{7, 7}));
}

TEST_F(ForkTest, UntouchedMemoryIsDifferentInBoth) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  const MmId child = Fork();
  Write(0, kAddr, 1);
  EXPECT_EQ(Read(child, kAddr), 0);
  Write(child, kAddr, 2);
  EXPECT_NE(At(0, kAddr), At(child, kAddr));
}

TEST_F(ForkTest, LastOneKeepsThePageAfterExit) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  Write(0, kAddr, 1);
  const PageId page = At(0, kAddr);
  const MmId child = Fork();
  const MmId grandchild = Fork(child);
  m.memory.RemoveMm(0, &m.released);
  Write(grandchild, kAddr, 2);
  EXPECT_NE(At(grandchild, kAddr), page);
  Write(child, kAddr, 3);
  EXPECT_EQ(At(child, kAddr), page);
  EXPECT_EQ(Read(grandchild, kAddr), 2);
}

TEST_F(ForkTest, EveryGenerationHasItsOwnPages) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  std::vector<PageId> seen;
  for (int i = 0; i < 5; ++i) {
    Write(0, kAddr, static_cast<uint8_t>(i));
    for (PageId page : seen) EXPECT_NE(At(0, kAddr), page);
    seen.push_back(At(0, kAddr));
    Fork();
  }
}

TEST_F(ForkTest, HugePagesAreSharedAndCopiedWhole) {
  MapRequest request = MemoryFixture::Anonymous(0x140000000, 1024);
  request.hugetlb = true;
  ASSERT_EQ(m.Map(request), Errno::kOk);
  Write(0, 0x140000000, 1);
  Write(0, 0x140200000, 2);
  ASSERT_NE(m.PinOne(0x140205000, true), 0u);
  const MmId child = Fork();
  EXPECT_EQ(At(child, 0x140000000), At(0, 0x140000000));
  EXPECT_NE(At(child, 0x140200000), At(0, 0x140200000));
  EXPECT_EQ(Read(child, 0x140200000), 2);
  Write(child, 0x140001000, 3);
  EXPECT_NE(At(child, 0x140000000), At(0, 0x140000000));
  EXPECT_EQ(At(child, 0x140000000) + 511, At(child, 0x1401ff000));
  EXPECT_EQ(Read(child, 0x140000000), 1);
}

TEST_F(ForkTest, FailsWhereNoPagesAreLeft) {
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(0x10000, uint64_t{1} << 34)), Errno::kOk);
  ASSERT_EQ(m.mm().MapPfns(0x7f0000000000, 1, true, true, kFirstMmioPage, 3), Errno::kOk);
  EXPECT_NE(Fork(), kNoMm);
  cookies = {42};
  EXPECT_EQ(Fork(), kNoMm);
  EXPECT_EQ(cookies, std::vector<uint32_t>{42});
}

}  // namespace
}  // namespace iovalid::sim
