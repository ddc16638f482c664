// SPDX-License-Identifier: Apache-2.0
// mmap, munmap, mprotect, mremap, madvise. Sources: mm/mmap.c, mm/vma.c, mm/mprotect.c,
// mm/mremap.c, mm/madvise.c of the kernel.
#include <gtest/gtest.h>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x100000000;
constexpr uint64_t kHuge = kHugePages * kPageSize;

using List = std::vector<uint32_t>;

TEST(SimMmMapTest, RefusesWhatMmapRefuses) {
  MemoryFixture m;
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 0)), Errno::kINVAL);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 1, 1)), Errno::kINVAL);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kUserTop, 1)), Errno::kNOMEM);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kUserTop - kPageSize, 2)), Errno::kNOMEM);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kUserTop - kPageSize, 1)), Errno::kOk);
  MapRequest whole = MemoryFixture::Anonymous(kAddr, 1);
  whole.len = ~uint64_t{0};
  EXPECT_EQ(m.Map(whole), Errno::kNOMEM);
  EXPECT_EQ(m.Map(MemoryFixture::Shared(kAddr, 1, 0)), Errno::kBADF);

  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, kPageSize);
  MapRequest request = MemoryFixture::Shared(kAddr, 1, object);
  request.offset = 1;
  EXPECT_EQ(m.Map(request), Errno::kINVAL);
  request.offset = ~uint64_t{0} & kPageMask;
  EXPECT_EQ(m.Map(request), Errno::kOVERFLOW);
  EXPECT_FALSE(m.mm().Mapped(kAddr, 1));
}

TEST(SimMmMapTest, LengthIsRoundedUpToPages) {
  MemoryFixture m;
  MapRequest request = MemoryFixture::Anonymous(kAddr, 0);
  request.len = kPageSize + 1;
  ASSERT_EQ(m.Map(request), Errno::kOk);
  EXPECT_TRUE(m.mm().Mapped(kAddr, 2 * kPageSize));
  EXPECT_FALSE(m.mm().Mapped(kAddr, 2 * kPageSize + 1));
}

// A file opened for reading only: mapping it shared and writable, or making it writable later.
TEST(SimMmMapTest, ReadOnlyFileIsNotWritableWhenShared) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 16 * kPageSize);
  MapRequest request = MemoryFixture::Shared(kAddr, 4, object);
  request.file_writable = false;
  EXPECT_EQ(m.Map(request), Errno::kACCES);
  request.write = false;
  EXPECT_EQ(m.Map(request), Errno::kOk);
  EXPECT_EQ(m.mm().Protect(kAddr, kPageSize, true, true, false), Errno::kACCES);

  MapRequest copy = MemoryFixture::Private(kAddr, 4, object);
  copy.file_writable = false;
  EXPECT_EQ(m.Map(copy), Errno::kOk);
  EXPECT_EQ(m.mm().Touch(kAddr, kPageSize, true).signal, 0);
}

TEST(SimMmMapTest, ReplacesWhatWasThere) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  const PageId before = m.At(kAddr + kPageSize);
  const PageId kept = m.At(kAddr);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + kPageSize, 2)), Errno::kOk);
  EXPECT_EQ(m.At(kAddr + kPageSize), 0u);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  EXPECT_NE(m.At(kAddr + kPageSize), before);
  EXPECT_EQ(m.At(kAddr), kept);
}

TEST(SimMmUnmapTest, Errors) {
  MemoryFixture m;
  EXPECT_EQ(m.Unmap(kAddr, 0), Errno::kINVAL);
  EXPECT_EQ(m.Unmap(kAddr + 1, 1), Errno::kINVAL);
  EXPECT_EQ(m.Unmap(kUserTop, 1), Errno::kINVAL);
  EXPECT_EQ(m.Unmap(kAddr, 1), Errno::kOk);  // nothing there is no error
}

TEST(SimMmUnmapTest, CutsAHole) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 5)), Errno::kOk);
  m.mm().Touch(kAddr, 5 * kPageSize, true);
  const PageId last = m.At(kAddr + 4 * kPageSize);
  ASSERT_EQ(m.Unmap(kAddr + kPageSize, 2), Errno::kOk);
  EXPECT_TRUE(m.mm().Mapped(kAddr, kPageSize));
  EXPECT_FALSE(m.mm().Mapped(kAddr + kPageSize, kPageSize));
  EXPECT_FALSE(m.mm().Mapped(kAddr, 5 * kPageSize));
  EXPECT_TRUE(m.mm().Mapped(kAddr + 3 * kPageSize, 2 * kPageSize));
  EXPECT_EQ(m.Present(kAddr, 5), 3u);
  EXPECT_EQ(m.At(kAddr + 4 * kPageSize), last);
}

