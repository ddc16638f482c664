// SPDX-License-Identifier: Apache-2.0
#include "sim/extent_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace iovalid::sim {
namespace {

constexpr uint64_t kTop = ~uint64_t{0};

// Small nodes, so that few extents make a tree of several levels.
using SmallMap = ExtentMap<int, 4, 4>;

std::vector<std::pair<uint64_t, uint64_t>> Extents(const SmallMap& map) {
  std::vector<std::pair<uint64_t, uint64_t>> extents;
  for (auto c = map.Begin(); c; c = map.Next(c)) extents.emplace_back(map.first(c), map.last(c));
  return extents;
}

TEST(ExtentMapTest, EmptyMapFindsNothing) {
  SmallMap map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.size(), 0u);
  EXPECT_FALSE(map.Find(0));
  EXPECT_FALSE(map.LowerBound(0));
  EXPECT_FALSE(map.FirstOverlap(0, kTop));
  EXPECT_FALSE(map.AtOrBefore(kTop));
  EXPECT_FALSE(map.Begin());
  EXPECT_FALSE(map.Last());
}

TEST(ExtentMapTest, FindsByBothEndsAndInside) {
  SmallMap map;
  map.Insert(10, 19, 1);
  map.Insert(30, 30, 2);
  EXPECT_FALSE(map.Find(9));
  EXPECT_EQ(map.value(map.Find(10)), 1);
  EXPECT_EQ(map.value(map.Find(15)), 1);
  EXPECT_EQ(map.value(map.Find(19)), 1);
  EXPECT_FALSE(map.Find(20));
  EXPECT_EQ(map.value(map.Find(30)), 2);
  EXPECT_FALSE(map.Find(31));
}

TEST(ExtentMapTest, ExtentsReachBothEndsOfTheSpace) {
  SmallMap map;
  map.Insert(0, 0, 1);
  map.Insert(kTop - 1, kTop, 2);
  EXPECT_EQ(map.value(map.Find(0)), 1);
  EXPECT_EQ(map.value(map.Find(kTop)), 2);
  EXPECT_EQ(map.value(map.FirstOverlap(1, kTop)), 2);
  EXPECT_FALSE(map.FirstOverlap(1, kTop - 2));
  map.SetFirst(map.Find(kTop), 1);
  EXPECT_EQ(map.value(map.Find(1)), 2);
}

TEST(ExtentMapTest, LowerBoundAndOverlap) {
  SmallMap map;
  map.Insert(10, 19, 1);
  map.Insert(30, 39, 2);
  EXPECT_EQ(map.value(map.LowerBound(0)), 1);
  EXPECT_EQ(map.value(map.LowerBound(19)), 1);
  EXPECT_EQ(map.value(map.LowerBound(20)), 2);
  EXPECT_FALSE(map.LowerBound(40));
  EXPECT_FALSE(map.FirstOverlap(20, 29));
  EXPECT_EQ(map.value(map.FirstOverlap(20, 30)), 2);
  EXPECT_EQ(map.value(map.FirstOverlap(0, 10)), 1);
  EXPECT_EQ(map.value(map.AtOrBefore(29)), 1);
}

TEST(ExtentMapTest, AscendingInsertionFillsLeaves) {
  SmallMap map;
  for (uint64_t i = 0; i < 64; ++i) map.Insert(i * 2, i * 2, static_cast<int>(i));
  EXPECT_TRUE(map.CheckInvariants());
  EXPECT_EQ(map.size(), 64u);
  EXPECT_EQ(map.LeafCount(), 16u);
}

TEST(ExtentMapTest, NeighboursAcrossLeaves) {
  SmallMap map;
  for (uint64_t i = 40; i-- > 0;) map.Insert(i * 10, i * 10 + 5, static_cast<int>(i));
  ASSERT_TRUE(map.CheckInvariants());
  int expected = 0;
  for (auto c = map.Begin(); c; c = map.Next(c)) EXPECT_EQ(map.value(c), expected++);
  EXPECT_EQ(expected, 40);
  for (auto c = map.Last(); c; c = map.Prev(c)) EXPECT_EQ(map.value(c), --expected);
  EXPECT_EQ(expected, 0);
}

