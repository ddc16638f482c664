// SPDX-License-Identifier: Apache-2.0
// The recorded answers never reach a model: without them, a run is the same to the last digit.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "conformance/replay.h"
#include "conformance/verify.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

struct Silent : ReplayReporter {
  void Begin(const std::string&, const traces::Header&, const Side&, const Side&) override {}
  void Step(const Position&, const traces::Event&, Differ&, const Label&) override {}
  void End(const ReplayCounts&) override {}
};

// What a kernel answered is taken away or replaced by nonsense.
enum class Answers { kAsRecorded, kNone, kNonsense };

traces::VectorSource Load(const std::string& path, Answers answers) {
  auto source = traces::OpenAny(path);
  EXPECT_TRUE(source.ok()) << source.status().message();
  if (!source.ok()) return traces::VectorSource({}, {});
  traces::Header header = (*source)->header();
  std::vector<traces::Event> events;
  absl::Status status;
  for (traces::Event& event : traces::Events(**source, &status)) {
    if (answers != Answers::kAsRecorded) {
      event.clear_verbatim();
      if (event.has_observe()) continue;
      if (event.has_dma_view()) event.mutable_dma_view()->clear_view();
      const bool had_outcome = event.has_outcome();
      event.clear_outcome();
      if (answers == Answers::kNonsense && had_outcome) {
        event.mutable_outcome()->set_error(121);
        event.mutable_outcome()->set_ret(-77);
        event.mutable_outcome()->set_out_unchanged(true);
      }
    }
    events.push_back(event);
  }
  EXPECT_TRUE(status.ok()) << status;
  return traces::VectorSource(std::move(header), std::move(events));
}

class StrippedTest : public testing::TestWithParam<std::string> {
 protected:
  static std::string VerifyDigest(Answers answers) {
    traces::VectorSource source = Load(GetParam(), answers);
    const auto result = Verify(
        source, GetParam(), [](const Mismatch&) {}, nullptr);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? result->digest.ToString() : "";
  }
  static std::string ReplayDigest(Answers answers) {
    traces::VectorSource source = Load(GetParam(), answers);
    Silent silent;
    const auto result =
        Replay(source, GetParam(), *ParseSide("type1"), *ParseSide("compat"), &silent, nullptr);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? result->digest.ToString() : "";
  }
};

TEST_P(StrippedTest, VerifyRunsTheSameWithoutTheRecordedAnswers) {
  const std::string digest = VerifyDigest(Answers::kAsRecorded);
  EXPECT_EQ(digest.size(), 32u);
  EXPECT_EQ(VerifyDigest(Answers::kNone), digest);
  EXPECT_EQ(VerifyDigest(Answers::kNonsense), digest);
}

TEST_P(StrippedTest, ReplayRunsTheSameWithoutTheRecordedAnswers) {
  const std::string digest = ReplayDigest(Answers::kAsRecorded);
  EXPECT_EQ(ReplayDigest(Answers::kNone), digest);
  EXPECT_EQ(ReplayDigest(Answers::kNonsense), digest);
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(info.param.rfind('/') + 1);
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, StrippedTest,
                         testing::Values("traces/captures/qemu-11.1-type1-7.3.iovt",
                                         "traces/captures/qemu-11.1-2groups-compat-7.3.iovt",
                                         "traces/captures/dpdk-24.11-huge-type1-7.3.iovt",
                                         "traces/goldens/edges.c7.3.type1-v2.iovt",
                                         "traces/goldens/edges.c7.3.compat-v2.iovt",
                                         "traces/goldens/random-mem.c7.3.type1-v1.iovt"),
                         TestName);

}  // namespace
}  // namespace iovalid::conformance
