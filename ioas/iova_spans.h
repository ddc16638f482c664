// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_IOVA_SPANS_H_
#define IOVALID_IOAS_IOVA_SPANS_H_

#include <cstdint>
#include <vector>

namespace iovalid::ioas {

// A closed range of IOVAs in bytes.
struct IovaRange {
  uint64_t first;
  uint64_t last;

  friend bool operator==(const IovaRange&, const IovaRange&) = default;
};

inline bool Overlaps(const IovaRange& a, uint64_t first, uint64_t last) {
  return a.first <= last && a.last >= first;
}

// Ascending ranges, no two of which overlap or touch, that cover what `ranges` (in any order)
// cover: the used spans that interval_tree_for_each_span visits.
std::vector<IovaRange> UsedSpans(std::vector<IovaRange> ranges);

// The gaps that the ascending, disjoint `used` leaves in the 64-bit space, ascending.
std::vector<IovaRange> Holes(const std::vector<IovaRange>& used);

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_IOVA_SPANS_H_
