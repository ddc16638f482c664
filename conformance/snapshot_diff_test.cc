// SPDX-License-Identifier: Apache-2.0
#include "conformance/snapshot_diff.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iovalid::conformance {
namespace {

using compat::StateSnapshot;
using Strings = std::vector<std::string>;

class SnapshotDiffTest : public testing::Test {
 protected:
  SnapshotDiffTest() {
    left_.devices.push_back({"dev0", true, 0, {}});
    right_.devices.push_back({"dev0", true, 0, {}});
  }
  Strings Describe(Component component) {
    return DescribeDifference(component, left_, right_, "L", "R");
  }

  StateSnapshot left_, right_;
};

TEST_F(SnapshotDiffTest, MappingsOfOneSide) {
  left_.mappings = {{0x1000, 0x1fff, 3, 0x7000}, {0x3000, 0x3fff, 1, 0x8000}};
  right_.mappings = {{0x1000, 0x1fff, 3, 0x9000}, {0x3000, 0x3fff, 3, 0x8000}};
  EXPECT_EQ(Describe(kMappings),
            Strings({"only L: [0x3000, 0x3fff] r", "only R: [0x3000, 0x3fff] rw"}));
}

TEST_F(SnapshotDiffTest, ReachDoesNotDependOnHowRunsAreCut) {
  left_.devices[0].reach = {{0x1000, 100, 4, 3}};
  right_.devices[0].reach = {{0x1000, 100, 1, 3}, {0x2000, 101, 3, 3}};
  EXPECT_EQ(Describe(StateDiff::Reach(0)), Strings());
}

TEST_F(SnapshotDiffTest, ReachDiffersByExtentPageAndRights) {
  left_.devices[0].reach = {{0x1000, 100, 4, 3}};
  right_.devices[0].reach = {{0x2000, 101, 1, 1}, {0x3000, 700, 1, 3}, {0x9000, 5, 1, 2}};
  EXPECT_EQ(Describe(StateDiff::Reach(0)),
            Strings({"only L reaches [0x1000, 0x1fff] rw", "[0x2000, 0x2fff]: rw on L, r on R",
                     "other pages at [0x3000, 0x3fff]", "only L reaches [0x4000, 0x4fff] rw",
                     "only R reaches [0x9000, 0x9fff] w"}));
}

TEST_F(SnapshotDiffTest, ReachUpToTheTopOfTheSpace) {
  left_.devices[0].reach = {{~uint64_t{0} - 0xfff, 1, 1, 3}};
  EXPECT_EQ(Describe(StateDiff::Reach(0)),
            Strings({"only L reaches [0xfffffffffffff000, 0xffffffffffffffff] rw"}));
}

TEST_F(SnapshotDiffTest, OtherComponents) {
  left_.usable = {{0, 0xfff}};
  right_.usable = {{0, ~uint64_t{0}}};
  EXPECT_EQ(Describe(kUsable), Strings({"L: [0x0, 0xfff]", "R: [0x0, 0xffffffffffffffff]"}));
  left_.charged_pages = 4;
  EXPECT_EQ(Describe(kCharged), Strings({"4 pages on L, 0 on R"}));
  right_.files = {"fd 3: container"};
  EXPECT_EQ(Describe(kFiles), Strings({"only R: fd 3: container"}));
  EXPECT_EQ(Describe(StateDiff::Attach(0)), Strings());
  right_.devices[0].attached = false;
  EXPECT_EQ(Describe(StateDiff::Attach(0)), Strings({"only L has the device attached"}));
  right_.devices[0].attached = true;
  right_.devices[0].space = 3 << 16 | 1;
  EXPECT_EQ(Describe(StateDiff::Attach(0)),
            Strings({"attached to container 0 on L, to IOAS 3 of container 1 on R"}));
}

}  // namespace
}  // namespace iovalid::conformance
