// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_ALPHABET_H_
#define IOVALID_CONFORMANCE_SEARCH_ALPHABET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/trace.pb.h"

namespace iovalid::conformance::search {

// Where generated programs start.
enum class Start : uint8_t {
  kOpened,    // container c0, groups g0 and g1 opened, nothing else
  kAttached,  // g0 in c0, SET_IOMMU done with the side's own type
  kReady,     // and device d0 open
  kLimited,   // the same with room for one mapping in a type1 container
};
// Those without a limit.
inline constexpr Start kStarts[] = {Start::kOpened, Start::kAttached, Start::kReady};
std::string_view StartName(Start start);

// The calls up to the start, memory included; they are the set-up and are not counted as calls of a
// reproducer. `iommu_type` is 1 or 3.
std::vector<traces::Event> StartingCalls(Start start, uint32_t iommu_type);

// A concrete call of the search's alphabet.
struct Letter {
  traces::Event event;
  // How often random programs choose it, in relation to others.
  uint32_t weight;
};

// The published alphabet: calls over a small universe (pages around one place, the edges of the
// aperture, the MSI window, the top of the space; each kind of memory; two groups; every flag and
// length that a call looks at). docs/search.md lists it by `iovalid search --alphabet`. The order
// is fixed; letters are only ever appended, so that results can be compared.
const std::vector<Letter>& Alphabet();

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_ALPHABET_H_
