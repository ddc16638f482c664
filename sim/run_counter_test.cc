// SPDX-License-Identifier: Apache-2.0
#include "sim/run_counter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace iovalid::sim {
namespace {

using Piece = std::tuple<uint64_t, uint64_t, uint32_t>;

std::vector<Piece> Runs(const RunCounter& counter) {
  std::vector<Piece> runs;
  counter.ForEach([&](uint64_t first, uint64_t n, uint32_t count) {
    runs.emplace_back(first, n, count);
  });
  return runs;
}

TEST(RunCounterTest, NeighboursOfEqualCountAreOneRun) {
  RunCounter counter;
  for (uint64_t i = 0; i < 10; ++i) counter.Add(100 + i, 1, 1);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{100, 10, 1}}));
  counter.Add(99, 1, 1);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{99, 11, 1}}));
  EXPECT_EQ(counter.total(), 11u);
}

TEST(RunCounterTest, FillingAGapJoinsBothSides) {
  RunCounter counter;
  counter.Add(0, 5, 2);
  counter.Add(7, 5, 2);
  counter.Add(5, 2, 2);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{0, 12, 2}}));
}

TEST(RunCounterTest, OverlapsCountTwice) {
  RunCounter counter;
  counter.Add(10, 10, 1);
  counter.Add(15, 10, 1);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{10, 5, 1}, {15, 5, 2}, {20, 5, 1}}));
  EXPECT_EQ(counter.Get(14), 1u);
  EXPECT_EQ(counter.Get(15), 2u);
  EXPECT_EQ(counter.Get(25), 0u);
  counter.Add(10, 10, -1);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{15, 10, 1}}));
}

TEST(RunCounterTest, RemovalFromTheMiddleCuts) {
  RunCounter counter;
  counter.Add(0, 100, 1);
  counter.Add(40, 20, -1);
  EXPECT_EQ(Runs(counter), (std::vector<Piece>{{0, 40, 1}, {60, 40, 1}}));
  EXPECT_EQ(counter.total(), 80u);
}

TEST(RunCounterTest, GetRunSaysHowFar) {
  RunCounter counter;
  counter.Add(10, 10, 3);
  uint64_t end = 0;
  EXPECT_EQ(counter.GetRun(0, 100, &end), 0u);
  EXPECT_EQ(end, 9u);
  EXPECT_EQ(counter.GetRun(12, 100, &end), 3u);
  EXPECT_EQ(end, 19u);
  EXPECT_EQ(counter.GetRun(12, 15, &end), 3u);
  EXPECT_EQ(end, 15u);
  EXPECT_EQ(counter.GetRun(20, 100, &end), 0u);
  EXPECT_EQ(end, 100u);
}

constexpr uint64_t kKeys = 40;

// The runs that a counter for each key gives.
std::vector<Piece> Runs(const std::vector<uint32_t>& counts) {
  std::vector<Piece> runs;
  for (uint64_t key = 0; key < counts.size(); ++key) {
    if (counts[key] == 0) continue;
    if (key > 0 && counts[key - 1] == counts[key]) {
      ++std::get<1>(runs.back());
    } else {
      runs.emplace_back(key, 1, counts[key]);
    }
  }
  return runs;
}

// Draws a range and whether to add or, if all its counts allow, to subtract, and does it to both.
void RandomStep(std::vector<uint32_t>* counts, RunCounter* counter, uint64_t* subtractions) {
  const uint64_t first = *rc::gen::inRange<uint64_t>(0, kKeys);
  const uint64_t n = *rc::gen::inRange<uint64_t>(1, kKeys - first + 1);
  bool subtract = *rc::gen::arbitrary<bool>();
  for (uint64_t i = 0; i < n; ++i) subtract = subtract && (*counts)[first + i] > 0;
  for (uint64_t i = 0; i < n; ++i) (*counts)[first + i] += subtract ? -1 : 1;
  counter->Add(first, n, subtract ? -1 : 1);
  if (subtract) ++*subtractions;
}

RC_GTEST_PROP(RunCounterProperty, BehavesLikeACounterForEachKey, ()) {
  std::vector<uint32_t> counts(kKeys, 0);
  RunCounter counter;
  uint64_t subtractions = 0;
  const int steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    RandomStep(&counts, &counter, &subtractions);
    RC_ASSERT(Runs(counter) == Runs(counts));
    uint64_t total = 0;
    for (uint32_t count : counts) total += count;
    RC_ASSERT(counter.total() == total);
  }
}

TEST(RunCounterPropertyGenerator, AddsAndSubtracts) {
  uint64_t subtractions = 0;
  size_t most_runs = 0;
  rc::check([&] {
    std::vector<uint32_t> counts(kKeys, 0);
    RunCounter counter;
    for (int i = 0; i < 60; ++i) {
      RandomStep(&counts, &counter, &subtractions);
      most_runs = std::max(most_runs, counter.runs());
    }
  });
  EXPECT_GT(subtractions, 500u);
  EXPECT_GT(most_runs, 8u);
}

}  // namespace
}  // namespace iovalid::sim
