// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TYPE1_IOVA_LIST_H_
#define IOVALID_COMPAT_TYPE1_IOVA_LIST_H_

#include <cstdint>
#include <vector>

#include "sim/digest.h"

namespace iovalid::compat::type1 {

// An IOVA range in bytes, both ends inclusive.
struct IovaRange {
  uint64_t first;
  uint64_t last;
  friend bool operator==(const IovaRange&, const IovaRange&) = default;
};

// The usable IOVA ranges of a container: struct vfio_iommu::iova_list. Empty as long as the
// container never had an IOMMU group, and then every IOVA is usable.
class IovaList {
 public:
  bool empty() const { return ranges_.empty(); }
  const std::vector<IovaRange>& ranges() const { return ranges_; }
  uint64_t first() const { return ranges_.front().first; }
  uint64_t last() const { return ranges_.back().last; }

  // vfio_iommu_iova_dma_valid: whether [first, last] lies in one range, or the list is empty.
  bool Allows(uint64_t first, uint64_t last) const;

  // vfio_iommu_aper_conflict, first part: the aperture [first, last] lies apart from the list.
  bool Disjoint(uint64_t first, uint64_t last) const {
    return !empty() && (first > this->last() || last < this->first());
  }

  // vfio_iommu_aper_resize: narrows the list to the aperture [first, last], or makes it that.
  void NarrowTo(uint64_t first, uint64_t last);
  // vfio_iommu_aper_expand: moves the outer ends of the list to the aperture.
  void MoveEndsTo(uint64_t first, uint64_t last);
  // vfio_iommu_resv_exclude for one reserved region.
  void Exclude(uint64_t first, uint64_t last);

 private:
  std::vector<IovaRange> ranges_;  // ascending, disjoint
};

}  // namespace iovalid::compat::type1

#endif  // IOVALID_COMPAT_TYPE1_IOVA_LIST_H_
