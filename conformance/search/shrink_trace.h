// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_SHRINK_TRACE_H_
#define IOVALID_CONFORMANCE_SEARCH_SHRINK_TRACE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/search/world.h"
#include "conformance/side.h"
#include "traces/event_source.h"

namespace iovalid::conformance::search {

// Which difference of a trace is kept.
struct ShrinkGoal {
  // The script's number of the step; none: the first unexplained one, or where there is none the
  // first one that differs.
  std::optional<uint64_t> step;
};

struct ShrunkTrace {
  std::vector<traces::Event> events;  // one sequence
  uint64_t calls = 0, calls_before = 0;
  uint64_t runs = 0;  // programs that were run on the way
  Signature signature;
  Label label;
};

// The shortest program that delta debugging finds whose last call differs as that of the trace does:
// the same signature and the same row, or none. First calls and memory are dropped in pieces of
// halving length until none can be spared, then the fields of each struct become 0, a page or half
// of what they were as long as the difference stays. Events of processes (fork, exec, exit) stay.
// The order is fixed, so that the same trace gives the same result.
//
// NotFound where nothing differs, or the step does not. Errors of the source.
absl::StatusOr<ShrunkTrace> ShrinkTrace(traces::EventSource& source, const Side& left,
                                        const Side& right, const ShrinkGoal& goal);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_SHRINK_TRACE_H_
