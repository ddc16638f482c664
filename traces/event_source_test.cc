// SPDX-License-Identifier: Apache-2.0
#include "traces/event_source.h"

#include <gtest/gtest.h>

#include <vector>

namespace iovalid::traces {
namespace {

std::vector<Event> Steps(std::initializer_list<uint32_t> steps) {
  std::vector<Event> events;
  for (const uint32_t step : steps) events.emplace_back().set_step(step);
  return events;
}

// Fails after its events.
class BrokenSource : public VectorSource {
 public:
  using VectorSource::VectorSource;
  absl::StatusOr<bool> Next(Event* event) override {
    absl::StatusOr<bool> more = VectorSource::Next(event);
    if (more.ok() && !*more) return absl::DataLossError("cut off");
    return more;
  }
};

TEST(EventsTest, AreAllThatTheSourceHasLeft) {
  VectorSource source({}, Steps({5, 6, 7}));
  Event first;
  ASSERT_TRUE(*source.Next(&first));
  absl::Status status = absl::UnknownError("from before");
  std::vector<uint32_t> seen;
  for (Event& event : Events(source, &status)) {
    seen.push_back(event.step());
    event.set_step(99);  // the loop's own
  }
  EXPECT_EQ(seen, std::vector<uint32_t>({6, 7}));
  EXPECT_TRUE(status.ok()) << status;
  for (const Event& event : Events(source, &status)) FAIL() << event.step();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(EventsTest, ALoopThatEndsEarlyTakesNoMore) {
  BrokenSource source({}, Steps({5, 6}));
  absl::Status status;
  for (const Event& event : Events(source, &status)) {
    if (event.step() == 5) break;
  }
  EXPECT_TRUE(status.ok()) << status;
  Event next;
  ASSERT_TRUE(*source.Next(&next));
  EXPECT_EQ(next.step(), 6u);
}

TEST(EventsTest, TellWhyTheSourceFailed) {
  BrokenSource source({}, Steps({5, 6}));
  absl::Status status;
  size_t seen = 0;
  for (const Event& event : Events(source, &status)) seen += event.step();
  EXPECT_EQ(seen, 11u);
  EXPECT_EQ(status, absl::DataLossError("cut off"));
  EXPECT_EQ(At(source.Where(), status), absl::DataLossError("event 1: cut off"));
}

}  // namespace
}  // namespace iovalid::traces
