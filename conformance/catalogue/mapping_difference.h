// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_
#define IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_

#include <cstdint>
#include <vector>

#include "compat/observation.h"

namespace iovalid::conformance {

// Which IOVAs are mapped differently on both sides, and what brought that about. A mapping that
// only one side has, or that has other ends or rights there or is in another space, differs over all of
// its extent.
template <typename Cause>
class MappingDifference {
 public:
  struct Range {
    uint64_t first, last;  // IOVA, inclusive
    Cause cause;
  };

  void Clear() { ranges_.clear(); }
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

  // The cause of the lowest differing range that meets [first, last]; null if there is none.
  const Cause* FindIn(uint64_t first, uint64_t last) const {
    for (const Range& range : ranges_) {
      if (range.first <= last && range.last >= first) return &range.cause;
    }
    return nullptr;
  }

  // The mappings of both sides after a call, each ascending. What differed before keeps its cause,
  // what is new gets `cause`.
  void Update(const std::vector<compat::StateSnapshot::Mapping>& left,
              const std::vector<compat::StateSnapshot::Mapping>& right, const Cause& cause) {
    fresh_.clear();
    const auto less = [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      if (a.last != b.last) return a.last < b.last;
      if (a.rights != b.rights) return a.rights < b.rights;
      return a.space < b.space;
    };
    size_t l = 0, r = 0;
    while (l < left.size() || r < right.size()) {
      if (r == right.size() || (l < left.size() && less(left[l], right[r]))) {
        Add(left[l++], cause);
      } else if (l == left.size() || less(right[r], left[l])) {
        Add(right[r++], cause);
      } else {
        ++l;
        ++r;
      }
    }
    ranges_.swap(fresh_);
  }

 private:
  // Where the mapping differed already, it keeps the cause of the lowest such range.
  void Add(const compat::StateSnapshot::Mapping& mapping, const Cause& cause) {
    const Cause* old = FindIn(mapping.first, mapping.last);
    fresh_.push_back({mapping.first, mapping.last, old != nullptr ? *old : cause});
  }

  std::vector<Range> ranges_, fresh_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_
