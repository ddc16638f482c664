// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_RANDOM_SEARCH_H_
#define IOVALID_CONFORMANCE_SEARCH_RANDOM_SEARCH_H_

#include <cstdint>
#include <functional>

#include "conformance/search/findings.h"
#include "conformance/search/world.h"

namespace iovalid::conformance::search {

struct RandomOptions {
  uint64_t seed = 1;
  // Which sequences this searcher runs: those whose number leaves `first` when divided by `stride`.
  uint64_t first = 0, stride = 1;
  // kBlind: neither the programs nor what counts as new depend on the catalogue. kCatalogue: each
  // difference is labelled where it is found, and each that no row explains counts as new.
  Guidance guidance = Guidance::kBlind;
  // Programs longer than this end.
  size_t max_calls = 24;
};

// Runs random programs, each from a root by turns, until `stop` (asked after each program with the
// number of programs so far) says so. The first program with a new signature is shrunk. Neither the
// programs nor what counts as new depend on the catalogue.
struct RandomResult {
  uint64_t sequences = 0, calls = 0;
  Findings findings;
};
RandomResult SearchAtRandom(const World& world, const RandomOptions& options,
                            const std::function<bool(uint64_t sequences)>& stop);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_RANDOM_SEARCH_H_
