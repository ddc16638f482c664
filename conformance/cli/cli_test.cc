// SPDX-License-Identifier: Apache-2.0
// The program as a user runs it: exit codes, error lines, what goes where.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "conformance/testing_trace.h"
#include "nlohmann/json.hpp"

namespace iovalid::conformance {
namespace {

struct Ran {
  int code = -1;
  std::string out, err;
};

std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

class CliTest : public testing::Test {
 protected:
  // A file in the test's own directory.
  std::string File(const std::string& name) { return testing::TempDir() + "cli_test_" + name; }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(File(name), std::ios::binary) << text;
    return File(name);
  }
  std::string WriteTrace(const std::string& name, std::vector<std::string> lines) {
    std::string text = TestHeaderLine("type1") + "\n";
    for (const std::string& line : lines) text += line + "\n";
    return Write(name, text + "{\"end\":1}\n");
  }
  Ran Run(const std::string& arguments) {
    const std::string out = File("stdout"), err = File("stderr");
    const std::string command =
        "conformance/cli/iovalid " + arguments + " >'" + out + "' 2>'" + err + "'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Slurp(out), Slurp(err)};
  }
  // Unusable input: exit code 2, nothing on standard output, one line on standard error.
  void ExpectUnusable(const Ran& ran, const std::string& part) {
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    EXPECT_EQ(ran.err.rfind("iovalid: error: ", 0), 0u) << ran.err;
    EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
  }
};

std::vector<std::string> Differing() {
  std::vector<std::string> lines = SetUpLines();
  lines.push_back(IntegerLine(5, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1));
  return lines;
}

TEST_F(CliTest, ReplayExitsWithOneWhereSomethingIsUnexplained) {
  std::vector<std::string> lines = Differing();
  lines.push_back(DeviceFdLine(6));
  // A probe of DMA_BUF, which older kernels do not know: no row of the catalogue is about it.
  lines.push_back(StructLine(7, "d0", "VFIO_DEVICE_FEATURE", "0x3b75", "080000000b000500", "="));
  const std::string trace = WriteTrace("unexplained.jsonl", lines);
  const Ran unexplained = Run("replay --left type1@6.12 --right type1@7.3 " + trace);
  EXPECT_EQ(unexplained.code, 1);
  EXPECT_NE(unexplained.out.find("UNEXPLAINED"), std::string::npos) << unexplained.out;
}

TEST_F(CliTest, ReplayExitsWithZeroWhereTheCatalogueKnowsWhy) {
  const std::string trace = WriteTrace("differing.jsonl", Differing());
  const Ran differing = Run("replay " + trace);
  EXPECT_EQ(differing.code, 0);
  EXPECT_NE(differing.out.find("extension-update-vaddr"), std::string::npos);
  EXPECT_NE(differing.out.find("VFIO_UPDATE_VADDR"), std::string::npos);
  EXPECT_EQ(differing.err, "");
  const Ran same = Run("replay --right type1@7.3 " + trace);
  EXPECT_EQ(same.code, 0);
  EXPECT_NE(same.out.find("no difference"), std::string::npos);
}

TEST_F(CliTest, JsonIsAllThatGoesToStandardOutput) {
  const std::string trace = WriteTrace("json.jsonl", Differing());
  const Ran ran = Run("replay --format json " + trace);
  EXPECT_EQ(ran.code, 0);
  std::istringstream in(ran.out);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
  EXPECT_EQ(lines, 2);
  EXPECT_NE(ran.err.find("digest "), std::string::npos);
}

TEST_F(CliTest, VerifyEndsWithItsLine) {
  const std::string trace = WriteTrace("verify.jsonl", SetUpLines());
  const Ran good = Run("verify " + trace + " " + trace);
  EXPECT_EQ(good.code, 0);
  const std::string last = "\nverify: 8 calls, 8 match, 0 mismatch\n";
  ASSERT_GE(good.out.size(), last.size());
  EXPECT_EQ(good.out.substr(good.out.size() - last.size()), last);

  std::vector<std::string> wrong;
  wrong.push_back(TestSequenceLine());
  for (int i = 1; i <= 25; ++i) {
    wrong.push_back(OpenLine(i, "/dev/vfio/vfio", "c" + std::to_string(i), "EACCES"));
  }
  const std::string bad_trace = WriteTrace("wrong.jsonl", wrong);
  const Ran bad = Run("verify " + bad_trace);
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.out.find("verify: 25 calls, 0 match, 25 mismatch\n"), std::string::npos);
  EXPECT_NE(bad.out.find("and 5 more mismatches"), std::string::npos);
  EXPECT_EQ(Run("verify --all " + bad_trace).out.find("more mismatches"), std::string::npos);
}

TEST_F(CliTest, BrokenInputIsOneLineWithTheFileAndThePlace) {
  const std::string missing = File("no_such_file.iovt");
  ExpectUnusable(Run("replay " + missing), missing);
  const std::string cut = Write("cut.jsonl", TestHeaderLine("type1") + "\n{\"i\":1,\"call\":\"op");
  ExpectUnusable(Run("verify " + cut), cut + ":2");
  ExpectUnusable(Run("show " + Write("empty.iovt", "")), "empty.iovt");
  const std::string fork = Write("fork.textproto",
                                 "header { kernel: \"7.3.4\" mode: TYPE1 page_size: 4096 }\n"
                                 "event { fork { child: 0 } }\n");
  ExpectUnusable(Run("replay --format json " + fork), "fork.textproto");
}

