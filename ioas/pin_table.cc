// SPDX-License-Identifier: Apache-2.0
#include "ioas/pin_table.h"

#include <algorithm>

namespace iovalid::ioas {

void PinTable::AddUser(PagesId pages, uint64_t first, uint64_t last, User user,
                       const std::vector<PinnedFrames>& added) {
  const uint64_t from = Key(pages, first);
  const uint64_t to = Key(pages, last);
  Cut(from);
  Cut(to + 1);
  for (auto c = runs_.LowerBound(from); c && runs_.first(c) <= to; c = runs_.Next(c)) {
    Run& run = runs_.mutable_value(c);
    ++(user == User::kArea ? run.areas : run.accesses);
  }
  for (const PinnedFrames& frames : added) {
    const uint64_t key = Key(pages, frames.index);
    runs_.Insert(key, key + frames.pages - 1,
                 Run{frames.first, user == User::kArea ? 1u : 0u, user == User::kAccess ? 1u : 0u});
  }
  Join(from);
  Join(to + 1);
}

void PinTable::RemoveUser(PagesId pages, uint64_t first, uint64_t last, User user,
                          std::vector<PinnedFrames>* released) {
  const uint64_t from = Key(pages, first);
  const uint64_t to = Key(pages, last);
  Cut(from);
  Cut(to + 1);
  for (auto c = runs_.LowerBound(from); c && runs_.first(c) <= to;) {
    Run& run = runs_.mutable_value(c);
    --(user == User::kArea ? run.areas : run.accesses);
    if (run.areas != 0 || run.accesses != 0) {
      c = runs_.Next(c);
      continue;
    }
    released->push_back(
        {runs_.first(c) - Key(pages, 0), run.first, runs_.last(c) - runs_.first(c) + 1});
    c = runs_.EraseAndNext(c);
  }
  Join(from);
  Join(to + 1);
}

bool PinTable::Find(PagesId pages, uint64_t index, uint64_t last, PinnedFrames* run) const {
  const uint64_t from = Key(pages, index);
  const uint64_t to = Key(pages, last);
  const auto c = runs_.LowerBound(from);
  if (!c || runs_.first(c) > from) {
    const uint64_t end = c ? std::min(runs_.first(c) - 1, to) : to;
    *run = {index, 0, end - from + 1};
    return false;
  }
  *run = {index, runs_.value(c).first + (from - runs_.first(c)),
          std::min(runs_.last(c), to) - from + 1};
  return true;
}

// Makes `key` the first of its run.
void PinTable::Cut(uint64_t key) {
  const auto c = runs_.Find(key);
  if (!c || runs_.first(c) == key) return;
  Run right = runs_.value(c);
  right.first += key - runs_.first(c);
  const uint64_t last = runs_.last(c);
  runs_.SetLast(c, key - 1);
  runs_.Insert(key, last, right);
}

// Undoes a cut where both sides are the same again.
void PinTable::Join(uint64_t key) {
  const auto right = runs_.Find(key);
  if (!right || runs_.first(right) != key) return;
  const auto left = runs_.Prev(right);
  if (!left || runs_.last(left) + 1 != key) return;
  if (runs_.first(left) >> kIndexBits != key >> kIndexBits) return;
  const Run& l = runs_.value(left);
  const Run& r = runs_.value(right);
  if (l.areas != r.areas || l.accesses != r.accesses) return;
  if (l.first + (key - runs_.first(left)) != r.first) return;
  const uint64_t last = runs_.last(right);
  runs_.Erase(right);
  runs_.SetLast(runs_.Find(key - 1), last);
}

}  // namespace iovalid::ioas
