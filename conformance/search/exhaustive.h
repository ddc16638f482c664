// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_
#define IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_

#include <cstdint>
#include <functional>

#include "conformance/search/findings.h"
#include "conformance/search/world.h"

namespace iovalid::conformance::search {

struct ExhaustiveOptions {
  size_t depth = 2;  // calls after the set-up
  // Of the programs' first letters, those whose number leaves `shard` when divided by `shards`.
  size_t shard = 0, shards = 1;
};

struct ExhaustiveResult {
  uint64_t sequences = 0;  // programs run, each with one call more than one that was run before
  uint64_t states = 0;     // different pairs of states that were gone on from
  uint64_t merged = 0;     // programs that ended in a state that was known
  Findings findings;
};

// Every program of up to `depth` letters from every root. Two programs that leave both machines
// with the same identity digest (and the same memory) have the same future: the shorter one, or the
// one that comes first, stands for both. So what is not found here does not happen within `depth`
// calls of the alphabet. `progress` gets (done, of) now and then.
ExhaustiveResult SearchExhaustively(const World& world, const ExhaustiveOptions& options,
                                    const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_
