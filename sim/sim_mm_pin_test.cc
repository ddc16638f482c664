// SPDX-License-Identifier: Apache-2.0
// What a pin gets, by kind of memory, state of the page and kernel. Sources: mm/gup.c
// (check_vma_flags, writable_file_mapping_allowed), gup_must_unshare, memfd_pin_folios, and the
// golden families edges (mem-*) and random-mem.
#include <gtest/gtest.h>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x100000000;

struct Rights {
  bool read;
  bool write;
};

// FOLL_WRITE needs VM_WRITE, otherwise VM_READ is needed: a mapping for writing only can't be
// pinned for reading.
TEST(SimMmPinTest, RightsOfTheMapping) {
  for (const Rights rights : {Rights{false, false}, Rights{true, false}, Rights{false, true},
                              Rights{true, true}}) {
    MemoryFixture m;
    ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2, rights.read, rights.write)), Errno::kOk);
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(m.Pin(kAddr, 2, false).error, rights.read ? Errno::kOk : Errno::kFAULT);
      EXPECT_EQ(m.Pin(kAddr, 2, true).error, rights.write ? Errno::kOk : Errno::kFAULT);
    }
  }
}

TEST(SimMmPinTest, StopsAtTheFirstPageThatCannotBePinned) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 3)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr + 3 * kPageSize, 1, true, false)), Errno::kOk);
  PinResult result = m.Pin(kAddr, 6, true);
  EXPECT_EQ(result.pages, 3u);
  EXPECT_EQ(result.error, Errno::kFAULT);
  EXPECT_EQ(m.memory.pinned_pages(), 3u);
  result = m.Pin(kAddr, 6, false);
  EXPECT_EQ(result.pages, 4u);
  EXPECT_EQ(result.error, Errno::kFAULT);
  EXPECT_EQ(m.Pin(kUserTop, 1, false).error, Errno::kFAULT);
  EXPECT_EQ(m.Pin(~uint64_t{0} & kPageMask, 2, false).error, Errno::kFAULT);
  EXPECT_EQ(m.Pin(kAddr, ~uint64_t{0}, false).pages, 4u);
}

// The fast way goes by the page table: a page that was written is readable there, whatever the
// mapping says (golden edges map-va-prot-dev).
TEST(SimMmPinTest, FastPinReadsPresentPagesOfAWriteOnlyMapping) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4, false, true)), Errno::kOk);
  EXPECT_EQ(m.mm().PinFast(kAddr, 1, false, &m.runs).error, Errno::kFAULT);
  m.mm().Touch(kAddr, 2 * kPageSize, true);
  const PinResult result = m.mm().PinFast(kAddr, 4, false, &m.runs);
  EXPECT_EQ(result.pages, 2u);
  EXPECT_EQ(result.error, Errno::kFAULT);
  EXPECT_EQ(m.memory.pinned_pages(), 2u);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kFAULT);
  EXPECT_EQ(m.mm().PinFast(kAddr, 4, true, &m.runs).pages, 4u);
}

TEST(SimMmPinTest, ConsecutivePagesAreOneRun) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1 << 18)), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 1 << 18, true).pages, uint64_t{1} << 18);
  ASSERT_EQ(m.runs.size(), 1u);
  EXPECT_EQ(m.runs[0].pages, uint64_t{1} << 18);
  EXPECT_EQ(m.runs[0].first % kHugePages, (kAddr >> kPageShift) % kHugePages);
  EXPECT_EQ(m.runs[0].cls, PageClass::kRam);
}

TEST(SimMmPinTest, RunsOfTheCallerAreLeftAlone) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  m.Pin(kAddr, 1, true);
  ASSERT_EQ(m.mm().Pin(kAddr + kPageSize, 1, true, &m.runs).pages, 1u);
  ASSERT_EQ(m.runs.size(), 2u);
  EXPECT_EQ(m.runs[0].pages, 1u);
  EXPECT_EQ(m.runs[1].first, m.runs[0].first + 1);
}

TEST(SimMmPinTest, PinsAreCounted) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  m.Pin(kAddr, 4, true);
  const PageRun all = m.runs[0];
  m.Pin(kAddr + kPageSize, 1, false);
  const PageRun one = m.runs[0];
  EXPECT_EQ(m.memory.pinned_pages(), 5u);
  EXPECT_EQ(m.memory.PinCount(all.first), 1u);
  EXPECT_EQ(m.memory.PinCount(all.first + 1), 2u);
  m.mm().Unpin(all, true);
  EXPECT_EQ(m.memory.pinned_pages(), 1u);
  EXPECT_EQ(m.memory.PinCount(all.first + 1), 1u);
  m.mm().Unpin(one, false);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
}

