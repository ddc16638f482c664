// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_SEARCH_OUTPUT_H_
#define IOVALID_CONFORMANCE_REPORT_SEARCH_OUTPUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace iovalid::conformance::report {

// The figures that `iovalid search` ends with.
struct SearchFigures {
  std::string name;  // of the file, printable
  uint64_t sequences = 0, distinct = 0, explained = 0, unexplained = 0;
  std::optional<uint64_t> median;  // calls of the shortest reproducers, where it is told
};

// Of what the command printed. InvalidArgument where there is no line "search: ...".
absl::StatusOr<SearchFigures> ParseSearchOutput(const std::string& file, std::string_view text);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_SEARCH_OUTPUT_H_
