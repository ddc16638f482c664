// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/table_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace iovalid::hwmodel {
namespace {

TEST(TableMemoryTest, FramesAreZeroedAndNumberedFromOne) {
  TableMemory memory;
  EXPECT_EQ(memory.Find(kNoFrame), nullptr);
  const FrameId a = memory.Allocate(7);
  const FrameId b = memory.Allocate(7);
  EXPECT_EQ(a, 1u);
  EXPECT_EQ(b, 2u);
  const TableFrame* frame = memory.Find(a);
  ASSERT_NE(frame, nullptr);
  EXPECT_TRUE(
      std::all_of(frame->entry.begin(), frame->entry.end(), [](uint64_t e) { return e == 0; }));
  EXPECT_EQ(memory.in_use(), 2u);
  EXPECT_EQ(memory.owner(a), 7u);
  EXPECT_EQ(memory.owner(99), ~0u);
}

TEST(TableMemoryTest, FreedFrameIsGoneAndItsNumberComesBackZeroed) {
  TableMemory memory;
  const FrameId a = memory.Allocate(0);
  memory.Allocate(0);
  memory.Mutable(a)->entry[5] = 42;
  memory.Free(a);
  EXPECT_EQ(memory.Find(a), nullptr);
  EXPECT_FALSE(memory.allocated(a));
  memory.Free(a);  // no effect
  EXPECT_EQ(memory.in_use(), 1u);
  EXPECT_EQ(memory.Allocate(0), a);
  EXPECT_EQ(memory.Find(a)->entry[5], 0u);
  EXPECT_EQ(memory.peak(), 2u);
}

TEST(TableMemoryTest, OutOfRangeNumbersAreNotFrames) {
  TableMemory memory;
  memory.Allocate(0);
  EXPECT_EQ(memory.Find(2), nullptr);
  EXPECT_EQ(memory.Find(uint64_t{1} << 39), nullptr);
  memory.Free(1000);
  EXPECT_EQ(memory.in_use(), 1u);
}

TEST(TableMemoryTest, LimitIsOutOfMemory) {
  TableMemory memory;
  memory.set_limit(1);
  EXPECT_EQ(memory.Allocate(0), 1u);
  EXPECT_EQ(memory.Allocate(0), kNoFrame);
  memory.Free(1);
  EXPECT_EQ(memory.Allocate(0), 1u);
}

TEST(TableMemoryTest, FreeOwnedByTakesOnlyTheOwnersFrames) {
  TableMemory memory;
  for (uint32_t i = 0; i < 40; ++i) memory.Allocate(i % 2);
  EXPECT_EQ(memory.OwnedBy(1), 20u);
  EXPECT_EQ(memory.FreeOwnedBy(1), 20u);
  EXPECT_EQ(memory.OwnedBy(1), 0u);
  EXPECT_EQ(memory.OwnedBy(0), 20u);
  EXPECT_EQ(memory.in_use(), 20u);
}

TEST(TableMemoryTest, CopiesShareUntilWrittenAndThenDiffer) {
  TableMemory original;
  for (int i = 0; i < 40; ++i) original.Allocate(0);
  original.Mutable(3)->entry[0] = 1;
  TableMemory copy = original;
  EXPECT_EQ(copy.Find(3), original.Find(3));  // shared

  copy.Mutable(3)->entry[0] = 2;
  EXPECT_EQ(original.Find(3)->entry[0], 1u);
  EXPECT_EQ(copy.Find(3)->entry[0], 2u);
  EXPECT_EQ(copy.Find(4), original.Find(4));  // a neighbour in the block is still shared

  original.Mutable(4)->entry[0] = 7;
  EXPECT_EQ(copy.Find(4)->entry[0], 0u);

  copy.Free(5);
  EXPECT_NE(original.Find(5), nullptr);
  EXPECT_EQ(copy.Allocate(1), 5u);
  EXPECT_EQ(original.owner(5), 0u);
}

TEST(TableMemoryTest, WritingTwiceWritesInPlace) {
  TableMemory memory;
  const FrameId a = memory.Allocate(0);
  TableFrame* first = memory.Mutable(a);
  EXPECT_EQ(memory.Mutable(a), first);
  const TableMemory copy = memory;
  EXPECT_NE(memory.Mutable(a), first);
  EXPECT_EQ(copy.Find(a), first);
}

TEST(TableMemoryTest, CopyOutlivesTheOriginal) {
  TableMemory copy;
  {
    TableMemory original;
    original.Mutable(original.Allocate(0))->entry[9] = 9;
    copy = original;
  }
  EXPECT_EQ(copy.Find(1)->entry[9], 9u);
}

TEST(TableMemoryTest, CopiesMayBeUsedByDifferentThreads) {
  TableMemory original;
  for (int i = 0; i < 64; ++i) original.Allocate(0);
  std::vector<TableMemory> copies(4, original);
  std::vector<std::thread> threads;
  for (TableMemory& memory : copies) {
    threads.emplace_back([&memory] {
      for (int round = 0; round < 50; ++round) {
        TableMemory mine = memory;
        for (FrameId f = 1; f <= 64; ++f) ++mine.Mutable(f)->entry[f];
        memory = mine;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const TableMemory& memory : copies) {
    for (FrameId f = 1; f <= 64; ++f) EXPECT_EQ(memory.Find(f)->entry[f], 50u);
  }
  EXPECT_EQ(original.Find(1)->entry[1], 0u);
}

}  // namespace
}  // namespace iovalid::hwmodel
