// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/row_table.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"

namespace iovalid::conformance {

std::string SideText(const catalogue::Side& side) {
  std::string out = side.mode().empty() ? "any" : side.mode();
  if (!side.first_kernel().empty()) out += " from " + side.first_kernel();
  if (!side.last_kernel().empty()) out += " up to " + side.last_kernel();
  return out;
}

std::string RowTable(const Catalogue& catalogue) {
  std::vector<const catalogue::Row*> rows;
  for (const catalogue::Row& row : catalogue.rows()) rows.push_back(&row);
  const auto place = [](const catalogue::Row* row) {
    return std::tuple(row->number().empty() ? UINT32_MAX : row->number(0), row->id());
  };
  std::sort(rows.begin(), rows.end(),
            [&](const auto* a, const auto* b) { return place(a) < place(b); });
  std::string out =
      "| no. | row | what differs | class | left; right | users |\n"
      "|---|---|---|---|---|---|\n";
  for (const catalogue::Row* row : rows) {
    out += fmt::format(
        "| {0} | [{1}](../conformance/catalogue/traces/{1}.textproto) | {2} | {3} | {4}; {5} | {6} "
        "|\n",
        absl::StrJoin(row->number(), ", "), row->id(),
        absl::StrReplaceAll(row->title(), {{"|", "\\|"}}), ClassName(row->class_()),
        SideText(row->left()), SideText(row->right()), absl::StrJoin(row->problem(), ", "));
  }
  return out;
}

}  // namespace iovalid::conformance
