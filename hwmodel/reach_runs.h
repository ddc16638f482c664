// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_REACH_RUNS_H_
#define IOVALID_HWMODEL_REACH_RUNS_H_

#include <cstdint>

#include "sim/digest.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

// Consecutive 4 KiB IOVA pages that lead to consecutive frames with the same rights.
struct MappedRun {
  uint64_t iova_page = 0;  // IOVA / 4096
  sim::PageId first = 0;
  uint64_t pages = 0;
  unsigned rights = 0;
};

// Joins pieces that follow one another and hands each maximal run to `sink` (MappedRun). Pieces
// come in ascending order. Flush() ends the last run.
template <typename Sink>
class RunJoiner {
 public:
  explicit RunJoiner(Sink sink) : sink_(sink) {}

  void Add(uint64_t iova_page, sim::PageId first, uint64_t pages, unsigned rights) {
    if (run_.pages != 0 && run_.iova_page + run_.pages == iova_page &&
        run_.first + run_.pages == first && run_.rights == rights) {
      run_.pages += pages;
      return;
    }
    Flush();
    run_ = {iova_page, first, pages, rights};
  }

  void Flush() {
    if (run_.pages == 0) return;
    sink_(run_);
    run_.pages = 0;
  }

 private:
  Sink sink_;
  MappedRun run_;
};

// Keeps a reach digest while entries are written and cleared: one hash a run, not an entry.
struct AddReach {
  sim::Digest* digest;
  void operator()(const MappedRun& run) const {
    *digest += sim::HashReach(run.iova_page, run.first, run.pages, run.rights);
  }
};
struct SubtractReach {
  sim::Digest* digest;
  void operator()(const MappedRun& run) const {
    *digest -= sim::HashReach(run.iova_page, run.first, run.pages, run.rights);
  }
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_REACH_RUNS_H_
