// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TYPE1_EXTERNAL_PINS_H_
#define IOVALID_COMPAT_TYPE1_EXTERNAL_PINS_H_

#include <cstdint>
#include <map>
#include <utility>

#include "compat/type1/dma_index.h"
#include "sim/digest.h"
#include "sim/units.h"

namespace iovalid::compat::type1 {

// A page that a driver pinned by its IOVA: struct vfio_pfn.
struct ExternalPin {
  sim::PageId frame = 0;
  uint32_t refs = 0;  // vfio_pin_pages calls that have it
};

// The pages that drivers pinned in the mappings of a container (struct vfio_dma::pfn_list of all of
// them together), by mapping and exact IOVA in bytes. Empty where there are no emulated devices.
class ExternalPins {
 public:
  bool empty() const { return pins_.empty(); }

  // vfio_find_vpfn. Null where the driver pinned nothing at exactly this IOVA.
  ExternalPin* Find(DmaId dma, uint64_t iova) {
    const auto at = pins_.find({dma, iova});
    return at == pins_.end() ? nullptr : &at->second;
  }
  // vfio_add_to_pfn_list, vfio_remove_from_pfn_list.
  void Add(DmaId dma, uint64_t iova, sim::PageId frame) { pins_[{dma, iova}] = {frame, 1}; }
  void Remove(DmaId dma, uint64_t iova) { pins_.erase({dma, iova}); }

  bool Has(DmaId dma) const {
    const auto at = pins_.lower_bound({dma, 0});
    return at != pins_.end() && at->first.first == dma;
  }
  // Forgets the pins of a mapping without undoing them.
  void Drop(DmaId dma) {
    pins_.erase(pins_.lower_bound({dma, 0}), pins_.upper_bound({dma, ~uint64_t{0}}));
  }

  // How many of the pages [iova, iova + pages) of the mapping are pinned (vpfn_pages).
  // `unaligned`: a pin at an IOVA inside a page counts.
  uint64_t Count(DmaId dma, uint64_t iova, uint64_t pages, bool unaligned) const {
    uint64_t count = 0;
    for (auto at = pins_.lower_bound({dma, iova});
         at != pins_.end() && at->first.first == dma &&
         at->first.second - iova < pages << sim::kPageShift;
         ++at) {
      count += unaligned || ((at->first.second - iova) & ~sim::kPageMask) == 0;
    }
    return count;
  }

  // Calls fn(iova, pin) for each pin of the mapping, ascending.
  template <typename Fn>
  void ForEach(DmaId dma, Fn fn) const {
    for (auto at = pins_.lower_bound({dma, 0}); at != pins_.end() && at->first.first == dma; ++at) {
      fn(at->first.second, at->second);
    }
  }

 private:
  std::map<std::pair<DmaId, uint64_t>, ExternalPin> pins_;
};

}  // namespace iovalid::compat::type1

#endif  // IOVALID_COMPAT_TYPE1_EXTERNAL_PINS_H_
