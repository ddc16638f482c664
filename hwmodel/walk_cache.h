// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_WALK_CACHE_H_
#define IOVALID_HWMODEL_WALK_CACHE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "hwmodel/cow_ptr.h"
#include "hwmodel/iotlb.h"

namespace iovalid::hwmodel {

// The sizes of a format that a table's reach depends on.
struct TableShape {
  uint8_t granule_log2 = 12;
  uint8_t index_bits = 9;

  // Bytes that a table of this level translates, as log2.
  unsigned ReachLog2(unsigned level) const { return granule_log2 + index_bits * level; }
};

// The paging-structure caches (VT-d specification section 6.2.5): where the tables of levels 1 to 3
// are, so that a walk starts at the lowest one that is known. For each level set-associative, four
// ways, round-robin. As in the IOTLB, what is cached holds until it is invalidated.
class WalkCache {
 public:
  struct Table {
    uint64_t address = 0;  // of the table, in bytes
    unsigned level = 0;
    unsigned rights = 0;  // of the levels above it together
  };

  // `sets`: of each level; a power of two, or 0 for no caches.
  explicit WalkCache(unsigned sets) : sets_(sets) {}

  // The lowest table known for `iova`, below the top of `levels`. False where none is.
  bool Find(SpaceId space, TableShape shape, unsigned levels, uint64_t iova, Table* table) const {
    for (unsigned level = 1; level < levels && level <= kLevels; ++level) {
      if (live_[level - 1] == 0) continue;
      const uint64_t tag = Tag(space, iova >> shape.ReachLog2(level));
      const Set& set = read_[SetOf(level, tag)];
      for (unsigned way = 0; way < kWays; ++way) {
        if (set.tag[way] != tag || set.value[way] == 0) continue;
        *table = {set.value[way] & ~uint64_t{0xfff}, level,
                  static_cast<unsigned>(set.value[way] & 3)};
        return true;
      }
    }
    return false;
  }

  void Fill(SpaceId space, TableShape shape, uint64_t iova, const Table& table);

  // What translates any of the 2^size_log2 bytes around `iova`.
  void InvalidateRange(SpaceId space, TableShape shape, uint64_t iova, unsigned size_log2);
  void InvalidateSpace(SpaceId space);
  void InvalidateAll();

  // Live entries.
  unsigned size() const { return live_[0] + live_[1] + live_[2]; }

 private:
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kLevels = 3;
  static constexpr unsigned kSpaceBits = 20;

  struct alignas(64) Set {
    std::array<uint64_t, kWays> tag{};
    std::array<uint64_t, kWays> value{};  // address | 4 | rights; 0: empty
  };
  struct Storage {
    std::vector<Set> sets;
    std::vector<uint8_t> victim;
  };

  static uint64_t Tag(SpaceId space, uint64_t prefix) { return prefix << kSpaceBits | space; }
  unsigned SetOf(unsigned level, uint64_t tag) const {
    const unsigned hash = static_cast<unsigned>((tag >> kSpaceBits) ^ (tag & 0xfffff) * 37);
    return (level - 1) * sets_ + (hash & (sets_ - 1));
  }
  // Empties the ways of sets [first, end) of a level that `match(tag)` holds for.
  template <typename Match>
  void InvalidateSets(unsigned level, unsigned first, unsigned end, Match match);

  unsigned sets_;
  std::array<unsigned, kLevels> live_ = {0, 0, 0};
  Storage& Mutable() {
    Storage& writable = storage_.Mutable();
    read_ = writable.sets.data();
    return writable;
  }
  CowPtr<Storage> storage_;    // null until the first fill
  const Set* read_ = nullptr;  // the sets in storage_, which copies share as well
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_WALK_CACHE_H_
