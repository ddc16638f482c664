// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_
#define IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "conformance/search/findings.h"
#include "conformance/search/world.h"

namespace iovalid::conformance::search {

struct ExhaustiveOptions {
  size_t depth = 2;  // calls after the set-up
  // Of the programs' first letters, those whose number leaves `shard` when divided by `shards`.
  size_t shard = 0, shards = 1;
  unsigned jobs = 1;  // threads; the result is the same for any number
};

// How far an exhaustive search is, and what it found. A value that can be stored in between.
struct ExhaustiveProgress {
  uint64_t sequences = 0;  // programs run, each with one call more than one that was run before
  uint64_t states = 0;     // different pairs of states that were gone on from
  uint64_t merged = 0;     // programs that ended in a state that was known
  Findings findings;

  // A program that is gone on from.
  struct Path {
    std::vector<uint16_t> letters;
    uint64_t memory = 0;  // stands for what it did to its memory
  };
  using StateKey = std::pair<uint64_t, uint64_t>;

  size_t root = 0;   // that is searched now; the number of roots: all are done
  size_t depth = 0;  // of the programs that `level` makes; 0: the root is not begun
  std::vector<Path> level, next;
  size_t done = 0;  // paths of `level`
  absl::flat_hash_set<StateKey> known;
};

// Every program of up to `depth` letters from every root. Two programs that leave both machines
// with the same identity digest (and the same memory) have the same future: the shorter one, or the
// one that comes first, stands for both. So what is not found here does not happen within `depth`
// calls of the alphabet.
//
// `*progress` is where to begin, and afterwards the result. `go_on` is called between batches and
// may store it; where it returns false the search ends there.
void SearchExhaustively(const World& world, const ExhaustiveOptions& options,
                        ExhaustiveProgress* progress,
                        const std::function<bool(const ExhaustiveProgress&)>& go_on);

// Stores progress in a file, and reads it. The file is replaced in one piece. InvalidArgument for a
// file that is none, is damaged, or belongs to a search of other sides, alphabet, depth or shard.
absl::Status StoreProgress(const World& world, const ExhaustiveOptions& options,
                           const ExhaustiveProgress& progress, const std::string& file);
absl::Status LoadProgress(const World& world, const ExhaustiveOptions& options,
                          const std::string& file, ExhaustiveProgress* progress);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_EXHAUSTIVE_H_
