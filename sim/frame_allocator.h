// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_FRAME_ALLOCATOR_H_
#define IOVALID_SIM_FRAME_ALLOCATOR_H_

#include <cstdint>

#include "sim/units.h"

namespace iovalid::sim {

// The ids of ordinary memory: [kFirstRamPage, kEndRamPage), from physical address 4 GiB up to where
// device memory begins.
inline constexpr PageId kFirstRamPage = 0x100000;
inline constexpr PageId kEndRamPage = kFirstMmioPage;

// The 512 pages of the huge zero page (an ordinary folio: not PG_reserved, so that it is charged).
inline constexpr PageId kHugeZeroPage = 0x200;
// Base pages in a huge page.
inline constexpr uint64_t kHugePages = 512;

// Gives out page ids in ascending order; none is ever given out twice.
class FrameAllocator {
 public:
  // Reserves `pages` consecutive ids whose first is congruent to `alignment` modulo 512, so that
  // huge mappings of the range are possible where its address is aligned likewise. 0 where none are
  // left.
  PageId Allocate(uint64_t pages, uint64_t alignment) {
    const PageId first = next_ + ((alignment - next_) & (kHugePages - 1));
    if (first > kEndRamPage || pages > kEndRamPage - first) return 0;
    next_ = first + pages;
    return first;
  }

  // Whether `page` was given out before.
  bool Known(PageId page) const { return page >= kFirstRamPage && page < next_; }

 private:
  PageId next_ = kFirstRamPage;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_FRAME_ALLOCATOR_H_
