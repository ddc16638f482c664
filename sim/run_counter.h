// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_RUN_COUNTER_H_
#define IOVALID_SIM_RUN_COUNTER_H_

#include <cstdint>

#include "sim/extent_map.h"

namespace iovalid::sim {

// A counter for each 64-bit number, kept as runs of equal non-zero counts: adding to a long range
// costs as much as the number of different counts in it. Equal counters have equal runs, however
// they came about.
class RunCounter {
 public:
  // Adds `delta` to the counters of [first, first + n), n > 0, which must not wrap or go below
  // zero.
  void Add(uint64_t first, uint64_t n, int32_t delta);

  uint32_t Get(uint64_t key) const {
    const auto c = runs_.Find(key);
    return c ? runs_.value(c) : 0;
  }

  // The counter at `key`, and in `end` the last number up to `limit` with the same count in
  // between.
  uint32_t GetRun(uint64_t key, uint64_t limit, uint64_t* end) const;

  // The sum of all counters.
  uint64_t total() const { return total_; }
  size_t runs() const { return runs_.size(); }

  // Calls fn(first, n, count) for each maximal run of equal non-zero counts, ascending.
  template <typename Fn>
  void ForEach(Fn fn) const {
    for (auto c = runs_.Begin(); c; c = runs_.Next(c)) {
      fn(runs_.first(c), runs_.last(c) - runs_.first(c) + 1, runs_.value(c));
    }
  }

 private:
  using Map = ExtentMap<uint32_t>;

  // Adds a run that meets no other; `before` and `after` are its neighbours, where there are any.
  void AddApart(uint64_t first, uint64_t last, uint32_t count, Map::Cursor before,
                Map::Cursor after);
  // Sets counters to zero that all lie in `run`.
  void RemoveFrom(Map::Cursor run, uint64_t first, uint64_t last);
  void Slow(uint64_t first, uint64_t last, int32_t delta);
  void JoinAt(uint64_t key);

  Map runs_;
  uint64_t total_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_RUN_COUNTER_H_
