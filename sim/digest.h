// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_DIGEST_H_
#define IOVALID_SIM_DIGEST_H_

#include <cstdint>
#include <string>

namespace iovalid::sim {

// A 128-bit digest of a multiset, as a sum: equal multisets have equal digests, adding and taking
// away an element are exact inverses, and the difference of two digests says how two sets differ
// whatever they have in common. Arithmetic is component-wise modulo the prime 2^61 - 1, on two
// independent lanes.
struct Digest {
  uint64_t lane[2] = {0, 0};

  Digest& operator+=(const Digest& o);
  Digest& operator-=(const Digest& o);
  friend Digest operator+(Digest a, const Digest& b) { return a += b; }
  friend Digest operator-(Digest a, const Digest& b) { return a -= b; }
  friend bool operator==(const Digest&, const Digest&) = default;

  bool zero() const { return lane[0] == 0 && lane[1] == 0; }
  // 32 hexadecimal digits.
  std::string ToString() const;
};

// The digest of one element that is described by up to four words. Order matters; `tag` separates
// kinds of elements. Never zero for practical purposes.
Digest HashWords(uint64_t tag, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0);

// The multiset as the part of that number of a larger one: what one part has more does not make up for
// what another lacks. Sums and differences of a part are those of the multiset; part 0 is itself.
Digest DigestOfPart(const Digest& digest, uint32_t part);

// The digest of the page set {(iova_page + k, first + k, rights) : 0 <= k < pages}: what a device
// reaches through these entries. It is the sum of its single pages' digests, however the range is
// cut (the terms of a run telescope: only its two ends cost anything). Two sets of pages differ in
// the ends of their maximal runs, and each end has a pseudo-random value in either lane.
// `iova_page` is IOVA / 4096. `rights`: bit 0 read, bit 1 write.
Digest HashReach(uint64_t iova_page, uint64_t first, uint64_t pages, unsigned rights);

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_DIGEST_H_
