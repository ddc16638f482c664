// SPDX-License-Identifier: Apache-2.0
#include "conformance/parallel.h"

#include <barrier>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace iovalid::conformance {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(Parallel, RunsEachJobOnce) {
  std::vector<int> runs(3);
  RunJobs(3, [&](unsigned job) { ++runs[job]; });
  EXPECT_THAT(runs, ElementsAre(1, 1, 1));
}

TEST(Parallel, JobsRunAtTheSameTime) {
  // Each waits for the others.
  std::barrier all(3);
  RunJobs(3, [&](unsigned) { all.arrive_and_wait(); });
}

TEST(Parallel, VisitsEachIndexOnce) {
  std::vector<int> visits(1000);
  ForEachIndex(visits.size(), 4, [&](size_t i, unsigned job) {
    EXPECT_LT(job, 4u);
    ++visits[i];
  });
  EXPECT_THAT(visits, Each(1));
}

TEST(Parallel, VisitsNothingOfNothing) {
  ForEachIndex(0, 4, [](size_t, unsigned) { ADD_FAILURE(); });
}

TEST(Parallel, MoreJobsThanIndicesLeaveSomeWithoutWork) {
  std::vector<int> visits(2);
  ForEachIndex(2, 8, [&](size_t i, unsigned job) {
    EXPECT_LT(job, 2u);
    ++visits[i];
  });
  EXPECT_THAT(visits, Each(1));
}

TEST(Parallel, TakesTheJobsThatAreAskedFor) {
  EXPECT_EQ(JobsOrCores(7), 7u);
  EXPECT_GE(JobsOrCores(0), 1u);
}

}  // namespace
}  // namespace iovalid::conformance
