// SPDX-License-Identifier: Apache-2.0
#include "compat/type1/dma_index.h"

#include <gtest/gtest.h>

namespace iovalid::compat::type1 {
namespace {

constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint64_t kLastPage = kTop - 0xfff;

DmaIndex With(bool exclusive_ends) {
  DmaIndex index(exclusive_ends);
  index.Insert(0x10000, 0x10fff, 1);
  index.Insert(0x20000, 0x2ffff, 2);
  index.Insert(kLastPage, kTop, 3);
  return index;
}

TEST(DmaIndexTest, FindMeetsAnyOverlap) {
  for (bool exclusive : {false, true}) {
    const DmaIndex index = With(exclusive);
    EXPECT_EQ(index.Find(0x10fff, 1), 1u);
    EXPECT_EQ(index.Find(0, 0x10001), 1u);
    EXPECT_EQ(index.Find(0, 0x10000), kNoDma);
    EXPECT_EQ(index.Find(0x11000, 0xf000), kNoDma);
    EXPECT_EQ(index.Find(0x28000, 0x100000), 2u);
  }
}

// User problem U2: 6.x kernels lose the mapping of the last page (vfio_find_dma compares start+size).
TEST(DmaIndexTest, LastPageIsLostWithExclusiveEnds) {
  EXPECT_EQ(With(false).Find(kLastPage, 0x1000), 3u);
  EXPECT_EQ(With(true).Find(kLastPage, 0x1000), kNoDma);
  EXPECT_EQ(With(false).FindLast(kTop), 3u);
  EXPECT_EQ(With(true).FindLast(kTop), kNoDma);
  const DmaIndex newer = With(false);
  EXPECT_TRUE(newer.FirstIn(kLastPage, kTop));
  const DmaIndex older = With(true);
  EXPECT_FALSE(older.FirstIn(kLastPage, kTop));
}

// A request up to the top has an exclusive end of 0: the older kernels' loop stops before anything.
TEST(DmaIndexTest, RequestUpToTheTopFindsNothingWithExclusiveEnds) {
  const DmaIndex older = With(true);
  EXPECT_FALSE(older.FirstIn(0, kTop));
  EXPECT_TRUE(older.FirstIn(0, kTop - 1));
  EXPECT_EQ(older.Find(0, 0), kNoDma);
  const DmaIndex newer = With(false);
  EXPECT_TRUE(newer.FirstIn(0, kTop));
}

// vfio_find_dma(end, 0) tests `end <= iova`, so a mapping that starts at the last byte is missed.
TEST(DmaIndexTest, LookUpOfTheLastByteMissesItsFirstByteWithExclusiveEnds) {
  EXPECT_EQ(With(true).FindLast(0x20000), kNoDma);
  EXPECT_EQ(With(false).FindLast(0x20000), 2u);
  EXPECT_EQ(With(true).FindLast(0x20001), 2u);
}

}  // namespace
}  // namespace iovalid::compat::type1
