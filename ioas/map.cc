// SPDX-License-Identifier: Apache-2.0
// Mapping: iopt_map_pages and what leads to it.
#include <utility>

#include "ioas/io_pagetable.h"
#include "ioas/rules.h"
#include "sim/state_hash.h"

namespace iovalid::ioas {

Result IoPagetable::MapSlices(Machine& machine, PagesStore& store,
                              absl::Span<const PagesSlice> slices, uint64_t length, uint64_t* iova,
                              unsigned rights, bool alloc_iova) {
  Result result;
  uint64_t inserted = 0;  // bytes
  for (size_t i = 0; i < slices.size() && result.ok(); ++i) {
    if (machine.Fails("alloc:iopt_area")) {
      result = Failure(sim::Errno::kNOMEM, rules::kAreaAlloc);
    }
  }
  if (result.ok() && ((length & (iova_alignment_ - 1)) != 0 || length == 0)) {
    result = Failure(sim::Errno::kINVAL, rules::kLengthAlignment);
  }
  if (result.ok()) {
    if (alloc_iova) {
      const PagesSlice& slice = slices.front();
      result = AllocIova(machine, store.at(slice.pages).base + slice.start_byte, length, iova);
    } else {
      result = CheckIova(*iova, length);
    }
  }
  for (size_t i = 0; i < slices.size() && result.ok(); ++i) {
    result = InsertArea(machine, store, slices[i], *iova + inserted, rights);
    if (result.ok()) inserted += slices[i].length;
  }
  if (result.ok() && !domains_.empty()) {
    uint64_t filled = 0;  // bytes
    for (const PagesSlice& slice : slices) {
      result = FillArea(machine, store, areas_.entry(areas_.Find(*iova + filled)), domains_);
      if (!result.ok()) break;
      filled += slice.length;
    }
    if (!result.ok()) {
      uint64_t undone = 0;
      for (const PagesSlice& slice : slices) {
        if (undone == filled) break;
        UnfillArea(machine, store, areas_.entry(areas_.Find(*iova + undone)), domains_);
        undone += slice.length;
      }
    }
  }
  if (!result.ok()) {
    AbortAreas(*iova, inserted);
    for (const PagesSlice& slice : slices) store.Unref(slice.pages);
    return result;
  }
  uint64_t first = *iova;
  for (const PagesSlice& slice : slices) {
    mappings_ += sim::HashMapping(first, first + slice.length - 1, rights);
    mapped_bytes_ += slice.length;
    first += slice.length;
  }
  return result;
}

Result IoPagetable::MapUser(Machine& machine, PagesStore& store, const UserRange& range,
                            uint64_t* iova, unsigned rights, bool alloc_iova) {
  const bool bad_length = range.length > ~uint64_t{0} - sim::kPageSize || range.length == 0;
  if (range.length_check_first && bad_length) {
    return Failure(sim::Errno::kINVAL, rules::kPagesLength);
  }
  if (range.vaddr + range.length < range.vaddr) {
    return Failure(sim::Errno::kOVERFLOW, rules::kVaddrOverflow);
  }
  if (bad_length) return Failure(sim::Errno::kINVAL, rules::kPagesLength);
  if (machine.Fails("alloc:iopt_pages")) return Failure(sim::Errno::kNOMEM, rules::kPagesAlloc);
  const uint64_t start_byte = range.vaddr & ~sim::kPageMask;
  const PagesId pages =
      store.Add(machine, PagesSource::kUser, range.vaddr - start_byte, start_byte, range.length,
                (rights & hwmodel::kWrite) != 0, range.mm_accounting);
  const PagesSlice slice{pages, start_byte, range.length};
  return MapSlices(machine, store, {&slice, 1}, range.length, iova, rights, alloc_iova);
}

Result IoPagetable::CheckFileRange(uint64_t start, uint64_t length) {
  if (length == 0) return Failure(sim::Errno::kINVAL, rules::kFileLength);
  if (start + length - 1 < start) return Failure(sim::Errno::kOVERFLOW, rules::kFileOverflow);
  return Success();
}

Result IoPagetable::MapFile(Machine& machine, PagesStore& store, const FileSource& source,
                            uint64_t start, uint64_t length, bool mm_accounting, uint64_t* iova,
                            unsigned rights, bool alloc_iova) {
  Result checked;
  if (length > ~uint64_t{0} - sim::kPageSize || length == 0) {
    checked = Failure(sim::Errno::kINVAL, rules::kPagesLength);
  } else if (machine.Fails("alloc:iopt_pages")) {
    checked = Failure(sim::Errno::kNOMEM, rules::kPagesAlloc);
  }
  if (!checked.ok()) {
    store.ReleaseFile(source.file);
    return checked;
  }
  const uint64_t start_byte = start & ~sim::kPageMask;
  const PagesId pages = store.Add(machine, PagesSource::kFile, start - start_byte, start_byte,
                                  length, (rights & hwmodel::kWrite) != 0, mm_accounting);
  store.at(pages).object = source.object;
  store.at(pages).file = source.file;
  const PagesSlice slice{pages, start_byte, length};
  return MapSlices(machine, store, {&slice, 1}, length, iova, rights, alloc_iova);
}

Result IoPagetable::GetPages(const Machine& machine, PagesStore& store, uint64_t iova,
                             uint64_t length, std::vector<PagesSlice>* slices) const {
  if (length == 0) return Failure(sim::Errno::kINVAL, rules::kGetPagesLength);
  const uint64_t last = iova + length - 1;
  if (last < iova) return Failure(sim::Errno::kOVERFLOW, rules::kGetPagesOverflow);
  slices->clear();
  Result result = Failure(sim::Errno::kNOENT, rules::kGetPagesHole);
  uint64_t next = iova;
  for (auto c = areas_.Find(iova); c && areas_.first(c) <= next; c = areas_.Next(c)) {
    if (machine.Fails("alloc:iopt_pages_list")) {
      result = Failure(sim::Errno::kNOMEM, rules::kGetPagesAlloc);
      break;
    }
    const Area& area = areas_.value(c);
    const uint64_t area_first = areas_.first(c);
    const uint64_t area_last = areas_.last(c);
    const uint64_t end = area_last < last ? area_last : last;
    store.Share(machine, area.pages, StorageOf(area_first, area), area.first_index,
                LastIndex(area, area_last - area_first + 1));
    store.Ref(area.pages);
    slices->push_back({area.pages,
                       (next - area_first) + area.page_offset + area.first_index * sim::kPageSize,
                       end - next + 1});
    if (area_last >= last) return Success();
    next = area_last + 1;
  }
  for (const PagesSlice& slice : *slices) store.Unref(slice.pages);
  slices->clear();
  return result;
}

Result IoPagetable::CheckIova(uint64_t iova, uint64_t length) const {
  if ((iova & (iova_alignment_ - 1)) != 0) {
    return Failure(sim::Errno::kINVAL, rules::kIovaAlignment);
  }
  const uint64_t last = iova + length - 1;
  if (last < iova) return Failure(sim::Errno::kOVERFLOW, rules::kIovaOverflow);
  if (reserved_.Overlaps(iova, last)) return Failure(sim::Errno::kINVAL, rules::kReserved);
  if (areas_.FirstOverlap(iova, last)) return Failure(sim::Errno::kEXIST, rules::kOverlap);
  return Success();
}

Result IoPagetable::InsertArea(Machine& machine, const PagesStore& store, const PagesSlice& slice,
                               uint64_t iova, unsigned rights) {
  const Pages& pages = store.at(slice.pages);
  if ((rights & hwmodel::kWrite) != 0 && !pages.writable) {
    return Failure(sim::Errno::kPERM, rules::kNotWritable);
  }
  Area area;
  area.pages = slice.pages;
  area.page_offset = static_cast<uint16_t>(slice.start_byte & ~sim::kPageMask);
  area.rights = static_cast<uint8_t>(rights);
  area.first_index = slice.start_byte >> sim::kPageShift;
  if ((area.page_offset & (iova_alignment_ - 1)) != 0) {
    return Failure(sim::Errno::kINVAL, rules::kVaddrAlignment);
  }
  const uint64_t last_byte = slice.start_byte + slice.length - 1;
  if (last_byte < slice.start_byte || last_byte >> sim::kPageShift >= pages.npages) {
    machine.warnings.push_back(&rules::kAreaBeyondPages);
    return Failure(sim::Errno::kOVERFLOW, rules::kAreaBeyondPages);
  }
  areas_.Insert(iova, iova + slice.length - 1, area);
  return Success();
}

// Takes out areas that a failed call inserted: those at [iova, iova + bytes).
void IoPagetable::AbortAreas(uint64_t iova, uint64_t bytes) {
  for (const uint64_t end = iova + bytes; iova != end;) {
    const auto c = areas_.Find(iova);
    iova = areas_.last(c) + 1;
    areas_.Erase(c);
  }
}

}  // namespace iovalid::ioas
