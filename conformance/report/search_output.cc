// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/search_output.h"

#include <charconv>
#include <initializer_list>

#include "absl/status/status.h"
#include "conformance/printable.h"

namespace iovalid::conformance::report {
namespace {

// Takes each piece off the front of `text`, and a number after it where there is a place for one.
bool Scan(std::string_view text,
          std::initializer_list<std::pair<std::string_view, uint64_t*>> pieces) {
  for (const auto& [piece, number] : pieces) {
    if (text.substr(0, piece.size()) != piece) return false;
    text.remove_prefix(piece.size());
    if (number == nullptr) continue;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  return true;
}

}  // namespace

absl::StatusOr<SearchFigures> ParseSearchOutput(const std::string& file, std::string_view text) {
  SearchFigures figures;
  figures.name = Printable(file);
  bool found = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    uint64_t median = 0;
    if (Scan(line, {{"shortest reproducers: median ", &median}})) figures.median = median;
    if (Scan(line, {{"search: ", &figures.sequences},
                    {" sequences, ", &figures.distinct},
                    {" distinct divergences (", &figures.explained},
                    {" explained, ", &figures.unexplained},
                    {" unexplained)", nullptr}})) {
      found = true;
    }
  }
  if (!found) {
    return absl::InvalidArgumentError(figures.name +
                                      ": this is no output of `iovalid search`: it has no line "
                                      "\"search: N sequences, ...\"");
  }
  return figures;
}

}  // namespace iovalid::conformance::report
