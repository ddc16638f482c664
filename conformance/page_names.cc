// SPDX-License-Identifier: Apache-2.0
#include "conformance/page_names.h"

namespace iovalid::conformance {

void PageNames::AddMapping(uint64_t addr, uint64_t len, uint32_t label, uint64_t off) {
  mappings_.push_back({addr, len, label, off});
}

uint32_t PageNames::MappingAt(uint64_t va) const {
  for (size_t i = mappings_.size(); i-- > 0;) {
    if (va >= mappings_[i].addr && va - mappings_[i].addr < mappings_[i].len) {
      return static_cast<uint32_t>(i);
    }
  }
  return kNoName;
}

void PageNames::Look(const sim::SimMm& mm) {
  if (mappings_.empty()) return;
  ++look_;
  mm.ForEachPresentRun([&](uint64_t va, sim::PageId first, uint64_t pages) {
    for (uint64_t k = 0; k < pages; ++k) {
      const sim::PageId page = first + k;
      if (page == sim::kZeroPage) continue;
      const uint64_t at = va + k * sim::kPageSize;
      const uint32_t mapping = MappingAt(at);
      if (mapping == kNoName) continue;
      const Seen now{mapping, at - mappings_[mapping].addr, look_};
      auto [entry, added] = seen_.try_emplace(page, now);
      if (added) continue;
      // Within one look the latest mapping wins, then the highest address.
      Seen& old = entry->second;
      const bool later = now.mapping != old.mapping ? now.mapping > old.mapping : now.off > old.off;
      if (old.look != look_ || later) old = now;
    }
  });
}

ViewRun PageNames::Name(sim::PageId page, const std::vector<compat::DeviceConfig>& devices) const {
  ViewRun run;
  if (page == sim::kZeroPage) {
    run.what = ViewRun::What::kZero;
    return run;
  }
  for (size_t i = 0; i < devices.size(); ++i) {
    const compat::PciBar& bar = devices[i].pci.bars[0];
    if (!bar.memory || page < bar.first_frame || page - bar.first_frame >= bar.Pages()) continue;
    run.what = ViewRun::What::kBar;
    run.label = static_cast<uint32_t>(i);
    run.value = (page - bar.first_frame) * sim::kPageSize;
    return run;
  }
  if (const auto present = present_.find(page); present != present_.end()) {
    run.what = ViewRun::What::kVa;
    run.value = present->second;
    return run;
  }
  if (const auto seen = seen_.find(page); seen != seen_.end()) {
    const Mapping& mapping = mappings_[seen->second.mapping];
    run.what = ViewRun::What::kStale;
    run.label = mapping.label;
    run.value = mapping.off + seen->second.off;
  }
  return run;
}

void PageNames::View(const hwmodel::Iommu& iommu, uint32_t device,
                     const std::vector<compat::DeviceConfig>& devices, const sim::SimMm& mm,
                     std::vector<ViewRun>* runs) {
  runs->clear();
  const hwmodel::DomainId domain = iommu.attached(device);
  Look(mm);
  if (domain == hwmodel::kNoDomain) return;
  present_.clear();
  mm.ForEachPresentRun([&](uint64_t va, sim::PageId first, uint64_t pages) {
    for (uint64_t k = 0; k < pages; ++k) {
      const uint64_t at = va + k * sim::kPageSize;
      if (MappingAt(at) != kNoName) present_.try_emplace(first + k, at);
    }
  });
  iommu.ForEachRun(domain, 0, ~uint64_t{0},
                   [&](uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights) {
                     for (uint64_t k = 0; k < pages; ++k) {
                       ViewRun page = Name(first + k, devices);
                       page.iova = iova + k * sim::kPageSize;
                       page.len = sim::kPageSize;
                       page.rights = rights;
                       if (!runs->empty()) {
                         ViewRun& last = runs->back();
                         const bool placed = page.what != ViewRun::What::kZero &&
                                             page.what != ViewRun::What::kSomePage;
                         if (last.iova + last.len == page.iova && last.rights == page.rights &&
                             last.what == page.what && last.label == page.label &&
                             (!placed || last.value + last.len == page.value)) {
                           last.len += sim::kPageSize;
                           continue;
                         }
                       }
                       runs->push_back(page);
                     }
                   });
}

}  // namespace iovalid::conformance
