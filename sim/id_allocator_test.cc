// SPDX-License-Identifier: Apache-2.0
#include "sim/id_allocator.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <set>

namespace iovalid::sim {
namespace {

TEST(IdAllocatorTest, CountsFromTheBase) {
  IdAllocator ids(1);
  for (uint32_t i = 1; i <= 200; ++i) EXPECT_EQ(ids.Allocate(), i);
  EXPECT_EQ(ids.count(), 200u);
}

TEST(IdAllocatorTest, FreedNumbersComeBackLowestFirst) {
  IdAllocator ids(1);
  for (int i = 0; i < 130; ++i) ids.Allocate();
  EXPECT_TRUE(ids.Free(100));
  EXPECT_TRUE(ids.Free(3));
  EXPECT_FALSE(ids.Free(3));
  EXPECT_EQ(ids.Allocate(), 3u);
  EXPECT_EQ(ids.Allocate(), 100u);
  EXPECT_EQ(ids.Allocate(), 131u);
}

TEST(IdAllocatorTest, KnowsWhatIsInUse) {
  IdAllocator ids(5);
  EXPECT_FALSE(ids.IsUsed(5));
  ids.Allocate();
  EXPECT_TRUE(ids.IsUsed(5));
  for (uint32_t id : {uint32_t{0}, uint32_t{4}, uint32_t{6}, ~uint32_t{0}}) {
    EXPECT_FALSE(ids.IsUsed(id)) << id;
    EXPECT_FALSE(ids.Free(id)) << id;
  }
}

RC_GTEST_PROP(IdAllocatorProperty, AlwaysTheLowestFree, ()) {
  IdAllocator ids(1);
  std::set<uint32_t> used;
  const int steps = *rc::gen::inRange(0, 400);
  for (int i = 0; i < steps; ++i) {
    if (used.empty() || *rc::gen::inRange(0, 3) > 0) {
      uint32_t lowest = 1;
      while (used.count(lowest) != 0) ++lowest;
      RC_ASSERT(ids.Allocate() == lowest);
      used.insert(lowest);
    } else {
      const uint32_t id = *rc::gen::elementOf(used);
      RC_ASSERT(ids.Free(id));
      used.erase(id);
    }
    RC_ASSERT(ids.count() == used.size());
  }
}

}  // namespace
}  // namespace iovalid::sim