// edges mem-untouched: since 6.2 a read-only pin of memory never written gives the process a page
// of its own, which a later write does not replace. 6.1 pins the zero page, which is not charged.
TEST(SimMmPinTest, UntouchedMemoryPinnedForReading) {
  for (const MemoryPolicy& policy : {Policy73(), Policy612WithoutThp()}) {
    MemoryFixture m(policy);
    ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
    const PageId page = m.PinOne(kAddr, false);
    EXPECT_EQ(ClassOf(page), PageClass::kRam);
    m.mm().Touch(kAddr, kPageSize, true);
    EXPECT_EQ(m.At(kAddr), page);
  }
  MemoryFixture m(Policy61());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 4)), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 4, false).pages, 4u);
  ASSERT_EQ(m.runs.size(), 4u);
  for (const PageRun& run : m.runs) EXPECT_EQ(run, (PageRun{kZeroPage, 1, PageClass::kZero}));
  m.mm().Touch(kAddr, kPageSize, true);
  EXPECT_NE(m.At(kAddr), kZeroPage);
  EXPECT_EQ(m.At(kAddr + kPageSize), kZeroPage);
}

TEST(SimMmPinTest, MemoryReadBeforeBehavesAsUntouched) {
  for (const MemoryPolicy& policy : {Policy61(), Policy73()}) {
    MemoryFixture m(policy);
    ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
    m.mm().Touch(kAddr, kPageSize, false);
    EXPECT_EQ(m.At(kAddr), kZeroPage);
    const PageClass expected =
        policy.longterm_ro_pin_unshares ? PageClass::kRam : PageClass::kZero;
    ASSERT_EQ(m.Pin(kAddr, 1, false).pages, 1u);
    EXPECT_EQ(m.runs[0].cls, expected);
    ASSERT_EQ(m.Pin(kAddr, 1, true).pages, 1u);
    EXPECT_EQ(m.runs[0].cls, PageClass::kRam);
  }
}

// edges mem-cow: a private mapping of a file.
TEST(SimMmPinTest, PrivateFilePages) {
  for (const MemoryPolicy& policy : {Policy61(), Policy73()}) {
    MemoryFixture m(policy);
    const ObjectId file = m.memory.CreateObject(ObjectKind::kShmem, 16 * kPageSize);
    uint64_t run = 0;
    const PageId cached = m.memory.objects().Page(file, 0, &run);
    ASSERT_EQ(m.Map(MemoryFixture::Private(kAddr, 4, file)), Errno::kOk);
    m.mm().Touch(kAddr, kPageSize, false);
    EXPECT_EQ(m.At(kAddr), cached);
    const PageId pinned = m.PinOne(kAddr, false);
    EXPECT_EQ(pinned == cached, !policy.longterm_ro_pin_unshares);
    const PageId written = m.PinOne(kAddr, true);
    EXPECT_NE(written, cached);
    EXPECT_EQ(written == pinned, policy.longterm_ro_pin_unshares);
    EXPECT_EQ(m.At(kAddr), written);
  }
}

TEST(SimMmPinTest, SharedObjectIsTheSamePagesEverywhere) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 8 * kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, object, 0)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr + 0x100000, 4, object, 2)), Errno::kOk);
  EXPECT_EQ(m.PinOne(kAddr + 2 * kPageSize, false), m.PinOne(kAddr + 0x100000, true));
}

// Bytes beyond the end of a file: the last, partial page is there, the next is not.
TEST(SimMmPinTest, EndsWithTheFile) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, kPageSize + 1);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, object)), Errno::kOk);
  const PinResult result = m.Pin(kAddr, 4, true);
  EXPECT_EQ(result.pages, 2u);
  EXPECT_EQ(result.error, Errno::kFAULT);
  const TouchResult touched = m.mm().Touch(kAddr, 4 * kPageSize, false);
  EXPECT_EQ(touched.signal, 7);
  EXPECT_EQ(touched.done, 2 * kPageSize);
}