TEST_F(CliTest, BadFlagsAreOneLine) {
  const std::string trace = WriteTrace("flags.jsonl", SetUpLines());
  ExpectUnusable(Run("replay --left spapr " + trace), "spapr");
  ExpectUnusable(Run("replay --left type1@2.6 " + trace), "2.6");
  ExpectUnusable(Run("replay --iommu-type 7 " + trace), "iommu-type");
  ExpectUnusable(Run("replay"), "TRACE");
  ExpectUnusable(Run("frobnicate"), "frobnicate");
  EXPECT_EQ(Run("").code, 2);
}

TEST_F(CliTest, EveryCommandHasHelpWithExamples) {
  for (const char* command :
       {"", "replay", "verify", "show", "import", "export", "cut", "merge", "stats", "bench"}) {
    const Ran ran = Run(std::string(command) + " --help");
    EXPECT_EQ(ran.code, 0) << command;
    EXPECT_NE(ran.out.find("Example"), std::string::npos) << command;
  }
}

TEST_F(CliTest, ImportAndExportGiveTheSameBytesBack) {
  const std::string trace = WriteTrace("round.jsonl", Differing());
  const std::string iovt = File("round.iovt"), text = File("round.textproto"),
                    again = File("round_again.jsonl");
  EXPECT_EQ(Run("import " + trace + " " + iovt).code, 0);
  EXPECT_EQ(Run("export " + iovt + " " + text).code, 0);
  EXPECT_EQ(Run("export " + text + " " + again).code, 0);
  EXPECT_EQ(Slurp(again), Slurp(trace));
  EXPECT_EQ(Run("export " + iovt).out, Slurp(trace));
  ExpectUnusable(Run("export " + iovt + " " + File("round.pdf")), "round.pdf");
  // All forms replay to the same.
  EXPECT_EQ(Run("replay --format json " + iovt).out, Run("replay --format json " + trace).out);
}

TEST_F(CliTest, ShowListsTheTrace) {
  const Ran ran = Run("show " + WriteTrace("show.jsonl", SetUpLines()));
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.out.find("#4 ioctl(c0, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) = 0\n"),
            std::string::npos)
      << ran.out;
}

TEST_F(CliTest, ShowStartsWhereItIsTold) {
  const std::string trace = WriteTrace("from.jsonl", SetUpLines());
  const std::string iovt = File("from.iovt");
  ASSERT_EQ(Run("import " + trace + " " + iovt).code, 0);
  // Event 0 begins the sequence, so event 4 is step 4.
  for (const std::string& file : {trace, iovt}) {
    const Ran ran = Run("show --from 4 --count 1 " + file);
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("#4 ioctl"), std::string::npos) << ran.out;
    EXPECT_EQ(ran.out.find("#3 "), std::string::npos) << ran.out;
    EXPECT_EQ(ran.out.find("#5 "), std::string::npos) << ran.out;
    ExpectUnusable(Run("show --from 1000 " + file), "from.");
  }
}

TEST_F(CliTest, CutKeepsASequenceUpToAStep) {
  const std::string trace = WriteTrace("cut.jsonl", Differing());
  const std::string iovt = File("cut.iovt");
  EXPECT_EQ(Run("cut --until 4 " + trace + " " + iovt).code, 0);
  const Ran shown = Run("show " + iovt);
  EXPECT_NE(shown.out.find("#4 "), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("#5 "), std::string::npos) << shown.out;
  EXPECT_EQ(Run("cut --seq 1 " + trace + " " + iovt).code, 0);
  EXPECT_EQ(Run("replay --format json " + iovt).out, Run("replay --format json " + trace).out);
  // What was there stays where the cut fails.
  const std::string before = Slurp(iovt);
  ExpectUnusable(Run("cut --seq 7 " + trace + " " + iovt), "there is no sequence 7");
  EXPECT_EQ(Slurp(iovt), before);
}

TEST_F(CliTest, MergeNumbersTheSequencesAnew) {
  const std::string trace = WriteTrace("merge.jsonl", Differing());
  const std::string both = File("merge.iovt");
  EXPECT_EQ(Run("merge " + both + " " + trace + " " + trace).code, 0);
  const std::string json = Run("replay --format json " + both).out;
  EXPECT_NE(json.find("\"seq\":1,"), std::string::npos) << json;
  EXPECT_NE(json.find("\"seq\":2,"), std::string::npos) << json;
  const std::string other = Write("other.jsonl", TestHeaderLine("compat") + "\n");
  ExpectUnusable(Run("merge " + both + " " + trace + " " + other), "other.jsonl");
}

TEST_F(CliTest, StatsCountsCallsAndErrors) {
  const Ran ran = Run("stats " + WriteTrace("stats.jsonl", Differing()));
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.out.find("VFIO_CHECK_EXTENSION"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("sequences 1, calls 5, succeeded 100.0%"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace iovalid::conformance
