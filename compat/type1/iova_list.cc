// SPDX-License-Identifier: Apache-2.0
#include "compat/type1/iova_list.h"

#include <algorithm>
#include <cstddef>

namespace iovalid::compat::type1 {

bool IovaList::Allows(uint64_t first, uint64_t last) const {
  return empty() || std::any_of(ranges_.begin(), ranges_.end(), [&](const IovaRange& r) {
           return first >= r.first && last <= r.last;
         });
}

void IovaList::NarrowTo(uint64_t first, uint64_t last) {
  if (empty()) {
    ranges_.push_back({first, last});
    return;
  }
  // The kernel compares with `start < end` of a range when it looks for the first to keep, so a range
  // that ends exactly at the new start is dropped, byte and all.
  while (!empty()) {
    IovaRange& front = ranges_.front();
    if (first < front.first) break;
    if (first < front.last) {
      front.first = first;
      break;
    }
    ranges_.erase(ranges_.begin());
  }
  for (size_t i = 0; i < ranges_.size();) {
    IovaRange& r = ranges_[i];
    if (last > r.last) {
      ++i;
    } else if (last > r.first) {
      r.last = last;
      ++i;
    } else {
      ranges_.erase(ranges_.begin() + static_cast<ptrdiff_t>(i));
    }
  }
}

void IovaList::MoveEndsTo(uint64_t first, uint64_t last) {
  if (empty()) return;
  ranges_.front().first = first;
  ranges_.back().last = last;
}

void IovaList::Exclude(uint64_t first, uint64_t last) {
  std::vector<IovaRange> kept;
  kept.reserve(ranges_.size() + 1);
  for (const IovaRange& r : ranges_) {
    if (first > r.last || last < r.first) {
      kept.push_back(r);
      continue;
    }
    if (first > r.first) kept.push_back({r.first, first - 1});
    if (last < r.last) kept.push_back({last + 1, r.last});
  }
  ranges_ = std::move(kept);
}

}  // namespace iovalid::compat::type1
