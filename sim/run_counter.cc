// SPDX-License-Identifier: Apache-2.0
#include "sim/run_counter.h"

#include <algorithm>
#include <cassert>

namespace iovalid::sim {

uint32_t RunCounter::GetRun(uint64_t key, uint64_t limit, uint64_t* end) const {
  const auto c = runs_.LowerBound(key);
  if (!c || runs_.first(c) > limit) {
    *end = limit;
    return 0;
  }
  if (runs_.first(c) > key) {
    *end = runs_.first(c) - 1;
    return 0;
  }
  *end = std::min(runs_.last(c), limit);
  return runs_.value(c);
}

void RunCounter::Add(uint64_t first, uint64_t n, int32_t delta) {
  if (n == 0 || delta == 0) return;
  const uint64_t last = first + n - 1;
  total_ += static_cast<uint64_t>(static_cast<int64_t>(delta)) * n;

  // The common cases: growing a run at its end, and adding or removing a run of its own.
  const auto before = runs_.AtOrBefore(first);
  if (delta > 0) {
    if (before && runs_.last(before) < first) {
      const auto after = runs_.Next(before);
      const bool room = !after || runs_.first(after) > last;
      const bool joins_after =
          after && runs_.first(after) == last + 1 && runs_.value(after) == static_cast<uint32_t>(delta);
      if (room && !joins_after) {
        if (runs_.last(before) + 1 == first && runs_.value(before) == static_cast<uint32_t>(delta)) {
          runs_.SetLast(before, last);
        } else {
          runs_.Insert(first, last, static_cast<uint32_t>(delta));
        }
        return;
      }
    }
  } else if (before && runs_.value(before) == static_cast<uint32_t>(-delta)) {
    if (runs_.first(before) == first && runs_.last(before) == last) {
      runs_.Erase(before);
      return;
    }
    if (runs_.first(before) == first && runs_.last(before) > last) {
      runs_.SetFirst(before, last + 1);
      return;
    }
    if (runs_.first(before) < first && runs_.last(before) == last) {
      runs_.SetLast(before, first - 1);
      return;
    }
  }
  Slow(first, last, delta);
}

void RunCounter::Slow(uint64_t first, uint64_t last, int32_t delta) {
  // Cut the runs at both ends, so that each run is wholly inside or outside.
  for (const uint64_t cut : {first, last + 1}) {
    if (cut == 0) continue;
    const auto c = runs_.Find(cut);
    if (!c || runs_.first(c) == cut) continue;
    const uint64_t end = runs_.last(c);
    const uint32_t count = runs_.value(c);
    runs_.SetLast(c, cut - 1);
    runs_.Insert(cut, end, count);
  }
  uint64_t at = first;
  for (;;) {
    auto c = runs_.FirstOverlap(at, last);
    if (!c || runs_.first(c) > at) {
      assert(delta > 0);
      const uint64_t end = c ? runs_.first(c) - 1 : last;
      runs_.Insert(at, end, static_cast<uint32_t>(delta));
      if (end == last) break;
      at = end + 1;
      continue;
    }
    const uint64_t end = runs_.last(c);
    assert(delta > 0 || runs_.value(c) >= static_cast<uint32_t>(-delta));
    runs_.mutable_value(c) += static_cast<uint32_t>(delta);
    if (runs_.value(c) == 0) runs_.Erase(c);
    if (end == last) break;
    at = end + 1;
  }
  // Join what has become equal. Inside the range neighbours that differed still differ, but for what
  // was filled in or emptied.
  at = first;
  JoinAt(first);
  while (at < last) {
    const auto c = runs_.LowerBound(at);
    if (!c || runs_.last(c) >= last) break;
    at = runs_.last(c) + 1;
    JoinAt(at);
  }
  if (last + 1 != 0) JoinAt(last + 1);
}

// Joins the run that starts at `key` with the one that ends before it, if they are equal.
void RunCounter::JoinAt(uint64_t key) {
  const auto c = runs_.Find(key);
  if (!c || runs_.first(c) != key) return;
  const auto before = runs_.Prev(c);
  if (!before || runs_.last(before) + 1 != key || runs_.value(before) != runs_.value(c)) return;
  const uint64_t end = runs_.last(c);
  const uint64_t start = runs_.first(before);
  runs_.Erase(c);
  runs_.SetLast(runs_.Find(start), end);
}

}  // namespace iovalid::sim
