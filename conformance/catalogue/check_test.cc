// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "conformance/catalogue/built_in.h"

namespace iovalid::conformance {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

TEST(CheckTest, EveryRowIsSound) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  EXPECT_GE(catalogue.rows().size(), 60u);
  for (const RowCheck& check : CheckCatalogue(catalogue, BuiltInCatalogueTraces())) {
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
