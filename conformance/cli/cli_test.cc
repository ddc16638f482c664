// SPDX-License-Identifier: Apache-2.0
// The program as a user runs it: exit codes, error lines, what goes where.
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

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

TEST_F(CliTest, ReplayExitsWithOneWhereSomethingDiffers) {
  const std::string trace = WriteTrace("differing.jsonl", Differing());
  const Ran differing = Run("replay " + trace);
  EXPECT_EQ(differing.code, 1);
  EXPECT_NE(differing.out.find("VFIO_UPDATE_VADDR"), std::string::npos);
  EXPECT_EQ(differing.err, "");
  const Ran same = Run("replay --right type1@7.3 " + trace);
  EXPECT_EQ(same.code, 0);
  EXPECT_NE(same.out.find("no difference"), std::string::npos);
}

TEST_F(CliTest, JsonIsAllThatGoesToStandardOutput) {
  const std::string trace = WriteTrace("json.jsonl", Differing());
  const Ran ran = Run("replay --format json " + trace);
  EXPECT_EQ(ran.code, 1);
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
                                 "event { fork { child: 1 } }\n");
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
  for (const char* command : {"", "replay", "verify", "show", "import", "export", "bench"}) {
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

}  // namespace
}  // namespace iovalid::conformance
