// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iotlb.h"

#include <algorithm>

namespace iovalid::hwmodel {

Iotlb::Iotlb(unsigned sets_4k) {
  constexpr std::array<unsigned, kSizes> kShare = {8, 1, 8, 8, 8, 32, 32};
  for (unsigned size = 0; size < kSizes; ++size) {
    classes_[size].sets = sets_4k == 0 ? 0 : std::max(sets_4k / kShare[size], 1u);
  }
}

bool Iotlb::FindLarge(SpaceId space, uint64_t iova, Entry* entry) const {
  const auto find = [&]<unsigned kSize>() {
    if ((live_classes_ & 1u << kSize) == 0) return false;
    const uint64_t found = FindSize<kSize>(SpaceTag(space), iova);
    if (found == 0) return false;
    constexpr uint64_t kWithin = BitsBelow(kShift[kSize]);
    *entry = {(found & kAddressMask & ~kWithin) | (iova & kWithin), RightsOf(found), kShift[kSize]};
    return true;
  };
  return find.operator()<0>() || find.operator()<2>() || find.operator()<3>() ||
         find.operator()<4>() || find.operator()<5>() || find.operator()<6>();
}

void Iotlb::Fill(SpaceId space, uint64_t iova, uint64_t address, unsigned rights,
                 unsigned size_log2) {
  unsigned size = kSizes - 1;
  while (size > 0 && kShift[size] > size_log2) --size;
  SizeClass& klass = classes_[size];
  if (klass.sets == 0) return;
  if (!klass.storage) {
    klass.storage = CowPtr<Storage>::Make();
    Storage& fresh = klass.storage.Mutable();
    fresh.sets.resize(klass.sets);
    fresh.victim.resize(klass.sets);
  }
  Storage& storage = klass.Mutable();
  const uint64_t tag = Tag(SpaceTag(space), iova, kShift[size]);
  const uint64_t want = SpaceTag(space).want;
  const unsigned index = SetOf(size, tag);
  Set& set = storage.sets[index];

  // The way that holds this page already, else an empty one, else the set's next victim.
  unsigned way = kWays;
  for (unsigned w = 0; w < kWays; ++w) {
    if (set.tag[w] == tag && ((set.value[w] ^ want) & kWantMask) == 0) {
      way = w;
      break;
    }
    if ((set.value[w] & kInUse) == 0 && way == kWays) way = w;
  }
  if (way == kWays) {
    way = storage.victim[index];
    storage.victim[index] = static_cast<uint8_t>((way + 1) % kWays);
  } else if ((set.value[way] & kInUse) == 0) {
    ++klass.live;
    live_classes_ |= 1u << size;
  }
  set.tag[way] = tag;
  set.value[way] = want | (address & kAddressMask & ~BitsBelow(kShift[size])) | rights;
}

template <typename Match>
void Iotlb::InvalidateSets(unsigned size, unsigned first, unsigned end, Match match) {
  SizeClass& klass = classes_[size];
  Storage* writable = nullptr;
  for (unsigned index = first; index < end && klass.live != 0; ++index) {
    for (unsigned way = 0; way < kWays; ++way) {
      const Set& set = klass.read[index];
      if ((set.value[way] & kInUse) == 0 || !match(set, way)) continue;
      if (writable == nullptr) writable = &klass.Mutable();
      writable->sets[index].tag[way] = 0;
      writable->sets[index].value[way] = 0;
      --klass.live;
    }
  }
  if (klass.live == 0) live_classes_ &= ~(1u << size);
}

void Iotlb::InvalidateRange(SpaceId space, uint64_t iova, unsigned size_log2) {
  const uint64_t first = iova & ~BitsBelow(size_log2);
  const uint64_t last = iova | BitsBelow(size_log2);
  const uint64_t low = space & BitsBelow(kSpaceLow);
  const uint64_t want = SpaceTag(space).want;
  for (unsigned classes = live_classes_; classes != 0; classes &= classes - 1) {
    const unsigned size = static_cast<unsigned>(std::countr_zero(classes));
    const uint64_t first_page = first >> kShift[size];
    const uint64_t last_page = last >> kShift[size];
    const unsigned sets = classes_[size].sets;
    auto match = [=](const Set& set, unsigned way) {
      const uint64_t page = set.tag[way] >> kSpaceLow;
      return page >= first_page && page <= last_page && Holds(set, way, low, want);
    };
    if (last_page - first_page >= sets) {
      InvalidateSets(size, 0, sets, match);
      continue;
    }
    for (uint64_t page = first_page; page <= last_page; ++page) {
      const unsigned index = SetOf(size, page << kSpaceLow | low);
      InvalidateSets(size, index, index + 1, match);
    }
  }
}

void Iotlb::InvalidateSpace(SpaceId space) {
  const uint64_t low = space & BitsBelow(kSpaceLow);
  const uint64_t want = SpaceTag(space).want;
  for (unsigned size = 0; size < kSizes; ++size) {
    if (classes_[size].live == 0) continue;
    InvalidateSets(size, 0, classes_[size].sets, [low, want](const Set& set, unsigned way) {
      return Holds(set, way, low, want);
    });
  }
}

void Iotlb::InvalidateAll() {
  for (SizeClass& klass : classes_) {
    klass.live = 0;
    klass.storage.Reset();
    klass.read = nullptr;
  }
  live_classes_ = 0;
}

unsigned Iotlb::size() const {
  unsigned live = 0;
  for (const SizeClass& klass : classes_) live += klass.live;
  return live;
}

}  // namespace iovalid::hwmodel
