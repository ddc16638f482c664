// SPDX-License-Identifier: Apache-2.0
// Every difference between type1 and compat over the recordings has a row of the catalogue.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "conformance/replay.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

// Counts the rows; names the first few steps that none accounts for.
class Unexplained : public ReplayReporter {
 public:
  void Begin(const std::string& file, const traces::Header&, const Side&, const Side&) override {
    file_ = file;
  }
  void Step(const Position& at, const traces::Event&, Differ& differ, const Label& label) override {
    if (!differ.report().differs()) return;
    for (const Label::Part& part : label.parts) {
      if (part.consequence < 0) rows.insert(part.row);
    }
    if (label.explained() || ++steps > 5) return;
    ADD_FAILURE() << file_ << ": " << at.seq << '#' << at.step << ": "
                  << FacetNames(label.unexplained, nullptr);
  }
  void End(const ReplayCounts&) override {}

  std::set<int> rows;
  uint64_t steps = 0;

 private:
  std::string file_;
};

struct Sides {
  const char* left;
  const char* right;
  const char* recordings;  // part of the name of those that are replayed
  size_t files, rows;      // at least
};

class LabelledTest : public testing::TestWithParam<Sides> {};

TEST_P(LabelledTest, NothingIsUnexplained) {
  namespace fs = std::filesystem;
  const Side left = *ParseSide(GetParam().left), right = *ParseSide(GetParam().right);
  Unexplained reporter;
  uint64_t files = 0;
  for (const char* directory : {"traces/goldens", "traces/captures"}) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      const std::string path = entry.path().string();
      if (entry.path().extension() != ".iovt") continue;
      if (path.find(GetParam().recordings) == std::string::npos) continue;
      auto source = traces::OpenAny(path);
      ASSERT_TRUE(source.ok()) << source.status().message();
      const auto counts = Replay(**source, path, left, right, &reporter, nullptr);
      ASSERT_TRUE(counts.ok()) << counts.status().message();
      ++files;
    }
  }
  EXPECT_GE(files, GetParam().files);
  EXPECT_EQ(reporter.steps, 0u);
  EXPECT_GE(reporter.rows.size(), GetParam().rows);
}

INSTANTIATE_TEST_SUITE_P(Recordings, LabelledTest,
                         testing::Values(Sides{"type1@7.3", "compat@7.3", "c7.3.type1", 6, 60},
                                         Sides{"type1@6.12", "compat@6.12", "c6.12.type1", 6, 60},
                                         Sides{"type1@7.3", "compat@7.3", "type1-7.3.iovt", 5, 5},
                                         Sides{"type1@6.12", "type1@7.3", "edges.7.3.type1", 2, 5},
                                         Sides{"type1@6.1", "type1@6.12", "random-mem.6.1.type1", 2,
                                               2}));

}  // namespace
}  // namespace iovalid::conformance
