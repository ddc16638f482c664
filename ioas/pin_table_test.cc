// SPDX-License-Identifier: Apache-2.0
#include "ioas/pin_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <vector>

namespace iovalid::ioas {
namespace {

using User = PinTable::User;

TEST(PinTableTest, PageIsReleasedByItsLastUser) {
  PinTable table;
  table.AddUser(7, 0, 9, User::kArea, {{0, 100, 10}});
  table.AddUser(7, 5, 5, User::kAccess, {});
  std::vector<PinnedFrames> released;
  table.RemoveUser(7, 0, 9, User::kArea, &released);
  ASSERT_EQ(released.size(), 2u);
  EXPECT_EQ(released[0].first, 100u);
  EXPECT_EQ(released[0].pages, 5u);
  EXPECT_EQ(released[1].index, 6u);
  EXPECT_EQ(released[1].first, 106u);
  EXPECT_EQ(released[1].pages, 4u);
  PinnedFrames run;
  EXPECT_FALSE(table.Find(7, 0, 9, &run));
  EXPECT_EQ(run.pages, 5u);
  ASSERT_TRUE(table.Find(7, 5, 9, &run));
  EXPECT_EQ(run.first, 105u);
  EXPECT_EQ(run.pages, 1u);
  released.clear();
  table.RemoveUser(7, 5, 5, User::kAccess, &released);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_TRUE(table.empty());
}

TEST(PinTableTest, NeighbouringObjectsStayApart) {
  constexpr uint64_t kLast = (uint64_t{1} << PinTable::kIndexBits) - 1;
  PinTable table;
  table.AddUser(1, kLast, kLast, User::kArea, {{kLast, 50, 1}});
  table.AddUser(2, 0, 0, User::kArea, {{0, 51, 1}});
  PinnedFrames run;
  ASSERT_TRUE(table.Find(1, kLast, kLast, &run));
  EXPECT_EQ(run.pages, 1u);
  ASSERT_TRUE(table.Find(2, 0, 5, &run));
  EXPECT_EQ(run.first, 51u);
  EXPECT_EQ(run.pages, 1u);
}

TEST(PinTableTest, CutsCloseAgain) {
  PinTable table;
  table.AddUser(0, 0, 99, User::kArea, {{0, 1000, 100}});
  std::vector<PinnedFrames> released;
  for (uint64_t i = 0; i < 100; i += 7) {
    table.AddUser(0, i, i, User::kArea, {});
    table.RemoveUser(0, i, i, User::kArea, &released);
  }
  EXPECT_TRUE(released.empty());
  EXPECT_EQ(table.runs(), 1u);
}

// Against an array with one counter a page and user.
RC_GTEST_PROP(PinTablePropertyTest, CountsAsAnArrayDoes, ()) {
  constexpr unsigned kPages = 24;
  constexpr sim::PageId kFrame = 500;
  struct Interval {
    unsigned first, last;
    User user;
  };
  const auto steps = *rc::gen::container<std::vector<std::array<unsigned, 3>>>(
      rc::gen::container<std::array<unsigned, 3>>(rc::gen::inRange(0u, kPages)));
  PinTable table;
  std::vector<Interval> live;
  std::array<unsigned, kPages> users{};
  for (const auto& step : steps) {
    if (step[2] % 3 != 0 || live.empty()) {
      const Interval in{std::min(step[0], step[1]), std::max(step[0], step[1]),
                        step[2] % 2 == 0 ? User::kArea : User::kAccess};
      std::vector<PinnedFrames> added;
      for (unsigned i = in.first; i <= in.last; ++i) {
        if (users[i]++ == 0) added.push_back({i, kFrame + i, 1});
      }
      table.AddUser(3, in.first, in.last, in.user, added);
      live.push_back(in);
    } else {
      const Interval out = live[step[0] % live.size()];
      live.erase(live.begin() + step[0] % live.size());
      std::vector<PinnedFrames> released;
      table.RemoveUser(3, out.first, out.last, out.user, &released);
      std::vector<unsigned> gone, expected;
      for (const PinnedFrames& run : released) {
        for (uint64_t i = 0; i < run.pages; ++i) {
          RC_ASSERT(run.first + i == kFrame + run.index + i);
          gone.push_back(static_cast<unsigned>(run.index + i));
        }
      }
      for (unsigned i = out.first; i <= out.last; ++i) {
        if (--users[i] == 0) expected.push_back(i);
      }
      RC_ASSERT(gone == expected);
    }
    for (unsigned i = 0; i < kPages; ++i) {
      PinnedFrames run;
      RC_ASSERT(table.Find(3, i, kPages - 1, &run) == (users[i] != 0));
      if (users[i] != 0) RC_ASSERT(run.first == kFrame + i);
    }
  }
}

}  // namespace
}  // namespace iovalid::ioas
