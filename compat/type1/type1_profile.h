// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TYPE1_TYPE1_PROFILE_H_
#define IOVALID_COMPAT_TYPE1_TYPE1_PROFILE_H_

#include <array>
#include <cstdint>

#include "sim/errno.h"

namespace iovalid::compat {

// The argument checks of MAP_DMA that kernels make in different orders (vfio_dma_do_map).
enum class MapCheck : uint8_t {
  kSizeZero,  // EINVAL
  kWrap,      // iova+size-1 or vaddr+size-1 passes 2^64-1: Type1Profile::wrap_errno
  kRights,    // no right without VADDR, or a right with it: EINVAL
  kAligned,   // size, iova or vaddr not a multiple of the smallest IOMMU page: EINVAL
};

// Behaviour of drivers/vfio/vfio_iommu_type1.c that differs between kernels.
struct Type1Profile {
  std::array<MapCheck, 4> map_checks;

  // A range of MAP_DMA, UNMAP_DMA or DIRTY_PAGES GET that passes the end of the 64-bit space.
  sim::Errno wrap_errno;

  // vfio_find_dma and the unmap loop compare exclusive ends (start + size), which wrap to 0 at the
  // top of the 64-bit space: a mapping or a request that ends there is never found.
  bool exclusive_ends;
  // DIRTY_PAGES GET refuses a range whose exclusive end wraps, so the last page can't be asked for.
  bool dirty_get_exclusive_end;

  // vfio_pin_pages and vfio_unpin_pages look at the range as a whole: a negative number of pages or
  // a range that passes the end of the 64-bit space is refused.
  bool pin_checks_range;
  // What a driver pinned at an IOVA inside a page counts as that page being charged already.
  bool counts_unaligned_pins;

  // Nesting (extension 6) is claimed, and SET_IOMMU(6) fails on a domain that can't nest.
  bool claims_nesting;

  // Capabilities of GET_INFO start at multiples of 8 bytes.
  bool caps_aligned;
  // GET_INFO writes this much of its struct where the caller has room for it (else 16 bytes): the
  // whole of it (24), or up to cap_offset, without the padding (20).
  uint32_t info_bytes;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_TYPE1_TYPE1_PROFILE_H_
