// SPDX-License-Identifier: Apache-2.0
#include "ioas/reserved_iova.h"

#include <algorithm>

#include "sim/state_hash.h"

namespace iovalid::ioas {

ReservedIova::ReservedIova() { Refresh(); }

void ReservedIova::Add(uint64_t first, uint64_t last, OwnerToken owner) {
  entries_.push_back({{first, last}, owner});
  Refresh();
}

void ReservedIova::RemoveOwner(OwnerToken owner) {
  const auto end = std::remove_if(entries_.begin(), entries_.end(),
                                  [owner](const Entry& e) { return e.owner == owner; });
  if (end == entries_.end()) return;
  entries_.erase(end, entries_.end());
  Refresh();
}

bool ReservedIova::Overlaps(uint64_t first, uint64_t last) const {
  for (const IovaRange& span : used_) {
    if (span.first > last) return false;
    if (span.last >= first) return true;
  }
  return false;
}

sim::Digest ReservedIova::IdentityDigest() const {
  sim::Digest digest;
  for (const Entry& e : entries_) {
    digest += sim::HashWords(/*tag=*/0x7265, e.range.first, e.range.last, e.owner);
  }
  return digest;
}

void ReservedIova::Refresh() {
  std::vector<IovaRange> ranges;
  ranges.reserve(entries_.size());
  for (const Entry& e : entries_) ranges.push_back(e.range);
  used_ = UsedSpans(std::move(ranges));
  holes_ = Holes(used_);
  holes_digest_ = {};
  for (const IovaRange& hole : holes_) holes_digest_ += sim::HashRange(hole.first, hole.last);
}

}  // namespace iovalid::ioas
