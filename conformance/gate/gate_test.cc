// SPDX-License-Identifier: Apache-2.0
#include "conformance/gate/gate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "conformance/gate/gate_formats.h"
#include "nlohmann/json.hpp"

namespace iovalid::conformance {
namespace {

using Json = nlohmann::json;

GateResult TwoTraces() {
  GateTrace good;
  good.file = "a.iovt";
  good.left = "type1@7.3";
  good.right = "compat@7.3";
  good.calls = 10;
  good.differing = 2;
  good.rows = {{"info-size", 2}};
  GateTrace bad = good;
  bad.file = "b#1.iovt";
  bad.findings.push_back({GateFinding::Kind::kUnexplained, 3, 7, "", "open(\"<x>\"): 5% & more"});
  return {{good, bad}};
}

std::string Written(const std::string& format) {
  std::ostringstream out;
  EXPECT_TRUE(WriteGate(format, TwoTraces(), out));
  return out.str();
}

TEST(BaselineTest, TextRoundTrip) {
  const Baseline baseline = {{"a b.iovt", {"info-size", "dirty-v1"}}, {"c.iovt", {"info-size"}}};
  const auto parsed = ParseBaseline(BaselineToText(baseline), "baseline");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(*parsed, baseline);
}

TEST(BaselineTest, ABadLineIsNamed) {
  EXPECT_EQ(ParseBaseline("# x\n\nrow\n", "base").status().message(),
            "base:3: a line of a baseline is ROW FILE");
  EXPECT_FALSE(ParseBaseline("row ", "base").ok());
  EXPECT_FALSE(ParseBaseline(" file", "base").ok());
}

TEST(GateTest, ABaselineNamesWhatIsNewAndWhatIsMissing) {
  GateResult result = TwoTraces();
  result.traces[1].findings.clear();
  EXPECT_TRUE(result.passed());
  CompareWithBaseline(result.ToBaseline(), &result);
  EXPECT_TRUE(result.passed());
  CompareWithBaseline({{"a.iovt", {"info-size", "dirty-v1"}}}, &result);
  EXPECT_FALSE(result.passed());
  ASSERT_EQ(result.traces[0].findings.size(), 1u);
  EXPECT_EQ(result.traces[0].findings[0].kind, GateFinding::Kind::kMissingRow);
  EXPECT_EQ(result.traces[0].findings[0].row, "dirty-v1");
  ASSERT_EQ(result.traces[1].findings.size(), 1u);
  EXPECT_EQ(result.traces[1].findings[0].kind, GateFinding::Kind::kNewRow);
}

TEST(GateTest, PathsThatHoldNothingAreRefused) {
  EXPECT_FALSE(FindTraces({"/nonexistent/x.iovt"}).ok());
}

TEST(GateTest, ATraceIsReplayedAndItsRowsCounted) {
  const std::string path = testing::TempDir() + "/gate.textproto";
  std::ofstream(path) << R"(header { kernel: "7.3.4" mode: TYPE1 set_iommu: 3 page_size: 4096 }
event { sequence_begin { seq: 1 cap_ipc_lock: true rlimit_memlock: -1 dma_entry_limit: 65535
  opens: "/dev/vfio/vfio" } }
event { step: 1 open { path: "/dev/vfio/vfio" as: "c0" } }
event { step: 2 ioctl { fd: "c0" cmd: "VFIO_SET_IOMMU" nr: 0x3b66 integer: 3 } }
)";
  const auto trace = RunGate(path, *ParseSide("type1"), *ParseSide("compat"));
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  EXPECT_TRUE(trace->findings.empty());
  EXPECT_EQ(trace->differing, 1u);
  EXPECT_EQ(trace->rows, (std::map<std::string, uint64_t>{{"set-iommu-without-group", 1}}));
  EXPECT_EQ(*GateKernel(path), "7.3");
  EXPECT_EQ(FindTraces({path, path})->size(), 1u);
}

// All that is committed, as `iovalid gate traces/` runs it.
TEST(GateTest, TheCommittedTracesPass) {
  const auto files = FindTraces({"traces"});
  ASSERT_TRUE(files.ok()) << files.status().message();
  EXPECT_GE(files->size(), 60u);
  for (const std::string& file : *files) {
    const auto kernel = GateKernel(file);
    ASSERT_TRUE(kernel.ok()) << kernel.status().message();
    const auto trace =
        RunGate(file, *ParseSide("type1", *kernel), *ParseSide("compat", *kernel));
    ASSERT_TRUE(trace.ok()) << trace.status().message();
    for (const GateFinding& finding : trace->findings) {
      ADD_FAILURE() << file << ": " << finding.seq << '#' << finding.step << ' ' << finding.message;
    }
  }
}

TEST(GateFormatTest, Text) {
  EXPECT_EQ(Written("text"),
            "b#1.iovt (type1@7.3, compat@7.3)\n"
            "  unexplained: 3#7 open(\"<x>\"): 5% & more\n"
            "FAILED: 2 traces, 20 calls, 4 differ by 1 rows; 1 traces do not pass\n");
}

TEST(GateFormatTest, KtapEscapesNothingButDirectives) {
  EXPECT_EQ(Written("ktap"),
            "KTAP version 1\n1..2\nok 1 a.iovt\n"
            "# unexplained: 3#7 open(\"<x>\"): 5% & more\nnot ok 2 b_1.iovt\n");
}

TEST(GateFormatTest, JunitIsXml) {
  const std::string text = Written("junit");
  EXPECT_NE(text.find("tests=\"2\" failures=\"1\""), std::string::npos) << text;
  EXPECT_NE(text.find("open(&quot;&lt;x&gt;&quot;): 5% &amp; more"), std::string::npos) << text;
  EXPECT_EQ(text.find("<x>"), std::string::npos);
}

TEST(GateFormatTest, GithubEscapesPercent) {
  EXPECT_EQ(Written("github").find("::error file=b#1.iovt,title=iovalid unexplained::3#7 "
                                   "open(\"<x>\"): 5%25 & more\n"),
            0u);
}

TEST(GateFormatTest, JsonAndSarifParse) {
  const Json json = Json::parse(Written("json"));
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["traces"][0]["rows"]["info-size"], 2);
  EXPECT_EQ(json["traces"][1]["findings"][0]["i"], 7);
  const Json sarif = Json::parse(Written("sarif"));
  EXPECT_EQ(sarif["version"], "2.1.0");
  const Json& run = sarif["runs"][0];
  EXPECT_EQ(run["results"].size(), 1u);
  EXPECT_EQ(run["results"][0]["ruleId"], "unexplained");
  EXPECT_EQ(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "b#1.iovt");
  EXPECT_GT(run["tool"]["driver"]["rules"].size(), 60u);
}

TEST(GateFormatTest, UnknownFormat) {
  std::ostringstream out;
  EXPECT_FALSE(WriteGate("yaml", TwoTraces(), out));
}

}  // namespace
}  // namespace iovalid::conformance