TEST(SimMmPinTest, FileThatTracksDirtyPages) {
  for (const MemoryPolicy& policy : {Policy61(), Policy73()}) {
    MemoryFixture m(policy);
    const ObjectId file = m.memory.CreateObject(ObjectKind::kDiskFile, 4 * kPageSize);
    ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, file)), Errno::kOk);
    const Errno write = policy.longterm_write_needs_shmem ? Errno::kFAULT : Errno::kOk;
    EXPECT_EQ(m.Pin(kAddr, 4, false).error, Errno::kOk);
    EXPECT_EQ(m.Pin(kAddr, 4, true).error, write);
    ASSERT_EQ(m.Map(MemoryFixture::Private(kAddr, 4, file)), Errno::kOk);
    EXPECT_EQ(m.Pin(kAddr, 4, true).error, Errno::kOk);
  }
}

TEST(SimMmPinTest, PinnedPageKeepsItsIdentity) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  const PageId pinned = m.PinOne(kAddr, true);
  const uint8_t byte = 0x5a;
  ASSERT_TRUE(m.mm().Poke(kAddr, &byte, 1));
  ASSERT_EQ(m.Unmap(kAddr, 2), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  EXPECT_NE(m.PinOne(kAddr, true), pinned);
  uint8_t read = 0;
  ASSERT_TRUE(m.memory.ReadPage(pinned, 0, &read, 1));
  EXPECT_EQ(read, byte);
}

// A cached run must not outlive the mapping, its rights or its pages.
TEST(SimMmPinTest, NothingStaleIsPinned) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 4 * kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, object)), Errno::kOk);
  ASSERT_NE(m.PinOne(kAddr, true), 0u);
  ASSERT_EQ(m.mm().Protect(kAddr, 4 * kPageSize, true, false, false), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 1, true).error, Errno::kFAULT);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kOk);
  ASSERT_EQ(m.memory.Resize(object, 0), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kFAULT);
  ASSERT_EQ(m.Unmap(kAddr, 4), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kFAULT);
}

TEST(SimMmPfnmapTest, DeviceMemoryIsFollowedNotPinned) {
  MemoryFixture m;
  ASSERT_EQ(m.mm().MapPfns(kAddr, 4, true, false, kFirstMmioPage + 16, 1), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kFAULT);
  PageRun run;
  EXPECT_EQ(m.mm().FollowPfnmap(kAddr + kPageSize, 100, false, &run).pages, 3u);
  EXPECT_EQ(run, (PageRun{kFirstMmioPage + 17, 3, PageClass::kMmio}));
  EXPECT_EQ(m.mm().FollowPfnmap(kAddr, 2, false, &run).pages, 2u);
  EXPECT_EQ(run.first, kFirstMmioPage + 16);
  EXPECT_EQ(m.mm().FollowPfnmap(kAddr, 1, true, &run).error, Errno::kFAULT);
  EXPECT_EQ(m.mm().FollowPfnmap(kAddr + 4 * kPageSize, 1, false, &run).error, Errno::kFAULT);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  EXPECT_EQ(m.mm().FollowPfnmap(kAddr, 1, false, &run).error, Errno::kFAULT);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
}

TEST(SimMmPinFileTest, PinsPagesOfAMemfd) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 8 * kPageSize);
  ASSERT_EQ(m.mm().PinFile(object, 2, 3, &m.runs).pages, 3u);
  ASSERT_EQ(m.runs.size(), 1u);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 8, object)), Errno::kOk);
  const PageId first = m.runs[0].first;
  EXPECT_EQ(m.PinOne(kAddr + 2 * kPageSize, false), first);
  EXPECT_EQ(m.memory.PinCount(first), 2u);
}

TEST(SimMmPinFileTest, Errors) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 2 * kPageSize + 5);
  const ObjectId disk = m.memory.CreateObject(ObjectKind::kDiskFile, 4 * kPageSize);
  const auto pin = [&](uint32_t o, uint64_t first, uint64_t n) {
    return m.mm().PinFile(o, first, n, &m.runs).error;
  };
  EXPECT_EQ(pin(object, 0, 2), Errno::kOk);
  EXPECT_EQ(pin(object, 0, 3), Errno::kINVAL);  // the last byte is beyond the end
  EXPECT_EQ(pin(object, 2, 1), Errno::kINVAL);
  EXPECT_EQ(pin(object, 0, 0), Errno::kINVAL);
  EXPECT_EQ(pin(object, ~uint64_t{0}, 2), Errno::kINVAL);
  EXPECT_EQ(pin(disk, 0, 1), Errno::kINVAL);
  EXPECT_EQ(pin(99, 0, 1), Errno::kINVAL);
}

}  // namespace
}  // namespace iovalid::sim
