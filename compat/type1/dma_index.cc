// SPDX-License-Identifier: Apache-2.0
#include "compat/type1/dma_index.h"

namespace iovalid::compat::type1 {

namespace {
constexpr uint64_t kTop = ~uint64_t{0};
}  // namespace

DmaId DmaIndex::Find(uint64_t start, uint64_t size) const {
  const uint64_t last = start + size - 1;
  if (last < start) return kNoDma;
  // start + size is 0 here for the older kernels: the search goes left at every node.
  if (exclusive_ends_ && last == kTop) return kNoDma;
  const Cursor c = map_.FirstOverlap(start, last);
  // A mapping whose own exclusive end is 0 lies left of every start.
  return !c || Wraps(c) ? kNoDma : map_.value(c);
}

DmaId DmaIndex::FindLast(uint64_t end) const {
  if (!exclusive_ends_) return Find(end, 1);
  // With size 0 the node test is `end <= iova`, so a mapping that starts at `end` itself is missed.
  const Cursor c = map_.Find(end);
  return !c || Wraps(c) || map_.first(c) == end ? kNoDma : map_.value(c);
}

DmaIndex::Cursor DmaIndex::FirstIn(uint64_t first, uint64_t last) const {
  Cursor c = map_.LowerBound(first);
  if (c && Wraps(c)) return Cursor();  // start < iova + size is start < 0
  return c && Within(c, last) ? c : Cursor();
}

bool DmaIndex::Within(Cursor c, uint64_t last) const {
  if (exclusive_ends_ && last == kTop) return false;  // iova >= start + size, which is 0
  return map_.first(c) <= last;
}

}  // namespace iovalid::compat::type1
