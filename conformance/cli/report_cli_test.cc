// SPDX-License-Identifier: Apache-2.0
// iovalid report as a user runs it: what it writes, what it refuses to write over.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "conformance/testing_trace.h"
#include "nlohmann/json.hpp"

namespace iovalid::conformance {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

class ReportCliTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "report_cli_test";
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  std::string Path(const std::string& name) { return directory_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }
  std::string WriteTrace(const std::string& name) {
    std::string text = TestHeaderLine("type1") + "\n";
    for (const std::string& line : SetUpLines()) text += line + "\n";
    text += IntegerLine(5, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1) + "\n";
    return Write(name, text + "{\"end\":1}\n");
  }
  // The exit code; *err gets standard error.
  int Run(const std::string& arguments, std::string* err = nullptr) {
    const std::string command = "conformance/cli/iovalid report " + arguments + " >'" +
                                Path("stdout") + "' 2>'" + Path("stderr") + "'";
    const int status = std::system(command.c_str());
    if (err != nullptr) *err = Slurp(Path("stderr"));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::map<std::string, std::string> Files(const std::string& name) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(Path(name))) {
      if (!entry.is_regular_file()) continue;
      files[fs::relative(entry.path(), Path(name)).string()] = Slurp(entry.path());
    }
    return files;
  }
  nlohmann::json Data(const std::string& name) {
    const std::string text = Slurp(Path(name + "/data/report.js"));
    const size_t begin = text.find('(') + 1;
    return nlohmann::json::parse(text.substr(begin, text.rfind(')') - begin));
  }

  std::string directory_;
};

TEST_F(ReportCliTest, TheSameTracesGiveTheSameBytes) {
  const std::string trace = WriteTrace("a.jsonl");
  ASSERT_EQ(Run("--jobs 1 -o " + Path("one") + " " + trace), 0);
  ASSERT_EQ(Run("--jobs 3 -o " + Path("two") + " " + trace), 0);
  const auto one = Files("one"), two = Files("two");
  EXPECT_GT(one.size(), 100u);
  EXPECT_TRUE(one == two);
  // Nothing is fetched from anywhere.
  for (const auto& [name, text] : one) {
    for (size_t at = text.find("http"); at != std::string::npos; at = text.find("http", at + 1)) {
      EXPECT_EQ(text.compare(at, 26, "http://www.w3.org/2000/svg"), 0) << name;
    }
  }
}

TEST_F(ReportCliTest, SaysWhatTheTraceShows) {
  const std::string trace = WriteTrace("a.jsonl");
  ASSERT_EQ(Run("-o " + Path("out") + " " + trace), 0);
  const nlohmann::json data = Data("out");
  EXPECT_EQ(data["files"][0]["path"], trace);
  EXPECT_EQ(data["files"][0]["unexplained"], 0);
  EXPECT_EQ(data["searches"].size(), 0u);  // nothing is made up
  int seen = 0;
  for (const auto& row : data["rows"]) {
    if (row.contains("steps")) ++seen;
    if (row["id"] != "extension-update-vaddr") continue;
    EXPECT_EQ(row["steps"], 2);  // once for each kernel that has both modes
    EXPECT_EQ(row["first"][0], 0);
  }
  EXPECT_GE(seen, 1);
  // The cell of the call: 1 with type1, 0 through compat.
  bool found = false;
  for (const auto& entry : data["matrix"]) {
    if (entry["call"] != "VFIO_CHECK_EXTENSION VFIO_UPDATE_VADDR") continue;
    if (entry["v"][2][0] != "1") continue;
    found = true;
    EXPECT_EQ(entry["v"][4][0], "0");
    EXPECT_EQ(entry["v"][5], 0);  // no native column
  }
  EXPECT_TRUE(found);
}

TEST_F(ReportCliTest, TextOfATraceIsNeverMarkup) {
  const std::string trace = WriteTrace("<script>alert(1)<\\\\.jsonl");
  ASSERT_EQ(Run("-o " + Path("out") + " '" + directory_ + "'"), 0);
  for (const auto& [name, text] : Files("out")) {
    if (name.rfind("data/", 0) != 0) continue;
    EXPECT_EQ(text.find('<'), std::string::npos) << name;
  }
  const std::string path = Data("out")["files"][0]["path"];
  EXPECT_NE(path.find("<script>"), std::string::npos);
}

