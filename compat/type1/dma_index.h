// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TYPE1_DMA_INDEX_H_
#define IOVALID_COMPAT_TYPE1_DMA_INDEX_H_

#include <cstddef>
#include <cstdint>

#include "sim/extent_map.h"

namespace iovalid::compat::type1 {

using DmaId = uint32_t;
inline constexpr DmaId kNoDma = ~DmaId{0};

// The mappings of a container by IOVA: struct vfio_iommu::dma_list, and the look-ups on it with the
// arithmetic of the kernel. Older kernels compare exclusive ends, so that what ends at the top of
// the 64-bit space is lost (Type1Profile::exclusive_ends).
class DmaIndex {
 public:
  using Cursor = sim::ExtentMap<DmaId>::Cursor;

  explicit DmaIndex(bool exclusive_ends) : exclusive_ends_(exclusive_ends) {}

  bool empty() const { return map_.empty(); }
  size_t size() const { return map_.size(); }

  // vfio_link_dma, vfio_unlink_dma. [first, last] in bytes, inclusive; disjoint from what is there.
  void Insert(uint64_t first, uint64_t last, DmaId id) { map_.Insert(first, last, id); }
  void Erase(uint64_t first) { map_.Erase(map_.Find(first)); }
  Cursor EraseAndNext(Cursor c) { return map_.EraseAndNext(c); }

  // vfio_find_dma: a mapping that meets [start, start+size), kNoDma if none. `size` is not 0, but
  // start+size may pass the end of the space.
  DmaId Find(uint64_t start, uint64_t size) const;

  // vfio_find_dma(end, 0) of the older kernels, vfio_find_dma(end, 1) of the newer: the mapping that
  // holds the last byte of a request.
  DmaId FindLast(uint64_t end) const;

  // vfio_find_dma_first_node: the lowest mapping that meets [first, last], as a cursor.
  Cursor FirstIn(uint64_t first, uint64_t last) const;
  // Whether the unmap loop goes on to the mapping at `c` for a request that ends at `last`.
  bool Within(Cursor c, uint64_t last) const;

  Cursor Begin() const { return map_.Begin(); }
  Cursor Next(Cursor c) const { return map_.Next(c); }
  Cursor Last() const { return map_.Last(); }
  DmaId at(Cursor c) const { return map_.value(c); }
  uint64_t first(Cursor c) const { return map_.first(c); }

 private:
  bool Wraps(Cursor c) const { return exclusive_ends_ && map_.last(c) == ~uint64_t{0}; }

  sim::ExtentMap<DmaId> map_;
  bool exclusive_ends_;
};

}  // namespace iovalid::compat::type1

#endif  // IOVALID_COMPAT_TYPE1_DMA_INDEX_H_
