// SPDX-License-Identifier: Apache-2.0
#include "conformance/page_names.h"

#include <algorithm>
#include <map>
#include <utility>

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

template <typename Fn>
void PageNames::ForEachPage(const sim::SimMm& mm, Fn fn) const {
  uint64_t left = kMaxNamedPages;
  mm.ForEachPresentRun([&](uint64_t va, sim::PageId first, uint64_t pages) {
    const uint64_t named = std::min(pages, left);
    left -= named;
    for (uint64_t k = 0; k < named; ++k) {
      const uint64_t at = va + k * sim::kPageSize;
      const uint32_t mapping = MappingAt(at);
      if (mapping != kNoName) fn(at, first + k, mapping);
    }
    return left != 0;
  });
}

void PageNames::Look(const sim::SimMm& mm) {
  if (mappings_.empty()) return;
  ++look_;
  ForEachPage(mm, [&](uint64_t at, sim::PageId page, uint32_t mapping) {
    if (page == sim::kZeroPage) return;
    const Seen now{mapping, at - mappings_[mapping].addr, look_};
    auto [entry, added] = seen_.try_emplace(page, now);
    if (added) return;
    // Within one look the latest mapping wins, then the highest address.
    Seen& old = entry->second;
    const bool later = now.mapping != old.mapping ? now.mapping > old.mapping : now.off > old.off;
    if (old.look != look_ || later) old = now;
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
  present_.clear();
  ForEachPage(mm, [&](uint64_t at, sim::PageId page, uint32_t) { present_.try_emplace(page, at); });
  if (domain == hwmodel::kNoDomain) return;
  uint64_t left = kMaxNamedPages;
  iommu.ForEachRun(
      domain, 0, ~uint64_t{0},
      [&](uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights) {
        const uint64_t named = std::min(pages, left);
        left -= named;
        for (uint64_t k = 0; k < named; ++k) {
          ViewRun page = Name(first + k, devices);
          page.iova = iova + k * sim::kPageSize;
          page.len = sim::kPageSize;
          page.rights = rights;
          if (!runs->empty()) {
            ViewRun& last = runs->back();
            const bool placed =
                page.what != ViewRun::What::kZero && page.what != ViewRun::What::kSomePage;
            if (last.iova + last.len == page.iova && last.rights == page.rights &&
                last.what == page.what && last.label == page.label &&
                (!placed || last.value + last.len == page.value)) {
              last.len += sim::kPageSize;
              continue;
            }
          }
          runs->push_back(page);
        }
        if (named == pages) return;
        runs->push_back({iova + named * sim::kPageSize, (pages - named) * sim::kPageSize,
                         ViewRun::What::kSomePage, 0, kNoName, rights});
      });
}

std::vector<ViewRun> PageNames::WithoutGone(const std::vector<ViewRun>& runs,
                                            const sim::SimMemory& memory) const {
  // For each name, whether a page that has had it is still there.
  std::map<std::pair<uint32_t, uint64_t>, bool> exists;
  for (const auto& [page, seen] : seen_) {
    const Mapping& mapping = mappings_[seen.mapping];
    bool& one = exists[{mapping.label, mapping.off + seen.off}];
    one = one || present_.contains(page) || memory.PinCount(page) != 0;
  }
  std::vector<ViewRun> out;
  const auto append = [&out](const ViewRun& run) {
    if (!out.empty()) {
      ViewRun& last = out.back();
      const bool joins = last.what == run.what && last.label == run.label &&
                         last.rights == run.rights && last.iova + last.len == run.iova;
      if (joins && (run.what == ViewRun::What::kSomePage || last.value + last.len == run.value)) {
        last.len += run.len;
        return;
      }
    }
    out.push_back(run);
  };
  uint64_t left = kMaxNamedPages;
  for (const ViewRun& run : runs) {
    const uint64_t pages = run.len / sim::kPageSize;
    if (run.what != ViewRun::What::kStale || pages > left) {  // longer than any look: as it is
      append(run);
      continue;
    }
    left -= pages;
    for (uint64_t at = 0; at < run.len; at += sim::kPageSize) {
      ViewRun page = run;
      page.iova += at;
      page.len = sim::kPageSize;
      page.value += at;
      const auto found = exists.find({page.label, page.value});
      if (found != exists.end() && !found->second) {
        page.what = ViewRun::What::kSomePage;
        page.label = kNoName;
        page.value = 0;
      }
      append(page);
    }
  }
  return out;
}

}  // namespace iovalid::conformance
