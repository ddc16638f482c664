// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_IOTLB_H_
#define IOVALID_HWMODEL_IOTLB_H_

#include <array>
#include <cstdint>
#include <vector>

#include "hwmodel/access.h"
#include "hwmodel/cow_ptr.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

// The translation cache (specification section 6.2.4 "IOTLB"): set-associative, four ways, entries
// of 4 KiB, 2 MiB and 1 GiB tagged by domain, replaced round-robin within a set, so that the same
// requests leave the same contents. An entry is served until it is invalidated or replaced,
// whatever the tables say meanwhile: a missing invalidation shows as a stale translation.
//
// Only translations that succeeded are cached. Copies share storage until one is filled.
class Iotlb {
 public:
  struct Entry {
    sim::PageId page;    // the frame of the 4 KiB page asked for
    unsigned rights;     // of all levels together
    unsigned size_log2;  // of the cached page, in bytes: 12, 21 or 30
  };

  // `sets_4k`: a power of two. There are an eighth as many sets for 2 MiB, a 32nd for 1 GiB.
  explicit Iotlb(unsigned sets_4k);

  // `iova` in bytes, below 2^57. False where nothing is cached for it.
  bool Find(DomainId domain, uint64_t iova, Entry* entry) const {
    for (unsigned size = 0; size < kSizes; ++size) {
      if (live_[size] == 0) continue;
      const unsigned shift = kShift[size];
      const uint64_t tag = Tag(domain, iova, shift);
      const Set& set = storage_->sets[SetOf(size, tag)];
      // Way by way with a guess at each is faster here than all ways at once (measured).
      for (unsigned way = 0; way < kWays; ++way) {
        if (set.tag[way] != tag) continue;
        const uint64_t value = set.value[way];
        const uint64_t within = iova >> kShift[0] & ((uint64_t{1} << (shift - kShift[0])) - 1);
        *entry = {(value >> kShift[0]) + within, static_cast<unsigned>(value & 3), shift};
        return true;
      }
    }
    return false;
  }

  // `first` is the frame of the start of the page of 2^size_log2 bytes (12, 21, 30) around `iova`.
  void Fill(DomainId domain, uint64_t iova, sim::PageId first, unsigned rights, unsigned size_log2);

  // Page-selective within a domain: 2^pages_log2 pages of 4 KiB around `iova`.
  void InvalidatePages(DomainId domain, uint64_t iova, unsigned pages_log2);
  void InvalidateDomain(DomainId domain);
  void InvalidateAll();

  // Live entries.
  unsigned size() const { return live_[0] + live_[1] + live_[2]; }

 private:
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kSizes = 3;

  // One cache line: tags (0 = empty) and what they translate to (page * 4096 | rights).
  struct alignas(64) Set {
    std::array<uint64_t, kWays> tag{};
    std::array<uint64_t, kWays> value{};
  };
  struct Storage {
    std::vector<Set> sets;        // of the three sizes, one after another
    std::vector<uint8_t> victim;  // way that the next fill of a full set replaces
  };

  // The cached sizes, as log2 of bytes.
  static constexpr std::array<unsigned, kSizes> kShift = {12, 21, 30};
  // Bits of the page number in a tag: IOVAs have up to 57 bits. The domain stands above them.
  static constexpr unsigned kPageBits = 45;

  // Bit w is set where way w of the set holds `tag`.
  static unsigned WaysWith(const Set& set, uint64_t tag) {
    unsigned ways = 0;
    for (unsigned way = 0; way < kWays; ++way) ways |= unsigned{set.tag[way] == tag} << way;
    return ways;
  }

  // Never 0.
  static uint64_t Tag(DomainId domain, uint64_t iova, unsigned shift) {
    return (uint64_t{domain} + 1) << kPageBits | iova >> shift;
  }
  static DomainId DomainOf(uint64_t tag) { return static_cast<DomainId>((tag >> kPageBits) - 1); }
  unsigned SetOf(unsigned size, uint64_t tag) const {
    const unsigned hash = static_cast<unsigned>(tag ^ (tag >> kPageBits) * 37);
    return first_set_[size] + (hash & mask_[size]);
  }

  // Empties the ways of [first, end) sets that `match(tag)` holds for.
  template <typename Match>
  void InvalidateSets(unsigned size, unsigned first, unsigned end, Match match);

  std::array<unsigned, kSizes> first_set_;
  std::array<unsigned, kSizes> mask_;
  unsigned all_sets_;
  std::array<unsigned, kSizes> live_ = {0, 0, 0};
  CowPtr<Storage> storage_;  // null until the first fill
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_IOTLB_H_
