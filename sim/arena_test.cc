// SPDX-License-Identifier: Apache-2.0
#include "sim/arena.h"

#include <gtest/gtest.h>

namespace iovalid::sim {
namespace {

TEST(ArenaTest, GivesOutTheLastFreedIndexFirst) {
  Arena<int> arena;
  EXPECT_EQ(arena.Alloc(10), 0u);
  EXPECT_EQ(arena.Alloc(11), 1u);
  EXPECT_EQ(arena.Alloc(12), 2u);
  arena.Free(0);
  arena.Free(2);
  EXPECT_EQ(arena.size(), 1u);
  EXPECT_EQ(arena.capacity(), 3u);
  EXPECT_EQ(arena.Alloc(13), 2u);
  EXPECT_EQ(arena.Alloc(14), 0u);
  EXPECT_EQ(arena.Alloc(15), 3u);
  EXPECT_EQ(arena[0], 14);
  EXPECT_EQ(arena[1], 11);
  EXPECT_EQ(arena[2], 13);
}

TEST(ArenaTest, CopyIsIndependentAndContinuesAlike) {
  Arena<int> arena;
  arena.Alloc(1);
  arena.Alloc(2);
  arena.Free(0);
  Arena<int> copy = arena;
  copy[1] = 20;
  EXPECT_EQ(arena[1], 2);
  EXPECT_EQ(arena.Alloc(3), copy.Alloc(3));
}

TEST(ArenaTest, ReusedRecordHasNothingOfTheOldOne) {
  struct Record {
    int a = 1;
    int b = 2;
  };
  Arena<Record> arena;
  const uint32_t index = arena.Alloc();
  arena[index].a = 9;
  arena.Free(index);
  EXPECT_EQ(arena.Alloc(), index);
  EXPECT_EQ(arena[index].a, 1);
  arena.clear();
  EXPECT_EQ(arena.capacity(), 0u);
}

}  // namespace
}  // namespace iovalid::sim
