// SPDX-License-Identifier: Apache-2.0
// Copies between the kernel and user memory: how far they come, and what they leave.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x70000000;

std::string In(MemoryFixture* m, uint64_t addr, size_t len) {
  std::string bytes(len, '?');
  const size_t done = m->mm().CopyIn(addr, bytes.data(), len);
  return bytes.substr(0, done);
}

TEST(SimMmCopyTest, ReadsBackWhatWasWritten) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 2)), Errno::kOk);
  EXPECT_EQ(In(&m, kAddr, 3), std::string(3, '\0'));
  EXPECT_EQ(m.mm().CopyOut(kAddr + kPageSize - 3, "abcdef", 6), 6u);
  EXPECT_EQ(In(&m, kAddr + kPageSize - 3, 6), "abcdef");
  EXPECT_EQ(In(&m, kAddr + kPageSize, 3), "def");
}

// copy_to_user and copy_from_user stop at the page that faults.
TEST(SimMmCopyTest, StopsAtTheEndOfTheMapping) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  EXPECT_EQ(m.mm().CopyOut(kAddr + kPageSize - 4, "abcdefgh", 8), 4u);
  EXPECT_EQ(In(&m, kAddr + kPageSize - 4, 8), "abcd");
  EXPECT_EQ(In(&m, kAddr + kPageSize, 1), "");
  EXPECT_EQ(m.mm().CopyOut(kAddr + kPageSize, "a", 1), 0u);
}

TEST(SimMmCopyTest, RightsDecide) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  ASSERT_EQ(m.mm().CopyOut(kAddr, "abc", 3), 3u);
  ASSERT_EQ(m.mm().Protect(kAddr, kPageSize, true, false, false), Errno::kOk);
  EXPECT_EQ(In(&m, kAddr, 3), "abc");
  EXPECT_EQ(m.mm().CopyOut(kAddr, "x", 1), 0u);
  // What can be written can be read (vma_is_accessible).
  ASSERT_EQ(m.mm().Protect(kAddr, kPageSize, false, true, false), Errno::kOk);
  EXPECT_EQ(m.mm().CopyOut(kAddr, "x", 1), 1u);
  EXPECT_EQ(In(&m, kAddr, 3), "xbc");
  ASSERT_EQ(m.mm().Protect(kAddr, kPageSize, false, false, false), Errno::kOk);
  EXPECT_EQ(In(&m, kAddr, 3), "");
  EXPECT_EQ(m.mm().CopyOut(kAddr, "x", 1), 0u);
}

TEST(SimMmCopyTest, NothingBeyondTheTop) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kUserTop - kPageSize, 1)), Errno::kOk);
  EXPECT_EQ(In(&m, kUserTop - 4, 4).size(), 4u);
  EXPECT_EQ(In(&m, kUserTop - 4, 5).size(), 0u);
  EXPECT_EQ(m.mm().CopyOut(kUserTop - 4, "abcde", 5), 0u);
  EXPECT_EQ(m.mm().CopyOut(~uint64_t{0} - 1, "abcde", 5), 0u);
  EXPECT_TRUE(m.mm().AccessOk(kUserTop, 0));
  EXPECT_FALSE(m.mm().AccessOk(kUserTop, 1));
  EXPECT_FALSE(m.mm().AccessOk(kUserTop + 1, 0));
  EXPECT_FALSE(m.mm().AccessOk(8, ~uint64_t{0}));
}

TEST(SimMmCopyTest, LogTellsWhatTheKernelWrote) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1)), Errno::kOk);
  ASSERT_TRUE(m.mm().Poke(kAddr, "arguments", 9));
  m.mm().CopyOut(kAddr + 8, "abcd", 4);
  m.mm().CopyOut(kAddr + kPageSize - 2, "abcd", 4);
  m.mm().CopyOut(kAddr + kPageSize, "abcd", 4);
  ASSERT_EQ(m.mm().write_log().size(), 2u);
  EXPECT_EQ(m.mm().write_log()[0].addr, kAddr + 8);
  EXPECT_EQ(m.mm().write_log()[0].len, 4u);
  EXPECT_EQ(m.mm().write_log()[1].addr, kAddr + kPageSize - 2);
  EXPECT_EQ(m.mm().write_log()[1].len, 2u);
  m.mm().ClearWriteLog();
  EXPECT_TRUE(m.mm().write_log().empty());
}

TEST(SimMmPokeTest, GoesPastRightsButNotPastMappings) {
  MemoryFixture m;
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 1, false, false)), Errno::kOk);
  char bytes[3] = {};
  EXPECT_TRUE(m.mm().Poke(kAddr, "abc", 3));
  EXPECT_TRUE(m.mm().Peek(kAddr, bytes, 3));
  EXPECT_EQ(std::string(bytes, 3), "abc");
  EXPECT_FALSE(m.mm().Poke(kAddr + kPageSize - 1, "abc", 3));
  EXPECT_FALSE(m.mm().Peek(kAddr + kPageSize, bytes, 1));
  EXPECT_EQ(m.mm().CopyIn(kAddr, bytes, 1), 0u);
}

TEST(SimMmPokeTest, PeekChangesNothing) {
  MemoryFixture m;
  const ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Anonymous(kAddr, 512)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(0x80000000, 2, object)), Errno::kOk);
  uint64_t run = 0;
  ASSERT_TRUE(m.memory.WritePage(m.memory.objects().Page(object, 0, &run), 1, "z", 1));
  char bytes[2] = {'?', '?'};
  EXPECT_TRUE(m.mm().Peek(kAddr, bytes, 2));
  EXPECT_EQ(bytes[0], 0);
  EXPECT_TRUE(m.mm().Peek(0x80000000, bytes, 2));
  EXPECT_EQ(bytes[1], 'z');
  EXPECT_FALSE(m.mm().Peek(0x80000000 + kPageSize, bytes, 1));
  EXPECT_EQ(m.Present(kAddr, 512), 0u);
  EXPECT_EQ(m.Present(0x80000000, 2), 0u);
}

TEST(SimMmCopyTest, DeviceMemoryReadsAsZero) {
  MemoryFixture m;
  ASSERT_EQ(m.mm().MapPfns(kAddr, 1, true, true, kFirstMmioPage, 1), Errno::kOk);
  EXPECT_EQ(m.mm().CopyOut(kAddr, "abc", 3), 3u);
  EXPECT_EQ(In(&m, kAddr, 3), std::string(3, '\0'));
}

// A private copy of a file page begins as the page and parts from it.
TEST(SimMmCopyTest, PrivateCopyTakesTheContents) {
  MemoryFixture m;
  const ObjectId file = m.memory.CreateObject(ObjectKind::kShmem, kPageSize);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 1, file)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Private(kAddr + kPageSize, 1, file)), Errno::kOk);
  ASSERT_EQ(m.mm().CopyOut(kAddr, "abc", 3), 3u);
  EXPECT_EQ(In(&m, kAddr + kPageSize, 3), "abc");
  ASSERT_EQ(m.mm().CopyOut(kAddr + kPageSize, "x", 1), 1u);
  EXPECT_EQ(In(&m, kAddr + kPageSize, 3), "xbc");
  EXPECT_EQ(In(&m, kAddr, 3), "abc");
  ASSERT_EQ(m.mm().CopyOut(kAddr + 1, "y", 1), 1u);
  EXPECT_EQ(In(&m, kAddr + kPageSize, 3), "xbc");
}

}  // namespace
}  // namespace iovalid::sim
