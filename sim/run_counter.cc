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

  // The common cases: a range that meets no run, or lies in a run that it takes away. `before` is
  // the only run that can reach into the range from the left.
  const auto before = runs_.AtOrBefore(first);
  const auto after = before ? runs_.Next(before) : runs_.Begin();
  if (delta > 0 && (!before || runs_.last(before) < first) &&
      (!after || runs_.first(after) > last)) {
    AddApart(first, last, static_cast<uint32_t>(delta), before, after);
    return;
  }
  if (delta < 0 && before && runs_.last(before) >= last &&
      runs_.value(before) == static_cast<uint32_t>(-delta)) {
    RemoveFrom(before, first, last);
    return;
  }
  Slow(first, last, delta);
}

void RunCounter::AddApart(uint64_t first, uint64_t last, uint32_t count, Map::Cursor before,
                          Map::Cursor after) {
  const bool joins_before =
      before && runs_.last(before) + 1 == first && runs_.value(before) == count;
  const bool joins_after = after && runs_.first(after) == last + 1 && runs_.value(after) == count;
  if (joins_before && joins_after) {
    const uint64_t start = runs_.first(before);
    const uint64_t end = runs_.last(after);
    runs_.Erase(after);
    runs_.SetLast(runs_.Find(start), end);
  } else if (joins_before) {
    runs_.SetLast(before, last);
  } else if (joins_after) {
    runs_.SetFirst(after, first);
  } else {
    runs_.InsertAfter(before, first, last, count);
  }
}

void RunCounter::RemoveFrom(Map::Cursor run, uint64_t first, uint64_t last) {
  const uint64_t start = runs_.first(run);
  const uint64_t end = runs_.last(run);
  if (start == first && end == last) {
    runs_.Erase(run);
  } else if (start == first) {
    runs_.SetFirst(run, last + 1);
  } else {
    runs_.SetLast(run, first - 1);
    if (end != last) runs_.InsertAfter(run, last + 1, end, runs_.value(run));
  }
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
  // Join what has become equal. Inside the range neighbours that differed still differ, but for
  // what was filled in or emptied.
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
