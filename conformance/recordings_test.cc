// SPDX-License-Identifier: Apache-2.0
// Every committed recording of a real kernel, call by call: the models answer all of them as
// recorded, and refuse none as not modelled.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/verify.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

std::vector<std::string> Recordings() {
  std::vector<std::string> paths;
  for (const char* directory : {"traces/goldens", "traces/captures", "conformance/testdata"}) {
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
      const std::string extension = file.path().extension().string();
      if (extension == ".iovt" || extension == ".jsonl") paths.push_back(file.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class RecordingsTest : public testing::TestWithParam<std::string> {};

TEST_P(RecordingsTest, EveryCallIsAsRecorded) {
  auto source = traces::OpenAny(GetParam());
  ASSERT_TRUE(source.ok()) << source.status().message();
  std::string first;
  const auto result = Verify(
      **source, GetParam(),
      [&](const Mismatch& mismatch) {
        if (first.empty()) {
          first = "sequence " + std::to_string(mismatch.seq) + " step " +
                  std::to_string(mismatch.step) + ": " + mismatch.call;
        }
      },
      nullptr);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_GT(result->counts.calls, 0u);
  EXPECT_EQ(result->counts.mismatch, 0u) << first;
}

INSTANTIATE_TEST_SUITE_P(All, RecordingsTest, testing::ValuesIn(Recordings()),
                         [](const auto& param) {
                           std::string name = param.param.substr(param.param.rfind('/') + 1);
                           for (char& c : name) {
                             if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace iovalid::conformance
