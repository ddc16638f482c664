// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iotlb.h"

#include <algorithm>
#include <bit>

namespace iovalid::hwmodel {

Iotlb::Iotlb(unsigned sets_4k) : first_set_{}, mask_{}, all_sets_(0) {
  const std::array<unsigned, kSizes> sets = {sets_4k, std::max(sets_4k / 8, 1u),
                                             std::max(sets_4k / 32, 1u)};
  for (unsigned size = 0; size < kSizes; ++size) {
    first_set_[size] = all_sets_;
    mask_[size] = sets[size] - 1;
    all_sets_ += sets[size];
  }
}

void Iotlb::Fill(DomainId domain, uint64_t iova, sim::PageId first, unsigned rights,
                 unsigned size_log2) {
  unsigned size = 0;
  while (size + 1 < kSizes && kShift[size] != size_log2) ++size;
  if (!storage_) {
    storage_ = CowPtr<Storage>::Make();
    Storage& fresh = storage_.Mutable();
    fresh.sets.resize(all_sets_);
    fresh.victim.resize(all_sets_);
  }
  Storage& storage = storage_.Mutable();
  const uint64_t tag = Tag(domain, iova, kShift[size]);
  const unsigned index = SetOf(size, tag);
  Set& set = storage.sets[index];

  // The way that holds this page already, else an empty one, else the set's next victim.
  unsigned way;
  if (const unsigned same = WaysWith(set, tag); same != 0) {
    way = std::countr_zero(same);
  } else if (const unsigned empty = WaysWith(set, 0); empty != 0) {
    way = std::countr_zero(empty);
    ++live_[size];
  } else {
    way = storage.victim[index];
    storage.victim[index] = static_cast<uint8_t>((way + 1) % kWays);
  }
  set.tag[way] = tag;
  set.value[way] = first << kShift[0] | rights;
}

template <typename Match>
void Iotlb::InvalidateSets(unsigned size, unsigned first, unsigned end, Match match) {
  Storage* storage = nullptr;
  for (unsigned index = first; index < end && live_[size] != 0; ++index) {
    for (unsigned way = 0; way < kWays; ++way) {
      const uint64_t tag = storage_->sets[index].tag[way];
      if (tag == 0 || !match(tag)) continue;
      if (storage == nullptr) storage = &storage_.Mutable();
      storage->sets[index].tag[way] = 0;
      --live_[size];
    }
  }
}

void Iotlb::InvalidatePages(DomainId domain, uint64_t iova, unsigned pages_log2) {
  const uint64_t pages = uint64_t{1} << std::min(pages_log2, kPageBits);
  const uint64_t first = (iova >> kShift[0]) & ~(pages - 1);
  const uint64_t last = first + pages - 1;
  for (unsigned size = 0; size < kSizes; ++size) {
    if (live_[size] == 0) continue;
    const unsigned scale = kShift[size] - kShift[0];
    const uint64_t first_tag = Tag(domain, first << kShift[0], kShift[size]);
    const uint64_t last_tag = first_tag + (last >> scale) - (first >> scale);
    const unsigned sets = mask_[size] + 1;
    auto match = [first_tag, last_tag](uint64_t tag) {
      return tag >= first_tag && tag <= last_tag;
    };
    if (last_tag - first_tag >= sets) {
      InvalidateSets(size, first_set_[size], first_set_[size] + sets, match);
      continue;
    }
    for (uint64_t tag = first_tag; tag <= last_tag; ++tag) {
      const unsigned index = SetOf(size, tag);
      InvalidateSets(size, index, index + 1, match);
    }
  }
}

void Iotlb::InvalidateDomain(DomainId domain) {
  for (unsigned size = 0; size < kSizes; ++size) {
    InvalidateSets(size, first_set_[size], first_set_[size] + mask_[size] + 1,
                   [domain](uint64_t tag) { return DomainOf(tag) == domain; });
  }
}

void Iotlb::InvalidateAll() {
  live_ = {};
  storage_.Reset();
}

}  // namespace iovalid::hwmodel