TEST(SimMmUnmapTest, HugePagesAreNotCut) {
  MemoryFixture m;
  MapRequest request = MemoryFixture::Anonymous(kAddr, 1024);
  request.hugetlb = true;
  ASSERT_EQ(m.Map(request), Errno::kOk);
  EXPECT_EQ(m.Unmap(kAddr, 1), Errno::kINVAL);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + kPageSize, 1)), Errno::kINVAL);
  EXPECT_EQ(m.mm().Protect(kAddr, kPageSize, true, false, false), Errno::kINVAL);
  EXPECT_EQ(m.Unmap(kAddr, 512), Errno::kOk);
  EXPECT_TRUE(m.mm().Mapped(kAddr + kHuge, kHuge));
  request.addr = kAddr + kPageSize;
  EXPECT_EQ(m.Map(request), Errno::kINVAL);
}

// Each piece of a device mapping holds the file: the cookie comes with the last one.
TEST(SimMmDeviceTest, CookieComesWithTheLastPiece) {
  MemoryFixture m;
  ASSERT_EQ(m.mm().MapPfns(kAddr, 4, true, true, kFirstMmioPage, 77), Errno::kOk);
  EXPECT_EQ(m.Unmap(kAddr + kPageSize, 1), Errno::kOk);
  EXPECT_EQ(m.released, List{});
  EXPECT_EQ(m.Unmap(kAddr, 1), Errno::kOk);
  EXPECT_EQ(m.released, List{});
  EXPECT_EQ(m.Unmap(kAddr, 8), Errno::kOk);
  EXPECT_EQ(m.released, List{77});
}

TEST(SimMmDeviceTest, EachMappingReleasesItsOwnCookie) {
  MemoryFixture m;
  ASSERT_EQ(m.mm().MapPfns(kAddr, 2, true, true, kFirstMmioPage, 5), Errno::kOk);
  ASSERT_EQ(m.mm().MapPfns(kAddr + 2 * kPageSize, 2, true, true, kFirstMmioPage, 5), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  EXPECT_EQ(m.released, List{5});
  ASSERT_EQ(m.mm().MapPfns(kAddr + 2 * kPageSize, 2, true, true, kFirstMmioPage, 6), Errno::kOk);
  List waiting;
  m.mm().TakeReleased(&waiting);
  EXPECT_EQ(waiting, List{5});
  m.memory.RemoveMm(0, &waiting);
  EXPECT_EQ(waiting, (List{5, 6}));
}

TEST(SimMmDeviceTest, MapPfnsRefusesBadRanges) {
  MemoryFixture m;
  EXPECT_EQ(m.mm().MapPfns(kAddr + 1, 1, true, true, kFirstMmioPage, 0), Errno::kINVAL);
  EXPECT_EQ(m.mm().MapPfns(kAddr, 0, true, true, kFirstMmioPage, 0), Errno::kINVAL);
  EXPECT_EQ(m.mm().MapPfns(kAddr, ~uint64_t{0}, true, true, kFirstMmioPage, 0), Errno::kNOMEM);
  EXPECT_EQ(m.mm().MapPfns(kUserTop - kPageSize, 2, true, true, kFirstMmioPage, 0), Errno::kNOMEM);
}

TEST(SimMmProtectTest, ChangesOnePiece) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  ASSERT_EQ(m.mm().Protect(kAddr + kPageSize, 1, true, false, false), Errno::kOk);
  const TouchResult touched = m.mm().Touch(kAddr, 4 * kPageSize, true);
  EXPECT_EQ(touched.signal, 11);
  EXPECT_EQ(touched.done, kPageSize);
  EXPECT_EQ(m.mm().Touch(kAddr, 4 * kPageSize, false).done, 4 * kPageSize);
}

// Pages stay in the table under PROT_NONE (pagemap shows them as present).
TEST(SimMmProtectTest, NoAccessKeepsPagesPresent) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  m.mm().Touch(kAddr, 2 * kPageSize, true);
  const PageId page = m.At(kAddr);
  ASSERT_EQ(m.mm().Protect(kAddr, 2 * kPageSize, false, false, false), Errno::kOk);
  EXPECT_EQ(m.At(kAddr), page);
  EXPECT_EQ(m.mm().Touch(kAddr, kPageSize, false).signal, 11);
}

TEST(SimMmProtectTest, StopsAtAHole) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  EXPECT_EQ(m.mm().Protect(kAddr, 2 * kPageSize, true, false, false), Errno::kNOMEM);
  EXPECT_EQ(m.mm().Touch(kAddr, kPageSize, true).signal, 11);  // the piece before it is changed
  EXPECT_EQ(m.mm().Protect(kAddr + 1, 1, true, false, false), Errno::kINVAL);
  EXPECT_EQ(m.mm().Protect(kAddr + 16 * kPageSize, 0, true, false, false), Errno::kOk);
}

TEST(SimMmRemapTest, PagesMoveWithTheMapping) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 3)), Errno::kOk);
  m.mm().Touch(kAddr, 2 * kPageSize, true);
  const PageId first = m.At(kAddr);
  const PageId second = m.At(kAddr + kPageSize);
  const uint64_t to = kAddr + 0x10000000;
  ASSERT_EQ(m.mm().Remap(kAddr, 3 * kPageSize, to, 5 * kPageSize, &m.released), Errno::kOk);
  EXPECT_FALSE(m.mm().Mapped(kAddr, kPageSize));
  EXPECT_TRUE(m.mm().Mapped(to, 5 * kPageSize));
  EXPECT_EQ(m.At(to), first);
  EXPECT_EQ(m.At(to + kPageSize), second);
  EXPECT_EQ(m.At(to + 2 * kPageSize), 0u);
  // What was never touched keeps the page that it would have had.
  m.mm().Touch(to, 5 * kPageSize, true);
  EXPECT_EQ(m.At(to + 2 * kPageSize), first + 2);
  EXPECT_GT(m.At(to + 3 * kPageSize), first + 2);
}