// A leaf's lowest extent can be erased and the one to the left grow over the old separator.
TEST(ExtentMapTest, ExtentReachesPastASeparator) {
  SmallMap map;
  for (uint64_t i = 0; i < 20; ++i) map.Insert(i * 10, i * 10 + 5, static_cast<int>(i));
  for (uint64_t i = 1; i < 19; ++i) {
    SmallMap copy = map;
    copy.Erase(copy.Find(i * 10));
    copy.SetLast(copy.Find((i - 1) * 10), i * 10 + 9);
    EXPECT_TRUE(copy.CheckInvariants());
    for (uint64_t point : {i * 10 - 1, i * 10, i * 10 + 9}) {
      ASSERT_TRUE(copy.Find(point)) << i << " " << point;
      EXPECT_EQ(copy.value(copy.Find(point)), static_cast<int>(i) - 1);
    }
    EXPECT_EQ(copy.value(copy.LowerBound(i * 10 + 10)), static_cast<int>(i) + 1);
  }
}

TEST(ExtentMapTest, SetFirstMovesBelowTheSeparator) {
  SmallMap map;
  for (uint64_t i = 0; i < 20; ++i) map.Insert(i * 10 + 8, i * 10 + 9, static_cast<int>(i));
  for (uint64_t i = 0; i < 20; ++i) map.SetFirst(map.Find(i * 10 + 8), i * 10);
  EXPECT_TRUE(map.CheckInvariants());
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(map.value(map.Find(i * 10)), static_cast<int>(i));
}

// A separator lies right behind the `first` of what was last when the next leaf began.
TEST(ExtentMapTest, SetFirstMovesAboveTheSeparator) {
  SmallMap map;
  for (uint64_t i = 0; i < 20; ++i) map.Insert(i * 10, i * 10 + 9, static_cast<int>(i));
  for (uint64_t i = 0; i < 20; ++i) map.SetFirst(map.Find(i * 10), i * 10 + 8);
  EXPECT_TRUE(map.CheckInvariants());
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_FALSE(map.Find(i * 10 + 7));
    EXPECT_EQ(map.value(map.Find(i * 10 + 8)), static_cast<int>(i));
  }
}

TEST(ExtentMapTest, EraseAndNextWalksOn) {
  SmallMap map;
  for (uint64_t i = 0; i < 50; ++i) map.Insert(i, i, static_cast<int>(i));
  int seen = 0;
  for (auto c = map.Begin(); c;) {
    EXPECT_EQ(map.value(c), seen);
    ++seen;
    c = map.value(c) % 3 == 0 ? map.Next(c) : map.EraseAndNext(c);
    ASSERT_TRUE(map.CheckInvariants());
  }
  EXPECT_EQ(seen, 50);
  EXPECT_EQ(map.size(), 17u);
  for (auto c = map.Begin(); c; c = map.Next(c)) EXPECT_EQ(map.value(c) % 3, 0);
}

TEST(ExtentMapTest, CopyIsIndependent) {
  SmallMap map;
  for (uint64_t i = 0; i < 30; ++i) map.Insert(i * 4, i * 4 + 1, static_cast<int>(i));
  const auto before = Extents(map);
  SmallMap copy = map;
  while (!copy.empty()) copy.Erase(copy.Last());
  EXPECT_EQ(Extents(map), before);
  EXPECT_TRUE(copy.CheckInvariants());
}

TEST(ExtentMapTest, EmptiedMapIsReused) {
  SmallMap map;
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 30; ++i) map.Insert(i, i, 0);
    for (uint64_t i = 0; i < 30; ++i) map.Erase(map.Find(i));
    EXPECT_TRUE(map.empty());
    EXPECT_TRUE(map.CheckInvariants());
  }
}

#ifndef NDEBUG
TEST(ExtentMapDeathTest, OverlapIsRefused) {
  SmallMap map;
  map.Insert(10, 20, 0);
  EXPECT_DEATH(map.Insert(20, 30, 0), "FirstOverlap");
  EXPECT_DEATH(map.Insert(5, 25, 0), "FirstOverlap");
}
#endif

}  // namespace
}  // namespace iovalid::sim
