// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "conformance/replay.h"
#include "conformance/report_json.h"
#include "conformance/report_text.h"
#include "conformance/testing_trace.h"
#include "nlohmann/json.hpp"

namespace iovalid::conformance {
namespace {

using Json = nlohmann::json;

std::vector<std::string> DifferingLines() {
  std::vector<std::string> lines = SetUpLines();
  lines.push_back(IntegerLine(5, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1));
  lines.push_back(StructLine(6, "c0", "VFIO_IOMMU_GET_INFO", "0x3b70",
                             "180000000000000000000000000000000000000000000000", "="));
  lines.push_back(DeviceFdLine(7));
  return lines;
}

ReplayCounts ReplayLines(const std::string& header, ReplayReporter* reporter) {
  traces::VectorSource source = TestTrace(header, DifferingLines());
  const auto counts =
      Replay(source, "trace.jsonl", *ParseSide("type1"), *ParseSide("compat"), reporter, nullptr);
  EXPECT_TRUE(counts.ok()) << counts.status().message();
  return counts.ok() ? *counts : ReplayCounts();
}

std::vector<Json> JsonLines(bool all, bool with_file) {
  std::ostringstream out;
  JsonReporter reporter(out, all, with_file);
  ReplayLines(TestHeaderLine("type1"), &reporter);
  std::vector<Json> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(JsonReportTest, OneObjectForEachDifferingCall) {
  const std::vector<Json> lines = JsonLines(/*all=*/false, /*with_file=*/false);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["call"], "VFIO_SET_IOMMU");
  EXPECT_EQ(lines[0]["outcome_differs"], false);
  EXPECT_EQ(lines[0]["state_differs"], Json::array({"attach:dev0"}));
  EXPECT_EQ(lines[1]["seq"], 1);
  EXPECT_EQ(lines[1]["i"], 5);
  EXPECT_EQ(lines[1]["call"], "VFIO_CHECK_EXTENSION");
  EXPECT_EQ(lines[1]["outcome_differs"], true);
  EXPECT_EQ(lines[1]["left"]["ret"], 1);
  EXPECT_EQ(lines[1]["right"]["ret"], 0);
  EXPECT_EQ(lines[1]["left"]["errno"], "0");
  EXPECT_FALSE(lines[1]["left"].contains("out"));
  EXPECT_EQ(lines[1]["state_differs"], Json::array());
  EXPECT_EQ(lines[2]["left"]["out"].get<std::string>().size(), 48u);
  EXPECT_NE(lines[2]["left"]["out"], lines[2]["right"]["out"]);
}

TEST(JsonReportTest, AllPrintsEveryCallAndFilesAreNamedWhereThereAreMore) {
  const std::vector<Json> lines = JsonLines(/*all=*/true, /*with_file=*/true);
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[0]["call"], "open");
  EXPECT_EQ(lines[0]["file"], "trace.jsonl");
  EXPECT_EQ(lines[0]["left"]["ret"], "fd");
  EXPECT_EQ(lines[2]["left"]["out"], "=");
  EXPECT_EQ(lines[6]["call"], "VFIO_GROUP_GET_DEVICE_FD");
  EXPECT_EQ(lines[6]["left"]["ret"], "fd");
  EXPECT_EQ(lines[6]["state_resolved"], Json::array({"attach:dev0"}));
}

std::string Text(const std::string& header, bool all = false) {
  std::ostringstream out;
  TextReporter reporter(out, Style(false), all);
  ReplayLines(header, &reporter);
  return out.str();
}

TEST(TextReportTest, ShowsBothAnswersTheStateAndASummary) {
  const std::string text = Text(TestHeaderLine("type1"));
  for (const char* part :
       {"ioctl(c0, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR)", "type1@7.3   = 1", "compat@7.3  = 0",
        "attach:dev0: only type1@7.3 has the device attached", "attach:dev0 is equal again",
        "iova_pgsizes=4K|2M|1G", "3 differ (2 in what they answer", "digest "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("open("), std::string::npos);
}

TEST(TextReportTest, AllListsTheOtherCallsToo) {
  EXPECT_NE(Text(TestHeaderLine("type1"), /*all=*/true).find("open(\"@g0\") as g0"),
            std::string::npos);
}

TEST(TextReportTest, CaptureEndsWithTheAnswersThatTheProgramMayHaveActedOn) {
  const std::string header = R"({"golden":1,"capture":true)" + TestHeaderLine("type1").substr(11);
  const std::string text = Text(header);
  const size_t list = text.find("answers that decide how the program goes on");
  ASSERT_NE(list, std::string::npos) << text;
  // The last one first.
  EXPECT_LT(text.find("VFIO_IOMMU_GET_INFO", list), text.find("VFIO_CHECK_EXTENSION", list));
  EXPECT_EQ(Text(TestHeaderLine("type1")).find("answers that decide"), std::string::npos);
}

TEST(ReplayTest, CountsAndErrors) {
  std::ostringstream out;
  JsonReporter reporter(out, false, false);
  const ReplayCounts counts = ReplayLines(TestHeaderLine("type1"), &reporter);
  EXPECT_EQ(counts.calls, 7u);
  EXPECT_EQ(counts.outcome, 2u);
  EXPECT_EQ(counts.state, 1u);
  traces::Event fork;
  fork.mutable_fork()->set_child(0);
  traces::VectorSource source(ParseTestHeader(TestHeaderLine("type1")), {fork});
  const absl::Status status =
      Replay(source, "x", *ParseSide("type1"), *ParseSide("compat"), &reporter, nullptr).status();
  EXPECT_EQ(std::string(status.message()), "event 0: fork: task 0 is there already");
}

}  // namespace
}  // namespace iovalid::conformance