TEST(SimMmRemapTest, ShrinksAndGrowsInPlace) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  const PageId lost = m.At(kAddr + 2 * kPageSize);
  ASSERT_EQ(m.mm().Remap(kAddr, 4 * kPageSize, kAddr, 2 * kPageSize, &m.released), Errno::kOk);
  EXPECT_FALSE(m.mm().Mapped(kAddr, 3 * kPageSize));
  ASSERT_EQ(m.mm().Remap(kAddr, 2 * kPageSize, kAddr, 4 * kPageSize, &m.released), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  EXPECT_NE(m.At(kAddr + 2 * kPageSize), lost);
}

TEST(SimMmRemapTest, Errors) {
  MemoryFixture m;
  const auto remap = [&](uint64_t from, uint64_t n, uint64_t to, uint64_t new_n) {
    return m.mm().Remap(from, n * kPageSize, to, new_n * kPageSize, &m.released);
  };
  EXPECT_EQ(remap(kAddr, 1, kAddr, 2), Errno::kFAULT);  // nothing there
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  EXPECT_EQ(remap(kAddr, 0, kAddr, 2), Errno::kINVAL);
  EXPECT_EQ(remap(kAddr, 4, kAddr, 0), Errno::kINVAL);
  EXPECT_EQ(remap(kAddr, 4, kAddr + 2 * kPageSize, 4), Errno::kINVAL);
  EXPECT_EQ(remap(kAddr, 5, kAddr, 6), Errno::kFAULT);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 4 * kPageSize, 1)), Errno::kOk);
  EXPECT_EQ(remap(kAddr, 4, kAddr, 5), Errno::kNOMEM);
  ASSERT_EQ(m.mm().MapPfns(kAddr, 2, true, true, kFirstMmioPage, 1), Errno::kOk);
  EXPECT_EQ(remap(kAddr, 2, kAddr + 16 * kPageSize, 3), Errno::kFAULT);
}

TEST(SimMmRemapTest, DeviceMappingKeepsItsCookie) {
  MemoryFixture m;
  ASSERT_EQ(m.mm().MapPfns(kAddr, 2, true, true, kFirstMmioPage, 9), Errno::kOk);
  const uint64_t to = kAddr + 16 * kPageSize;
  ASSERT_EQ(m.mm().Remap(kAddr, 2 * kPageSize, to, 2 * kPageSize, &m.released), Errno::kOk);
  EXPECT_EQ(m.released, List{});
  PageRun run;
  EXPECT_EQ(m.mm().FollowPfnmap(to + kPageSize, 1, false, &run).pages, 1u);
  EXPECT_EQ(run.first, kFirstMmioPage + 1);
  EXPECT_EQ(m.Unmap(to, 2), Errno::kOk);
  EXPECT_EQ(m.released, List{9});
}

TEST(SimMmMadviseTest, DontNeedGivesNewPages) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 3)), Errno::kOk);
  m.mm().Touch(kAddr, 3 * kPageSize, true);
  const PageId kept = m.At(kAddr);
  const PageId dropped = m.At(kAddr + kPageSize);
  ASSERT_EQ(m.mm().Madvise(kAddr + kPageSize, kPageSize, 4), Errno::kOk);
  EXPECT_EQ(m.At(kAddr + kPageSize), 0u);
  m.mm().Touch(kAddr, 3 * kPageSize, true);
  EXPECT_EQ(m.At(kAddr), kept);
  EXPECT_NE(m.At(kAddr + kPageSize), dropped);
  EXPECT_EQ(m.At(kAddr + 2 * kPageSize), kept + 2);
}

TEST(SimMmMadviseTest, Errors) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  EXPECT_EQ(m.mm().Madvise(kAddr + 1, 1, 10), Errno::kINVAL);
  EXPECT_EQ(m.mm().Madvise(kAddr, 2 * kPageSize, 10), Errno::kNOMEM);
  EXPECT_EQ(m.mm().Madvise(kAddr, 2 * kPageSize, 14), Errno::kNOMEM);
  EXPECT_EQ(m.mm().Madvise(kAddr, kPageSize, 14), Errno::kOk);
  ASSERT_EQ(m.mm().MapPfns(kAddr, 1, true, true, kFirstMmioPage, 1), Errno::kOk);
  EXPECT_EQ(m.mm().Madvise(kAddr, kPageSize, 10), Errno::kOk);
  EXPECT_EQ(m.mm().Madvise(kAddr, kPageSize, 11), Errno::kINVAL);
}

}  // namespace
}  // namespace iovalid::sim
