// SPDX-License-Identifier: Apache-2.0
// Unmapping and cutting areas.
#include "ioas/io_pagetable.h"
#include "ioas/rules.h"
#include "sim/state_hash.h"

namespace iovalid::ioas {

Result IoPagetable::Unmap(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length,
                          uint64_t* unmapped) {
  *unmapped = 0;
  if (length == 0) return Failure(sim::Errno::kINVAL, rules::kUnmapLength);
  const uint64_t last = iova + length - 1;
  if (last < iova) return Failure(sim::Errno::kOVERFLOW, rules::kUnmapOverflow);
  return UnmapRange(machine, store, iova, last, unmapped);
}

Result IoPagetable::UnmapAll(Machine& machine, PagesStore& store, uint64_t* unmapped) {
  return UnmapRange(machine, store, 0, ~uint64_t{0}, unmapped);
}

// iopt_unmap_iova_range.
Result IoPagetable::UnmapRange(Machine& machine, PagesStore& store, uint64_t first, uint64_t last,
                               uint64_t* unmapped) {
  // An access that does not let go of an area is told so often.
  constexpr int kMaxNotices = 100;
  int notices = 0;
  *unmapped = 0;
  while (const auto c = areas_.FirstOverlap(first, last)) {
    const uint64_t area_first = areas_.first(c);
    const uint64_t area_last = areas_.last(c);
    const Area& area = areas_.value(c);
    if (area.locks != 0) return Failure(sim::Errno::kBUSY, rules::kUnmapLocked);
    if (area_first < first || area_last > last) {
      return Failure(sim::Errno::kNOENT, rules::kUnmapPartial);
    }
    if (area_first != first) notices = 0;
    if (area.accesses != 0) {
      first = area_first;
      areas_.mutable_value(c).prevent_access = true;
      NotifyAccesses(machine, area_first, area_last - area_first + 1);
      if (++notices > kMaxNotices) {
        machine.warnings.push_back(&rules::kUnmapAccess);
        return Failure(sim::Errno::kDEADLK, rules::kUnmapAccess);
      }
      continue;
    }
    const PagesId pages = area.pages;
    mappings_ -= sim::HashMapping(area_first, area_last, area.rights);
    mapped_bytes_ -= area_last - area_first + 1;
    if (!domains_.empty()) UnfillArea(machine, store, areas_.entry(c), domains_);
    areas_.Erase(c);
    store.Unref(pages);
    *unmapped += area_last - area_first + 1;
    if (area_last >= last) break;
    first = area_last + 1;
  }
  return Success();
}

// iopt_area_split, where `iova` becomes the last byte of the left part. The parts share the pages
// object, and nothing changes in the domains.
Result IoPagetable::Cut(const Machine& machine, PagesStore& store, uint64_t iova) {
  const auto c = areas_.Find(iova);
  if (!c) return Success();
  const uint64_t first = areas_.first(c);
  const uint64_t last = areas_.last(c);
  if (iova == first || iova == last) return Success();
  const Area area = areas_.value(c);
  if (area.prevent_access) return Failure(sim::Errno::kBUSY, rules::kSplitBusy);
  if (!store.at(area.pages).pins()) {
    return Failure(sim::Errno::kOPNOTSUPP, rules::kSplitDmabuf);
  }
  const uint64_t new_first = iova + 1;
  const uint64_t start_byte =
      (new_first - first) + area.page_offset + area.first_index * sim::kPageSize;
  if (((new_first | start_byte) & (iova_alignment_ - 1)) != 0) {
    return Failure(sim::Errno::kINVAL, rules::kSplitAlignment);
  }
  for (int side = 0; side < 2; ++side) {
    if (machine.Fails("alloc:iopt_area")) return Failure(sim::Errno::kNOMEM, rules::kAreaAlloc);
  }
  if (area.accesses != 0) return Failure(sim::Errno::kINVAL, rules::kSplitAccess);
  if (!domains_.empty() && !large_pages_disabled_) {
    return Failure(sim::Errno::kINVAL, rules::kSplitLargePages);
  }
  store.Share(machine, area.pages, StorageOf(first, area), area.first_index,
              LastIndex(area, last - first + 1));
  store.Ref(area.pages);
  Area right = area;
  right.page_offset = static_cast<uint16_t>(start_byte & ~sim::kPageMask);
  right.first_index = start_byte >> sim::kPageShift;
  right.locks = 0;
  areas_.mutable_value(c).locks = 0;
  areas_.SetLast(c, iova);
  areas_.Insert(new_first, last, right);
  mappings_ -= sim::HashMapping(first, last, area.rights);
  mappings_ += sim::HashMapping(first, iova, area.rights);
  mappings_ += sim::HashMapping(new_first, last, area.rights);
  return Success();
}

}  // namespace iovalid::ioas
