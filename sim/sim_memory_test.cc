// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x100000000;

uint8_t ByteAt(SimMemory* memory, uint64_t addr) {
  uint8_t byte = 0xff;
  EXPECT_EQ(memory->mm(0).CopyIn(addr, &byte, 1), 1u);
  return byte;
}

TEST(SimMemoryTest, CopyIsIndependent) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 4 * kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, object)), Errno::kOk);
  const uint8_t one = 1;
  const uint8_t two = 2;
  ASSERT_EQ(m.mm().CopyOut(kAddr, &one, 1), 1u);

  SimMemory copy = m.memory;
  ASSERT_EQ(copy.mm(0).CopyOut(kAddr, &two, 1), 1u);
  std::vector<PageRun> runs;
  ASSERT_EQ(copy.mm(0).Pin(kAddr, 4, true, &runs).pages, 4u);
  ASSERT_EQ(copy.Resize(object, kPageSize), Errno::kOk);
  EXPECT_EQ(ByteAt(&m.memory, kAddr), 1);
  EXPECT_EQ(ByteAt(&copy, kAddr), 2);
  EXPECT_EQ(m.memory.pinned_pages(), 0u);
  EXPECT_EQ(copy.pinned_pages(), 4u);
  EXPECT_EQ(m.Pin(kAddr, 4, true).pages, 4u);

  copy = m.memory;
  EXPECT_EQ(ByteAt(&copy, kAddr), 1);
  SimMemory moved = std::move(copy);
  EXPECT_EQ(ByteAt(&moved, kAddr), 1);
  moved.mm(0).Unpin(m.runs[0], true);
  EXPECT_EQ(moved.pinned_pages(), 0u);
  EXPECT_EQ(m.memory.pinned_pages(), 4u);
}

TEST(SimMemoryTest, DeviceReadsAndWritesPages) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  const PageId page = m.PinOne(kAddr, true);
  ASSERT_EQ(ByteAt(&m.memory, kAddr + 7), 0);  // cached as a page without contents
  ASSERT_TRUE(m.memory.WritePage(page, 7, "q", 1));
  EXPECT_EQ(ByteAt(&m.memory, kAddr + 7), 'q');
  char byte = 0;
  EXPECT_TRUE(m.memory.ReadPage(page, 7, &byte, 1));
  EXPECT_EQ(byte, 'q');
  EXPECT_TRUE(m.memory.ReadPage(page, 8, &byte, 1));
  EXPECT_EQ(byte, 0);
}

TEST(SimMemoryTest, OnlyPagesThatExist) {
  MemoryFixture m;
  char byte = 'x';
  EXPECT_FALSE(m.memory.ReadPage(kFirstRamPage, 0, &byte, 1));
  EXPECT_FALSE(m.memory.WritePage(kFirstMmioPage, 0, "a", 1));
  EXPECT_FALSE(m.memory.WritePage(kZeroPage, 0, "a", 1));
  EXPECT_EQ(byte, 'x');
  EXPECT_TRUE(m.memory.ReadPage(kZeroPage, 0, &byte, 1));
  EXPECT_EQ(byte, 0);
  EXPECT_TRUE(m.memory.ReadPage(kHugeZeroPage + 511, 0, &byte, 1));
}

// ftruncate down and up: the mapping has other, empty pages; what a device still reaches stays.
TEST(SimMemoryTest, TruncationTakesPagesAway) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 4 * kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 4, object)), Errno::kOk);
  const uint8_t byte = 9;
  ASSERT_EQ(m.mm().CopyOut(kAddr + 2 * kPageSize, &byte, 1), 1u);
  const PageId pinned = m.PinOne(kAddr + 2 * kPageSize, true);
  ASSERT_EQ(m.memory.Resize(object, 2 * kPageSize), Errno::kOk);
  EXPECT_EQ(m.At(kAddr + 2 * kPageSize), 0u);
  EXPECT_EQ(m.mm().Touch(kAddr + 2 * kPageSize, 1, false).signal, 7);
  uint8_t read = 0;
  EXPECT_EQ(m.mm().CopyIn(kAddr + 2 * kPageSize, &read, 1), 0u);
  ASSERT_EQ(m.memory.Resize(object, 4 * kPageSize), Errno::kOk);
  EXPECT_EQ(ByteAt(&m.memory, kAddr + 2 * kPageSize), 0);
  EXPECT_NE(m.At(kAddr + 2 * kPageSize), pinned);
  ASSERT_TRUE(m.memory.ReadPage(pinned, 0, &read, 1));
  EXPECT_EQ(read, byte);
  EXPECT_EQ(m.memory.PinCount(pinned), 1u);
}

