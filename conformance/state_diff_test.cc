// SPDX-License-Identifier: Apache-2.0
#include "conformance/state_diff.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iovalid::conformance {
namespace {

using Changes = std::vector<StateDiff::Change>;

class StateDiffTest : public testing::Test {
 protected:
  StateDiffTest() : diff_({"dev0", "dev1"}) {
    left_.devices.resize(2);
    right_.devices.resize(2);
  }
  Changes Compare() {
    Changes changes;
    diff_.Compare(left_, right_, &changes);
    return changes;
  }
  // "mappings", "-usable" for a resolved one.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const StateDiff::Change& change : Compare()) {
      names.push_back((change.resolved ? "-" : "") + diff_.Name(change.component));
    }
    return names;
  }

  StateDiff diff_;
  compat::ObservedState left_, right_;
};

using Strings = std::vector<std::string>;

TEST_F(StateDiffTest, EqualStatesHaveNoDifference) {
  left_.mappings = right_.mappings = sim::HashWords(1, 2);
  left_.charged_pages = right_.charged_pages = 7;
  EXPECT_EQ(Names(), Strings());
}

TEST_F(StateDiffTest, StandingDifferenceIsReportedOnceAndWhenItChanges) {
  left_.mappings += sim::HashWords(1, 2);
  EXPECT_EQ(Names(), Strings({"mappings"}));
  EXPECT_EQ(Names(), Strings());
  // Both sides gain the same mapping: the difference is the same.
  left_.mappings += sim::HashWords(1, 3);
  right_.mappings += sim::HashWords(1, 3);
  EXPECT_EQ(Names(), Strings());
  right_.mappings += sim::HashWords(1, 4);
  EXPECT_EQ(Names(), Strings({"mappings"}));
  right_.mappings = left_.mappings;
  EXPECT_EQ(Names(), Strings({"-mappings"}));
  EXPECT_EQ(diff_.Standing(), std::vector<Component>());
}

TEST_F(StateDiffTest, ChargesAreASignedDifference) {
  right_.charged_pages = 3;
  EXPECT_EQ(Names(), Strings({"charged"}));
  left_.charged_pages = 10;
  right_.charged_pages = 13;
  EXPECT_EQ(Names(), Strings());
}

TEST_F(StateDiffTest, AttachmentOfOneSideSubsumesWhatFollowsFromIt) {
  left_.devices[0].attached = true;
  left_.devices[0].reach = sim::HashReach(1, 2, 3, 3);
  left_.charged_pages = 3;
  left_.usable = sim::HashWords(5, 6);
  EXPECT_EQ(Names(), Strings({"attach:dev0"}));
  // Everything else is still looked at.
  left_.devices[1].reach = sim::HashReach(1, 2, 3, 3);
  left_.mappings = sim::HashWords(1, 2);
  EXPECT_EQ(Names(), Strings({"mappings", "reach:dev1"}));
  // The other side attaches, with another reach.
  right_.devices[0].attached = true;
  right_.charged_pages = 3;
  right_.usable = left_.usable;
  EXPECT_EQ(Names(), Strings({"-attach:dev0", "reach:dev0"}));
}

TEST_F(StateDiffTest, AttachmentToAnotherContainerSubsumesWhatFollowsFromIt) {
  left_.devices[0].attached = right_.devices[0].attached = true;
  right_.devices[0].space = 1;
  right_.devices[0].reach = sim::HashReach(1, 2, 3, 3);
  right_.charged_pages = 3;
  EXPECT_EQ(Names(), Strings({"attach:dev0"}));
  right_.devices[0].space = 0;
  EXPECT_EQ(Names(), Strings({"charged", "-attach:dev0", "reach:dev0"}));
}

TEST_F(StateDiffTest, UsableRangesNeedAnAttachedDevice) {
  right_.usable = sim::HashWords(5, 6);
  EXPECT_EQ(Names(), Strings());
  left_.devices[0].attached = right_.devices[0].attached = true;
  EXPECT_EQ(Names(), Strings({"usable"}));
}

TEST_F(StateDiffTest, ResetForgets) {
  left_.dirty = sim::HashWords(1, 1);
  EXPECT_EQ(Names(), Strings({"dirty"}));
  diff_.Reset();
  EXPECT_EQ(Names(), Strings({"dirty"}));
}

}  // namespace
}  // namespace iovalid::conformance
