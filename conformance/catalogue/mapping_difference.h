// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_
#define IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_

#include <algorithm>
#include <cstddef>
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
    uint32_t space;        // as StateSnapshot::Mapping's
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

  // Compares the mappings of both sides after a call, each ascending. Returns how many differ now
  // and did not before.
  size_t Compare(const std::vector<compat::StateSnapshot::Mapping>& left,
                 const std::vector<compat::StateSnapshot::Mapping>& right) {
    fresh_.clear();
    known_.clear();
    const auto less = [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      if (a.last != b.last) return a.last < b.last;
      if (a.rights != b.rights) return a.rights < b.rights;
      return a.space < b.space;
    };
    size_t l = 0, r = 0;
    while (l < left.size() || r < right.size()) {
      if (r == right.size() || (l < left.size() && less(left[l], right[r]))) {
        Add(left[l++]);
      } else if (l == left.size() || less(right[r], left[l])) {
        Add(right[r++]);
      } else {
        ++l;
        ++r;
      }
    }
    return static_cast<size_t>(std::count(known_.begin(), known_.end(), false));
  }

  // Takes what Compare found. What differed before keeps its cause, what is new gets `cause`.
  void Update(const Cause& cause) {
    for (size_t i = 0; i < fresh_.size(); ++i) {
      if (!known_[i]) fresh_[i].cause = cause;
    }
    ranges_.swap(fresh_);
  }

 private:
  // Where the mapping differed already, it keeps the cause of the lowest such range.
  void Add(const compat::StateSnapshot::Mapping& mapping) {
    const auto old = std::find_if(ranges_.begin(), ranges_.end(), [&](const Range& range) {
      return range.first <= mapping.last && range.last >= mapping.first &&
             range.space == mapping.space;
    });
    known_.push_back(old != ranges_.end());
    fresh_.push_back({mapping.first, mapping.last, mapping.space,
                      old != ranges_.end() ? old->cause : Cause()});
  }

  std::vector<Range> ranges_, fresh_;
  std::vector<bool> known_;  // of fresh_: whether it differed before
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_MAPPING_DIFFERENCE_H_
