// SPDX-License-Identifier: Apache-2.0
//
// Hostile trace files, through every reader and both engines: each ends in a clean run or in one
// line that names the file. Under the sanitizers without a report.
#include <gtest/gtest.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include "conformance/replay.h"
#include "conformance/report_text.h"
#include "conformance/side.h"
#include "conformance/trace_mutator.h"
#include "conformance/verify.h"
#include "traces/open_any.h"
#include "traces/trace_test_files.h"

#ifndef IOVALID_HOSTILE_CASES
#define IOVALID_HOSTILE_CASES 2000
#endif

namespace iovalid::conformance {
namespace {

// A case that takes this long hangs.
constexpr unsigned kSecondsPerCase = 30;

constexpr const char* kSeedFiles[] = {"traces/goldens/edges.c7.3.type1-v2.iovt",
                                      "traces/goldens/edges.c7.3.compat-v1.iovt",
                                      "traces/goldens/edges.6.1.type1-v1.iovt",
                                      "traces/goldens/native-edges.c7.3.native.iovt",
                                      "traces/goldens/random-mem.c6.12.compat-v2.iovt",
                                      "traces/captures/qemu-11.1-type1-7.3.iovt",
                                      "traces/captures/qemu-11.1-iommufd-7.3.iovt",
                                      "traces/captures/dpdk-24.11-huge-type1-7.3.iovt"};

class HostileTrace : public ::testing::TestWithParam<TraceMutator::Level> {
 protected:
  static void SetUpTestSuite() {
    mutator_ = new TraceMutator;
    for (const char* file : kSeedFiles) {
      const absl::Status status = mutator_->AddSeeds(file, 120);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  static void TearDownTestSuite() { delete mutator_; }

  // How the case ended: "ran", or the kind of refusal.
  static std::string Ended(const std::string& path, const absl::Status& status) {
    if (status.ok()) return "ran";
    const std::string message(status.message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_NE(message.find(path), std::string::npos) << message;
    return "refused";
  }

  static TraceMutator* mutator_;
};
TraceMutator* HostileTrace::mutator_ = nullptr;

template <typename Use>
absl::Status With(const std::string& path, bool salvage, Use use) {
  auto source = traces::OpenAny(path, {.salvage = salvage});
  if (!source.ok()) return source.status();
  return use(**source);
}

TEST_P(HostileTrace, RunsOrIsRefusedInOneLine) {
  const std::string path = traces::TempPath("hostile");
  std::map<std::string, int> ended;
  for (uint64_t i = 0; i < IOVALID_HOSTILE_CASES; ++i) {
    std::mt19937_64 random(i * TraceMutator::kLevels + static_cast<uint64_t>(GetParam()));
    traces::WriteAll(path, mutator_->Make(GetParam(), random));
    SCOPED_TRACE("case " + std::to_string(i));
    const bool salvage = i % 2 == 0;
    alarm(kSecondsPerCase);
    ++ended["verify " + Ended(path, With(path, salvage, [&](traces::EventSource& source) {
                                return Verify(source, path, [](const Mismatch&) {}, {}).status();
                              }))];
    ++ended["replay " + Ended(path, With(path, salvage, [&](traces::EventSource& source) {
                                std::ostringstream text;
                                TextReporter reporter(text, Style(), i % 3 == 0);
                                return Replay(source, path, *ParseSide("type1"),
                                              *ParseSide("compat"), &reporter, {})
                                    .status();
                              }))];
    alarm(0);
    if (i % 2500 == 2499) std::cout << i + 1 << " cases\n" << std::flush;
    if (HasFailure()) {
      ADD_FAILURE() << "the file is left at " << path;
      return;
    }
  }
  unlink(path.c_str());
  // The mutations reach past the readers, and not all of them do.
  EXPECT_GT(ended["replay refused"], 0);
  EXPECT_GT(ended["replay ran"], 0);
  EXPECT_GT(ended["verify ran"], 0);
  for (const auto& [how, count] : ended) RecordProperty(how.substr(0, 6) + how.substr(7), count);
}

std::string LevelName(const ::testing::TestParamInfo<TraceMutator::Level>& param) {
  static constexpr const char* kNames[] = {"File", "Payload", "Text", "Events"};
  return kNames[static_cast<int>(param.param)];
}

INSTANTIATE_TEST_SUITE_P(Levels, HostileTrace,
                         ::testing::Values(TraceMutator::Level::kFile,
                                           TraceMutator::Level::kPayload,
                                           TraceMutator::Level::kText,
                                           TraceMutator::Level::kEvents),
                         LevelName);

}  // namespace
}  // namespace iovalid::conformance