TEST_F(ReportCliTest, WritesOverAReportAndOverNothingElse) {
  const std::string trace = WriteTrace("a.jsonl");
  std::string err;
  fs::create_directories(Path("mine"));
  Write("mine/precious.txt", "x");
  EXPECT_EQ(Run("-o " + Path("mine") + " " + trace, &err), 2);
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
  EXPECT_EQ(Files("mine").size(), 1u);
  EXPECT_EQ(Run("-o " + trace + " " + trace, &err), 2);

  fs::create_directories(Path("out"));  // an empty one will do
  ASSERT_EQ(Run("-o " + Path("out") + " " + trace), 0);
  const auto first = Files("out");
  // What an earlier report had and this one has not goes; what is not of a report stays, and so does
  // what a forged list names outside.
  Write("out/data/t9999.js", "old");
  Write("out/notes.txt", "mine");
  Write("outside", "mine");
  std::ofstream(Path("out/iovalid-report.txt"), std::ios::app)
      << "data/t9999.js\n../outside\ndata/../../outside\n" << Path("outside") << "\n";
  ASSERT_EQ(Run("-o " + Path("out") + " " + trace), 0);
  auto second = Files("out");
  EXPECT_EQ(second.erase("notes.txt"), 1u);
  EXPECT_TRUE(first == second);
  EXPECT_EQ(Slurp(Path("outside")), "mine");
}

TEST_F(ReportCliTest, TakesTheFiguresOfASearch) {
  const std::string trace = WriteTrace("a.jsonl");
  const std::string good =
      Write("search.txt",
            "some-row: title\n\nshortest reproducers: median 2 calls after the set-up\n"
            "search: 1234 sequences, 71 distinct divergences (70 explained, 1 unexplained)\n");
  ASSERT_EQ(Run("-o " + Path("out") + " --search " + good + " " + trace), 0);
  const nlohmann::json search = Data("out")["searches"][0];
  EXPECT_EQ(search["sequences"], 1234);
  EXPECT_EQ(search["distinct"], 71);
  EXPECT_EQ(search["explained"], 70);
  EXPECT_EQ(search["unexplained"], 1);
  EXPECT_EQ(search["median"], 2);
  std::string err;
  EXPECT_EQ(Run("-o " + Path("other") + " --search " + trace + " " + trace, &err), 2);
  EXPECT_NE(err.find("no output of `iovalid search`"), std::string::npos) << err;
  EXPECT_FALSE(fs::exists(Path("other")));
}

TEST_F(ReportCliTest, ABadTraceIsOneLine) {
  const std::string bad = Write("bad.jsonl", "nonsense\n");
  std::string err;
  EXPECT_EQ(Run("-o " + Path("out") + " " + bad, &err), 2);
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
  EXPECT_NE(err.find("bad.jsonl"), std::string::npos) << err;
  EXPECT_FALSE(fs::exists(Path("out")));
}

TEST_F(ReportCliTest, OfALongSequenceWhatMattersIsDrawn) {
  std::string text = TestHeaderLine("type1") + "\n";
  for (const std::string& line : SetUpLines()) text += line + "\n";
  for (int i = 5; i < 3000; ++i) {
    // The one that differs is far in.
    text += IntegerLine(i, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", i == 2000 ? 10 : 1, 1) + "\n";
  }
  const std::string trace = Write("long.jsonl", text + "{\"end\":1}\n");
  ASSERT_EQ(Run("--steps 100 -o " + Path("out") + " " + trace), 0);
  const nlohmann::json file = Data("out")["files"][0];
  EXPECT_GT(file["events"], 2900);
  EXPECT_LT(file["drawn"], 400);
  const std::string timeline = Slurp(Path("out/data/t0.js"));
  EXPECT_NE(timeline.find("VFIO_UPDATE_VADDR"), std::string::npos);
}

}  // namespace
}  // namespace iovalid::conformance
