// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_IOTLB_H_
#define IOVALID_HWMODEL_IOTLB_H_

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "hwmodel/cow_ptr.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// What cached translations are tagged with: a number that a unit gives to a domain, or to a PASID
// of a domain.
using SpaceId = uint32_t;
inline constexpr SpaceId kMaxSpaces = (SpaceId{1} << 20) - 1;

// The translation cache (VT-d specification section 6.2.4 "IOTLB"): set-associative, four ways,
// entries of several sizes, replaced round-robin within a set, so that the same requests leave the
// same contents. An entry is served until it is invalidated or replaced, whatever the tables say
// meanwhile: a missing invalidation shows as a stale translation.
//
// Only translations that succeeded are cached. A page of a size that the cache has no entries of
// takes one of the next smaller size around the address asked for. Copies share storage until one
// is filled.
class Iotlb {
 public:
  struct Entry {
    uint64_t address;    // what the address asked for translates to, in bytes
    unsigned rights;     // of all levels together
    unsigned size_log2;  // of the cached page, in bytes
  };

  // How entries of a space are marked. Without a space: as no entry is.
  struct SpaceTag {
    constexpr SpaceTag() = default;
    constexpr explicit SpaceTag(SpaceId space)
        : want(uint64_t{space} >> kSpaceLow << 56 | kInUse),
          low(static_cast<uint32_t>(space & BitsBelow(kSpaceLow))) {}

    uint64_t want = 0;  // in the value
    uint32_t low = 0;   // in the tag
  };

  // `sets_4k`: a power of two, or 0 for a cache that never holds anything. There are an eighth as
  // many sets for other small pages, a 32nd for those of 32 MiB and 1 GiB.
  explicit Iotlb(unsigned sets_4k);

  // `iova` in bytes. False where nothing is cached for it. 4 KiB pages are looked for first.
  bool Find(SpaceId space, uint64_t iova, Entry* entry) const {
    if (const uint64_t small = Find4K(SpaceTag(space), iova); small != 0) {
      *entry = {AddressOf4K(small, iova), RightsOf(small), kShift[k4K]};
      return true;
    }
    return FindOther(space, iova, entry);
  }
  // Among 4 KiB pages alone: 0 where nothing is cached, else what AddressOf4K and RightsOf take.
  uint64_t Find4K(SpaceTag space, uint64_t iova) const {
    return (live_classes_ & 1u << k4K) != 0 ? FindSize<k4K>(space, iova) : 0;
  }
  static uint64_t AddressOf4K(uint64_t found, uint64_t iova) {
    return (found & kAddressMask & ~BitsBelow(12)) | (iova & BitsBelow(12));
  }
  static unsigned RightsOf(uint64_t found) { return static_cast<unsigned>(found & 3); }
  // Among pages of the other sizes.
  bool FindOther(SpaceId space, uint64_t iova, Entry* entry) const {
    return (live_classes_ & ~(1u << k4K)) != 0 && FindLarge(space, iova, entry);
  }

  // `address` is what `iova` translates to, through a page of 2^size_log2 bytes.
  void Fill(SpaceId space, uint64_t iova, uint64_t address, unsigned rights, unsigned size_log2);

  // Page-selective within a space: 2^size_log2 bytes around `iova`.
  void InvalidateRange(SpaceId space, uint64_t iova, unsigned size_log2);
  void InvalidateSpace(SpaceId space);
  void InvalidateAll();

  // Whether it can hold anything.
  bool enabled() const { return classes_[k4K].sets != 0; }
  // Live entries.
  unsigned size() const;

 private:
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kSizes = 7;
  static constexpr unsigned k4K = 1;  // index of that size

  // One cache line. tag: the page number and the low bits of the space. value: the other bits of
  // the space, the address, bit 2 where the way is in use, and the rights.
  struct alignas(64) Set {
    std::array<uint64_t, kWays> tag{};
    std::array<uint64_t, kWays> value{};
  };
  struct Storage {
    std::vector<Set> sets;
    std::vector<uint8_t> victim;  // way that the next fill of a full set replaces
  };
  struct SizeClass {
    unsigned sets = 0;
    unsigned live = 0;
    CowPtr<Storage> storage;  // null until the first fill
    // The sets in `storage`, so that a lookup goes straight there: copies share them as they share
    // the storage.
    const Set* read = nullptr;

    Storage& Mutable() {
      Storage& writable = storage.Mutable();
      read = writable.sets.data();
      return writable;
    }
  };

  // The cached sizes, as log2 of bytes.
  static constexpr std::array<unsigned, kSizes> kShift = {11, 12, 14, 16, 21, 25, 30};
  static constexpr unsigned kSpaceLow = 12;  // bits of the space in a tag
  static constexpr uint64_t kInUse = 4;
  static constexpr uint64_t kAddressMask = BitRange(11, 55);
  static constexpr uint64_t kWantMask = BitRange(56, 63) | kInUse;

  static uint64_t Tag(SpaceTag space, uint64_t iova, unsigned shift) {
    return iova >> shift << kSpaceLow | space.low;
  }
  unsigned SetOf(unsigned size, uint64_t tag) const {
    const unsigned hash = static_cast<unsigned>((tag >> kSpaceLow) ^ (tag & 0xfff) << 4);
    return hash & (classes_[size].sets - 1);
  }
  // Whether a way holds something of the space whose Want this is, and of the low bits.
  static bool Holds(const Set& set, unsigned way, uint64_t low, uint64_t want) {
    return (set.tag[way] & BitsBelow(kSpaceLow)) == low &&
           ((set.value[way] ^ want) & kWantMask) == 0;
  }

  // The value of the way that holds it; 0: none.
  template <unsigned kSize>
  uint64_t FindSize(SpaceTag space, uint64_t iova) const {
    const uint64_t tag = Tag(space, iova, kShift[kSize]);
    const Set& set = classes_[kSize].read[SetOf(kSize, tag)];
    // Way by way with a guess at each is faster here than all ways at once (measured).
    for (unsigned way = 0; way < kWays; ++way) {
      const uint64_t value = set.value[way];
      if (set.tag[way] == tag && ((value ^ space.want) & kWantMask) == 0) return value;
    }
    return 0;
  }
  bool FindLarge(SpaceId space, uint64_t iova, Entry* entry) const;

  // Empties the ways of sets [first, end) that `match(set, way)` holds for.
  template <typename Match>
  void InvalidateSets(unsigned size, unsigned first, unsigned end, Match match);

  std::array<SizeClass, kSizes> classes_;
  unsigned live_classes_ = 0;  // bit s: class s has live entries
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_IOTLB_H_
