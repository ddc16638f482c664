// SPDX-License-Identifier: Apache-2.0
#include "ioas/iova_spans.h"

#include <algorithm>

namespace iovalid::ioas {

std::vector<IovaRange> UsedSpans(std::vector<IovaRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const IovaRange& a, const IovaRange& b) { return a.first < b.first; });
  std::vector<IovaRange> spans;
  for (const IovaRange& range : ranges) {
    if (!spans.empty() &&
        (spans.back().last == ~uint64_t{0} || range.first <= spans.back().last + 1)) {
      spans.back().last = std::max(spans.back().last, range.last);
    } else {
      spans.push_back(range);
    }
  }
  return spans;
}

std::vector<IovaRange> Holes(const std::vector<IovaRange>& used) {
  std::vector<IovaRange> holes;
  uint64_t next = 0;
  for (const IovaRange& span : used) {
    if (span.first > next) holes.push_back({next, span.first - 1});
    if (span.last == ~uint64_t{0}) return holes;
    next = span.last + 1;
  }
  holes.push_back({next, ~uint64_t{0}});
  return holes;
}

}  // namespace iovalid::ioas
