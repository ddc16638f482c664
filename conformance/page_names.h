// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_PAGE_NAMES_H_
#define IOVALID_CONFORMANCE_PAGE_NAMES_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "compat/system_config.h"
#include "conformance/step.h"
#include "hwmodel/iommu.h"
#include "sim/sim_memory.h"
#include "sim/sim_mm.h"
#include "sim/units.h"

namespace iovalid::conformance {

// Names the pages that a device reaches as dma_view lines do: by the lowest user address where the
// page is present, by the object that it was once seen mapped as, or by the BAR that it is of. Only
// what the program itself has mapped counts, and only what was there at one of the looks that the
// recorder took: before each mmap, munmap and mprotect, and at each view.
class PageNames {
 public:
  // A look goes over this many present pages, from the lowest address on: more than any recording
  // with views has, and little enough to look at each.
  static constexpr uint64_t kMaxNamedPages = 1u << 16;

  // A mapping that the program made. `label` is the name of what it mapped, `off` the offset there.
  void AddMapping(uint64_t addr, uint64_t len, uint32_t label, uint64_t off);
  // Remembers which pages are present now, and as what.
  void Look(const sim::SimMm& mm);

  // All that `device` reaches, as maximal runs. Takes a look.
  void View(const hwmodel::Iommu& iommu, uint32_t device,
            const std::vector<compat::DeviceConfig>& devices, const sim::SimMm& mm,
            std::vector<ViewRun>* runs);

  // After View: `runs`, which a recorder saw, without the former names (kStale) of pages that no
  // longer exist, neither mapped nor pinned. The recorder knows pages by their frames, and such a
  // frame may since have become any other page.
  std::vector<ViewRun> WithoutGone(const std::vector<ViewRun>& runs,
                                   const sim::SimMemory& memory) const;

 private:
  struct Mapping {
    uint64_t addr, len;
    uint32_t label;
    uint64_t off;
  };
  struct Seen {
    uint32_t mapping;  // index into mappings_
    uint64_t off;      // bytes from its start
    uint64_t look;     // which look saw it
  };

  // The name of one page: a ViewRun without place.
  ViewRun Name(sim::PageId page, const std::vector<compat::DeviceConfig>& devices) const;

  // Calls fn(address, page, mapping) for the present pages of mappings that a look goes over.
  template <typename Fn>
  void ForEachPage(const sim::SimMm& mm, Fn fn) const;
  // The latest mapping that covers `va`; kNoName for none.
  uint32_t MappingAt(uint64_t va) const;

  std::vector<Mapping> mappings_;
  uint64_t look_ = 0;
  std::unordered_map<sim::PageId, Seen> seen_;         // never walked where order would show
  std::unordered_map<sim::PageId, uint64_t> present_;  // of the current view: lowest address
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_PAGE_NAMES_H_
