// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_RESERVED_IOVA_H_
#define IOVALID_IOAS_RESERVED_IOVA_H_

#include <cstdint>
#include <vector>

#include "ioas/iova_spans.h"
#include "sim/digest.h"

namespace iovalid::ioas {

// Who reserved an IOVA range: a device (its reserved regions) or a domain (what lies outside its
// aperture). Opaque, unique among the owners of one IOAS.
using OwnerToken = uint64_t;

// The reserved IOVA ranges of an IOAS (io_pagetable::reserved_itree), each tagged with its owner.
// Ranges of different owners may overlap or be the same.
class ReservedIova {
 public:
  ReservedIova();

  // [first, last] in bytes, inclusive.
  void Add(uint64_t first, uint64_t last, OwnerToken owner);
  // Takes out all ranges of `owner`.
  void RemoveOwner(OwnerToken owner);

  bool Overlaps(uint64_t first, uint64_t last) const;

  // Merged, ascending.
  const std::vector<IovaRange>& used() const { return used_; }
  // What is left of the 64-bit space, ascending: the ranges that a program is told it may use.
  const std::vector<IovaRange>& holes() const { return holes_; }
  // Sum of sim::HashRange over holes().
  const sim::Digest& holes_digest() const { return holes_digest_; }

  bool empty() const { return entries_.empty(); }
  // Digest of the tagged ranges, whatever the order in which they came.
  sim::Digest IdentityDigest() const;

 private:
  struct Entry {
    IovaRange range;
    OwnerToken owner;
  };

  void Refresh();

  std::vector<Entry> entries_;
  std::vector<IovaRange> used_;
  std::vector<IovaRange> holes_;
  sim::Digest holes_digest_;
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_RESERVED_IOVA_H_
