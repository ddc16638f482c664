// SPDX-License-Identifier: Apache-2.0
// Keeping the page tables of domains filled with what areas show, and pages pinned while they are.
#include <algorithm>
#include <cassert>

#include "ioas/io_pagetable.h"
#include "ioas/rules.h"

namespace iovalid::ioas {

uint64_t IoPagetable::LastIndex(const Area& area, uint64_t length) {
  return area.first_index + ((area.page_offset + length - 1) >> sim::kPageShift);
}

// Where the frames of an area are while its pages are unshared: all domains hold the same.
StoredFrames IoPagetable::StorageOf(uint64_t iova, const Area& area) const {
  if (domains_.empty()) return {};
  return {domains_.front(), iova, area.first_index};
}

// iopt_area_fill_domains (a new area, into all domains) and iopt_area_fill_domain (an area into a
// new domain): reads the frames of the area and maps them in `targets`. Pages that no other area or
// access has pinned are pinned here, and charged when all is mapped.
Result IoPagetable::FillArea(Machine& machine, PagesStore& store, const AreaMap::Entry& entry,
                             absl::Span<const hwmodel::DomainId> targets) {
  const Area& area = entry.value;
  const uint64_t iova = entry.first;
  if (!store.at(area.pages).pins()) {
    // A tracker for each domain, so that a revocation finds them (iopt_dmabuf_track_domain).
    for (size_t i = 0; i < targets.size(); ++i) {
      if (machine.Fails("alloc:iopt_dmabuf_track")) {
        return Failure(sim::Errno::kNOMEM, rules::kDmabufTrack);
      }
    }
  }
  if (store.at(area.pages).revoked) return Success();
  // A domain has pages of 4 KiB or more, so whatever is filled is aligned to them.
  assert(area.page_offset == 0);
  const bool first_fill = domains_.empty() || targets.data() == domains_.data();
  const uint64_t last_index = LastIndex(area, entry.last - iova + 1);
  FrameReader reader(machine, store, area.pages,
                     first_fill ? StoredFrames{} : StorageOf(iova, area), area.first_index,
                     last_index, &buffers_);
  const auto iova_of = [&](uint64_t index) {
    return iova + (index - area.first_index) * sim::kPageSize;
  };
  Result result;
  size_t mapped_targets = 0;               // of the current batch
  uint64_t mapped_end = area.first_index;  // in all targets
  while (!reader.done()) {
    result = reader.Next();
    if (!result.ok()) break;
    mapped_targets = 0;
    for (hwmodel::DomainId domain : targets) {
      result =
          MapBatch(machine, domain, iova_of(reader.batch_first()), reader.batch(), area.rights);
      if (!result.ok()) break;
      ++mapped_targets;
    }
    if (!result.ok()) break;
    mapped_end = reader.batch_end();
    mapped_targets = 0;
  }
  if (result.ok()) result = store.Settle(machine, area.pages);
  if (!result.ok()) {
    for (size_t i = 0; i < targets.size(); ++i) {
      const uint64_t end = i < mapped_targets ? reader.batch_end() : mapped_end;
      if (end != area.first_index) {
        machine.iommu.Unmap(targets[i], iova, (end - area.first_index) * sim::kPageSize);
      }
    }
    reader.Release();
  } else if (first_fill && store.at(area.pages).shared) {
    store.table().AddUser(area.pages, area.first_index, last_index, PinTable::User::kArea,
                          reader.pinned());
  }
  buffers_.batch.clear();
  buffers_.pending.clear();
  buffers_.pinned.clear();
  return result;
}

// batch_to_domain: a run of contiguous frames is one call of iommu_map, so that the driver chooses
// the page sizes; one call a page where large pages are off.
Result IoPagetable::MapBatch(Machine& machine, hwmodel::DomainId domain, uint64_t iova,
                             const std::vector<sim::PageRun>& batch, unsigned rights) {
  const uint64_t start = iova;
  for (const sim::PageRun& run : batch) {
    const sim::Errno err =
        machine.Fails("alloc:iommu_map")
            ? sim::Errno::kNOMEM
            : machine.iommu.Map(domain, iova, run.first, run.pages, rights, large_pages_disabled_);
    if (err != sim::Errno::kOk) {
      if (rights == 0 && machine.warns_without_rights) {
        machine.warnings.push_back(&rules::kMapWithoutRights);
      }
      if (iova != start) machine.iommu.Unmap(domain, start, iova - start);
      return Failure(err, rules::kIommuMap);
    }
    iova += run.pages * sim::kPageSize;
  }
  return Success();
}

// iopt_area_unfill_domains: takes the area out of `targets`, which are all the domains that have
// it, and unpins and uncharges what nobody else needs. Unmapping comes first: no page is unpinned
// while a device can still reach it.
void IoPagetable::UnfillArea(Machine& machine, PagesStore& store, const AreaMap::Entry& entry,
                             absl::Span<const hwmodel::DomainId> targets) {
  const Area& area = entry.value;
  const uint64_t iova = entry.first;
  const Pages& pages = store.at(area.pages);
  const uint64_t last_index = LastIndex(area, entry.last - iova + 1);
  std::vector<PinnedFrames>& frames = store.scratch_frames();
  frames.clear();
  if (pages.pins() && !pages.shared) {
    for (uint64_t index = area.first_index; index <= last_index;) {
      const auto run =
          machine.iommu.Lookup(targets.front(), iova + (index - area.first_index) * sim::kPageSize,
                               last_index - index + 1);
      assert(run.mapped);
      frames.push_back({index, run.first, run.pages});
      index += run.pages;
    }
  }
  for (hwmodel::DomainId domain : targets) UnmapFrom(machine, pages, domain, entry);
  if (!pages.pins()) return;
  if (pages.shared) {
    store.table().RemoveUser(area.pages, area.first_index, last_index, PinTable::User::kArea,
                             &frames);
  }
  for (const PinnedFrames& run : frames) {
    store.Unpin(machine, area.pages, {run.first, run.pages, sim::PageClass::kRam});
  }
  frames.clear();
  (void)store.Settle(machine, area.pages);
}

void IoPagetable::UnmapFrom(Machine& machine, const Pages& pages, hwmodel::DomainId domain,
                            const AreaMap::Entry& entry) {
  if (!pages.revoked) machine.iommu.Unmap(domain, entry.first, entry.last - entry.first + 1);
}

}  // namespace iovalid::ioas