TEST(SimMemoryTest, TruncationTakesPrivateCopiesToo) {
  MemoryFixture m;
  const ObjectId file = m.memory.CreateObject(ObjectKind::kShmem, 4 * kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Private(kAddr, 4, file)), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  const PageId kept = m.At(kAddr);
  const PageId lost = m.At(kAddr + 3 * kPageSize);
  ASSERT_EQ(m.memory.Resize(file, kPageSize), Errno::kOk);
  EXPECT_EQ(m.At(kAddr), kept);
  EXPECT_EQ(m.At(kAddr + 3 * kPageSize), 0u);
  ASSERT_EQ(m.memory.Resize(file, 4 * kPageSize), Errno::kOk);
  m.mm().Touch(kAddr, 4 * kPageSize, true);
  EXPECT_NE(m.At(kAddr + 3 * kPageSize), lost);
}

TEST(SimMemoryTest, TruncationZeroesTheRestOfThePage) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 1, object)), Errno::kOk);
  ASSERT_EQ(m.mm().CopyOut(kAddr, "ab", 2), 2u);
  ASSERT_EQ(m.memory.Resize(object, 1), Errno::kOk);
  ASSERT_EQ(m.memory.Resize(object, kPageSize), Errno::kOk);
  EXPECT_EQ(ByteAt(&m.memory, kAddr), 'a');
  EXPECT_EQ(ByteAt(&m.memory, kAddr + 1), 0);
  EXPECT_EQ(m.memory.Resize(99, 0), Errno::kINVAL);
}

TEST(SimMemoryTest, RemovedAddressSpaceFaults) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  const PageId pinned = m.PinOne(kAddr, true);
  m.memory.RemoveMm(0, &m.released);
  char byte;
  EXPECT_EQ(m.mm().CopyIn(kAddr, &byte, 1), 0u);
  EXPECT_EQ(m.Pin(kAddr, 1, false).error, Errno::kFAULT);
  EXPECT_EQ(m.memory.PinCount(pinned), 1u);
  EXPECT_TRUE(m.memory.ReadPage(pinned, 0, &byte, 1));
}

// A long run of maps, writes and unmaps keeps no contents, but for what is still pinned.
TEST(SimMemoryTest, ContentsOfGonePagesAreDropped) {
  MemoryFixture m(Policy612WithoutThp());
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  const PageId pinned = m.PinOne(kAddr, true);
  const uint8_t byte = 7;
  ASSERT_EQ(m.mm().CopyOut(kAddr, &byte, 1), 1u);
  const uint64_t other = kAddr + 0x100000;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
    ASSERT_EQ(m.mm().CopyOut(kAddr + kPageSize, &byte, 1), 1u);
    if (i == 0) {
      ASSERT_EQ(m.Map(MemoryFixture::Anonymous(other, 1)), Errno::kOk);
      ASSERT_EQ(m.mm().CopyOut(other, &byte, 1), 1u);
    }
  }
  EXPECT_LT(m.memory.content_pages(), 600u);
  uint8_t read = 0;
  ASSERT_TRUE(m.memory.ReadPage(pinned, 0, &read, 1));
  EXPECT_EQ(read, byte);
  EXPECT_EQ(ByteAt(&m.memory, other), byte);
}

TEST(SimMemoryTest, IdsRunOutWithoutHarm) {
  MemoryFixture m;
  const uint64_t most = (kEndRamPage - kFirstRamPage) / 5 * 2;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(0x10000, most)), Errno::kOk);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(0x10000, most)), Errno::kOk);
  EXPECT_EQ(m.Map(MemoryFixture::Anonymous(0x10000, most)), Errno::kNOMEM);
  EXPECT_TRUE(m.mm().Mapped(0x10000, kPageSize));
  EXPECT_EQ(m.memory.CreateObject(ObjectKind::kShmem, uint64_t{1} << 50), kNoObject);
}

}  // namespace
}  // namespace iovalid::sim
