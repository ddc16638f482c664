// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/failed_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "conformance/search/program_property.h"
#include "traces/text.h"

namespace iovalid::conformance::search {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

bool IsUnmap(const traces::Event& event) {
  return event.has_ioctl() && event.ioctl().cmd() == "VFIO_IOMMU_UNMAP_DMA";
}

// The trace at the end of a message, read as a file would be.
std::vector<traces::Event> TraceIn(const std::string& message) {
  auto source = traces::OpenTextFromString("message", message.substr(message.find("header {")));
  EXPECT_TRUE(source.ok()) << source.status();
  std::vector<traces::Event> events;
  traces::Event event;
  while (source.ok() && (*source)->Next(&event).value_or(false)) events.push_back(event);
  return events;
}

// Programs with an UNMAP_DMA fail; rapidcheck leaves one call.
TEST(FailedProgramTest, APropertySaysHowItFailed) {
  const testing::AssertionResult result = HoldsForPrograms([](FailedProgram* shown) {
    shown->header = SearchHeader(traces::TYPE1);
    shown->events = StartingCalls(Start::kOpened, 3);
    const auto letters =
        *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, Alphabet().size()));
    for (const size_t letter : letters) shown->events.push_back(Alphabet()[letter].event);
    RC_ASSERT(std::none_of(shown->events.begin(), shown->events.end(), IsUnmap));
  });
  ASSERT_FALSE(result);
  const std::string message = result.message();
  EXPECT_THAT(
      message,
      AllOf(HasSubstr("RC_ASSERT(std::none_of("), ContainsRegex("from: rapidcheck, seed [0-9]+\n"),
            ContainsRegex("again: ./test( --long)? --bazel=--test_env=RC_PARAMS=seed=[0-9]+ "
                          ".*FailedProgramTest.APropertySaysHowItFailed\n"),
            HasSubstr("  ioctl(c0, VFIO_IOMMU_UNMAP_DMA, {argsz=")));
  const std::vector<traces::Event> events = TraceIn(message);
  EXPECT_EQ(events.size(), StartingCalls(Start::kOpened, 3).size() + 1);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events.front().has_sequence_begin());
  EXPECT_TRUE(IsUnmap(events.back()));
}

TEST(FailedProgramTest, WhatHoldsSaysNothing) {
  EXPECT_TRUE(HoldsForPrograms([](FailedProgram*) { RC_ASSERT(true); }));
}

// Only the first unmap makes the last call one too many.
TEST(FailedProgramTest, ShrinksToWhatIsNeeded) {
  FailedProgram failed{.broken = "too many", .events = StartingCalls(Start::kReady, 3)};
  for (uint64_t page = 0; page < 20; ++page) {
    failed.events.push_back(MapCall("c0", page * kPage, kBuffer, kPage, 3));
    if (page % 5 == 4) failed.events.push_back(UnmapCall("c0", page * kPage, kPage));
  }
  ShrinkFailed(&failed, [](const std::vector<traces::Event>& events) {
    const auto unmaps = std::count_if(events.begin(), events.end(), IsUnmap);
    return unmaps < 2 ? "" : std::to_string(unmaps) + " are too many";
  });
  EXPECT_EQ(failed.broken, "2 are too many");
  ASSERT_EQ(failed.events.size(), 3u);
  EXPECT_TRUE(failed.events[0].has_sequence_begin());
  EXPECT_TRUE(IsUnmap(failed.events[1]));
  EXPECT_TRUE(IsUnmap(failed.events[2]));
}

}  // namespace
}  // namespace iovalid::conformance::search
