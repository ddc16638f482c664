// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/catalogue/built_in.h"
#include "conformance/catalogue/row_table.h"

namespace iovalid::conformance {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

const std::vector<RowCheck>& BuiltInChecks() {
  static const auto* const kChecks =
      new std::vector<RowCheck>(CheckCatalogue(Catalogue::BuiltIn(), BuiltInCatalogueTraces()));
  return *kChecks;
}

TEST(CheckTest, EveryRowIsSound) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  EXPECT_GE(catalogue.rows().size(), 60u);
  for (const RowCheck& check : BuiltInChecks()) {
    EXPECT_GT(check.plants, 0u) << catalogue.rows()[check.row].id();
    for (const std::string& problem : check.problems) {
      ADD_FAILURE() << catalogue.rows()[check.row].id() << ": " << problem;
    }
  }
}

// The problems of the built-in catalogue with one row replaced.
std::vector<std::string> ProblemsOf(const std::string& id, const std::string& from,
                                    const std::string& to) {
  Files files = BuiltInCatalogueFiles();
  for (auto& [name, text] : files) {
    if (name != "rows/" + id + ".textproto") continue;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << text;
    if (at != std::string::npos) text.replace(at, from.size(), to);
  }
  const auto catalogue = Catalogue::Parse(files);
  EXPECT_TRUE(catalogue.ok()) << catalogue.status().message();
  if (!catalogue.ok()) return {};
  for (const RowCheck& check : CheckCatalogue(*catalogue, BuiltInCatalogueTraces())) {
    if (check.row == catalogue->FindRow(id)) return check.problems;
  }
  return {};
}

bool Contains(const std::vector<std::string>& problems, const std::string& part) {
  return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
    return problem.find(part) != std::string::npos;
  });
}

// The lines "| 1 | topic | shown by |" of the table in docs/coverage.md, by number.
std::map<unsigned, std::string> DifferencesInCoverage() {
  std::map<unsigned, std::string> lines;
  std::ifstream file("docs/coverage.md");
  std::string line;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.rfind("## ", 0) == 0) inside = line.rfind("## The 80 differences", 0) == 0;
    const unsigned number = line.size() < 4 ? 0 : std::strtoul(line.c_str() + 2, nullptr, 10);
    if (!inside || number == 0) continue;
    EXPECT_TRUE(lines.emplace(number, line).second) << number << " is there twice";
  }
  return lines;
}

// The rows that a line links to.
std::vector<std::string> RowsIn(const std::string& line) {
  constexpr std::string_view kBegin = "(../conformance/catalogue/traces/", kEnd = ".textproto)";
  std::vector<std::string> rows;
  for (size_t at = line.find(kBegin); at != std::string::npos; at = line.find(kBegin, at)) {
    at += kBegin.size();
    rows.push_back(line.substr(at, line.find(kEnd, at) - at));
  }
  return rows;
}

// Each number is shown by the traces that its line names, or the line says why not; and each row
// of the catalogue stands in the lines of its numbers.
TEST(CheckTest, CoverageNamesATraceForEachDifference) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  const std::map<unsigned, std::string> lines = DifferencesInCoverage();
  std::set<std::pair<unsigned, std::string>> listed;
  unsigned shown = 0;
  for (unsigned number = 1; number <= 80; ++number) {
    ASSERT_EQ(lines.count(number), 1u) << number;
    const std::string& line = lines.at(number);
    const std::vector<std::string> rows = RowsIn(line);
    const bool without = line.find("| outside: ") != std::string::npos ||
                         line.find("| no difference: ") != std::string::npos;
    EXPECT_EQ(rows.empty(), without) << line;
    shown += !rows.empty();
    for (const std::string& id : rows) {
      EXPECT_TRUE(listed.emplace(number, id).second) << line;
      const int row = catalogue.FindRow(id);
      ASSERT_NE(row, -1) << line;
      // The trace differs at a step that is labelled with the row.
      EXPECT_GT(BuiltInChecks()[row].plants, 0u) << id;
      EXPECT_EQ(BuiltInChecks()[row].problems, std::vector<std::string>()) << id;
    }
  }
  EXPECT_EQ(lines.size(), 80u);
  EXPECT_GE(shown, 73u);
  for (const catalogue::Row& row : catalogue.rows()) {
    for (const unsigned number : row.number()) {
      EXPECT_EQ(listed.count({number, row.id()}), 1u) << number << ' ' << row.id();
    }
  }
}

// The table at the end of docs/divergences.md is what the catalogue says.
TEST(CheckTest, DivergencesListsTheRows) {
  std::ifstream document("docs/divergences.md");
  std::istringstream table(RowTable(Catalogue::BuiltIn()));
  const std::string kHow =
      "This writes the table anew:\n  sed -i '/^| no. | row |/,$d' docs/divergences.md &&\n"
      "  ./iovalid catalogue list --format markdown >> docs/divergences.md";
  std::string listed, expected;
  while (std::getline(document, listed) && listed.rfind("| no. | row |", 0) != 0) continue;
  while (std::getline(table, expected)) {
    ASSERT_EQ(listed, expected) << kHow;
    listed.clear();
    std::getline(document, listed);
  }
  EXPECT_TRUE(document.eof() && listed.empty()) << listed << " is of no row.\n" << kHow;
}

TEST(CheckTest, FindsARowThatIsTooWide) {
  EXPECT_TRUE(Contains(ProblemsOf("extension-update-vaddr", "test: \"right.ret == 0\"", ""),
                       "another return value on the right is still explained"));
}

TEST(CheckTest, FindsADeadRow) {
  EXPECT_TRUE(Contains(ProblemsOf("unmap-v1-hole", "\"left.size == 0\"", "\"left.size == 1\""),
                       "step 8 is not explained"));
}

}  // namespace
}  // namespace iovalid::conformance
