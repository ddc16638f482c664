// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/walk_cache.h"

namespace iovalid::hwmodel {

void WalkCache::Fill(SpaceId space, TableShape shape, uint64_t iova, const Table& table) {
  if (sets_ == 0 || table.level == 0 || table.level > kLevels) return;
  if (!storage_) {
    storage_ = CowPtr<Storage>::Make();
    Storage& fresh = storage_.Mutable();
    fresh.sets.resize(size_t{sets_} * kLevels);
    fresh.victim.resize(size_t{sets_} * kLevels);
  }
  Storage& storage = Mutable();
  const uint64_t tag = Tag(space, iova >> shape.ReachLog2(table.level));
  const unsigned index = SetOf(table.level, tag);
  Set& set = storage.sets[index];
  unsigned way = kWays;
  for (unsigned w = 0; w < kWays; ++w) {
    if (set.tag[w] == tag && set.value[w] != 0) {
      way = w;
      break;
    }
    if (set.value[w] == 0 && way == kWays) way = w;
  }
  if (way == kWays) {
    way = storage.victim[index];
    storage.victim[index] = static_cast<uint8_t>((way + 1) % kWays);
  } else if (set.value[way] == 0) {
    ++live_[table.level - 1];
  }
  set.tag[way] = tag;
  set.value[way] = (table.address & ~uint64_t{0xfff}) | 4 | table.rights;
}

template <typename Match>
void WalkCache::InvalidateSets(unsigned level, unsigned first, unsigned end, Match match) {
  Storage* writable = nullptr;
  for (unsigned index = first; index < end && live_[level - 1] != 0; ++index) {
    for (unsigned way = 0; way < kWays; ++way) {
      const Set& set = read_[index];
      if (set.value[way] == 0 || !match(set.tag[way])) continue;
      if (writable == nullptr) writable = &Mutable();
      writable->sets[index].value[way] = 0;
      --live_[level - 1];
    }
  }
}

void WalkCache::InvalidateRange(SpaceId space, TableShape shape, uint64_t iova,
                                unsigned size_log2) {
  const uint64_t first = iova & ~BitsBelow(size_log2);
  const uint64_t last = iova | BitsBelow(size_log2);
  for (unsigned level = 1; level <= kLevels; ++level) {
    if (live_[level - 1] == 0) continue;
    const uint64_t first_prefix = first >> shape.ReachLog2(level);
    const uint64_t last_prefix = last >> shape.ReachLog2(level);
    auto match = [=](uint64_t tag) {
      return (tag & BitsBelow(kSpaceBits)) == space && tag >> kSpaceBits >= first_prefix &&
             tag >> kSpaceBits <= last_prefix;
    };
    if (last_prefix - first_prefix >= sets_) {
      InvalidateSets(level, (level - 1) * sets_, level * sets_, match);
      continue;
    }
    for (uint64_t prefix = first_prefix; prefix <= last_prefix; ++prefix) {
      const unsigned index = SetOf(level, Tag(space, prefix));
      InvalidateSets(level, index, index + 1, match);
    }
  }
}

void WalkCache::InvalidateSpace(SpaceId space) {
  for (unsigned level = 1; level <= kLevels; ++level) {
    InvalidateSets(level, (level - 1) * sets_, level * sets_,
                   [space](uint64_t tag) { return (tag & BitsBelow(kSpaceBits)) == space; });
  }
}

void WalkCache::InvalidateAll() {
  live_ = {};
  storage_.Reset();
  read_ = nullptr;
}

}  // namespace iovalid::hwmodel
