// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_STATE_HASH_H_
#define IOVALID_SIM_STATE_HASH_H_

#include <cstdint>

#include "sim/digest.h"

namespace iovalid::sim {

// Elements of the compared state. Models that are compared with one another build their digests from
// these, so that the same state has the same digest on both.

// A mapping of the IOVAs [first, last] (bytes, inclusive); `rights`: bit 0 read, bit 1 write.
inline Digest HashMapping(uint64_t first, uint64_t last, unsigned rights) {
  return HashWords(/*tag=*/1, first, last, rights);
}

// A usable IOVA range [first, last] (bytes, inclusive).
inline Digest HashRange(uint64_t first, uint64_t last) { return HashWords(/*tag=*/2, first, last); }

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_STATE_HASH_H_
