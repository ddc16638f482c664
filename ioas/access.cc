// SPDX-License-Identifier: Apache-2.0
// Accesses: kernel users of the memory behind IOVAs (drivers/iommu/iommufd/device.c, the
// iommufd_access part, and iopt_area_add_access of pages.c).
#include <algorithm>

#include "ioas/io_pagetable.h"
#include "ioas/rules.h"

namespace iovalid::ioas {
namespace {

// Bytes of an area's pages object, counted from the start of the area's first page; both inclusive.
struct AreaBytes {
  uint64_t first, last;
};

// Those behind the IOVAs from `iova`, which the area has, to its end or `last_iova`.
template <typename Entry>
AreaBytes BytesOf(const Entry& area, uint64_t iova, uint64_t last_iova) {
  const uint64_t offset = area.value.page_offset;
  return {(iova - area.first) + offset, (std::min(area.last, last_iova) - area.first) + offset};
}

}  // namespace

Result IoPagetable::AddAccess(const Machine& machine, AccessToken access) {
  auto slot = std::find(accesses_.begin(), accesses_.end(), kNoAccess);
  const bool grown = slot == accesses_.end();
  if (grown) slot = accesses_.insert(slot, kNoAccess);
  *slot = access;
  const Result result = RecalculateAlignment(machine);
  if (!result.ok()) {
    *slot = kNoAccess;
    if (grown) accesses_.pop_back();
  }
  return result;
}

void IoPagetable::RemoveAccess(const Machine& machine, AccessToken access) {
  std::replace(accesses_.begin(), accesses_.end(), access, kNoAccess);
  while (!accesses_.empty() && accesses_.back() == kNoAccess) accesses_.pop_back();
  (void)RecalculateAlignment(machine);
}

// iommufd_access_notify_unmap.
void IoPagetable::NotifyAccesses(Machine& machine, uint64_t iova, uint64_t length) {
  // By position: a callback may look at this table, though it can't change who has access.
  for (size_t i = 0; i < accesses_.size(); ++i) {
    if (accesses_[i] == kNoAccess || machine.access_users == nullptr) continue;
    machine.access_users->Unmap(accesses_[i], iova, length);
  }
}

// One area's part of a pin: the pages [first, last] (indexes).
Result IoPagetable::AddAreaAccess(Machine& machine, PagesStore& store, AreaMap::Cursor c,
                                  uint64_t first, uint64_t last, bool write,
                                  std::vector<sim::PageId>* frames) {
  const Area area = areas_.value(c);
  if (write && !store.at(area.pages).writable) {
    return Failure(sim::Errno::kPERM, rules::kAccessNotWritable);
  }
  if (!store.at(area.pages).pins()) return Failure(sim::Errno::kINVAL, rules::kAccessDmabuf);
  const bool known = store.HasAccess(area.pages, first, last);
  if (!known && machine.Fails("alloc:iopt_pages_access")) {
    return Failure(sim::Errno::kNOMEM, rules::kAccessAlloc);
  }
  store.Share(machine, area.pages, StorageOf(areas_.first(c), area), area.first_index,
              LastIndex(area, areas_.last(c) - areas_.first(c) + 1));
  FrameReader reader(machine, store, area.pages, StoredFrames{}, first, last, &buffers_);
  Result result;
  while (result.ok() && !reader.done()) {
    result = reader.Next();
    for (const sim::PageRun& run : reader.batch()) {
      for (uint64_t page = 0; page < run.pages; ++page) frames->push_back(run.first + page);
    }
  }
  if (result.ok() && !known) result = store.Settle(machine, area.pages);
  if (!result.ok()) {
    reader.Release();
    return result;
  }
  if (!known) {
    store.table().AddUser(area.pages, first, last, PinTable::User::kAccess, reader.pinned());
  }
  store.AddAccess(area.pages, first, last);
  ++areas_.mutable_value(c).accesses;
  return result;
}

// iopt_area_remove_access.
void IoPagetable::RemoveAreaAccess(Machine& machine, PagesStore& store, AreaMap::Cursor c,
                                   uint64_t first, uint64_t last) {
  Area& area = areas_.mutable_value(c);
  if (!store.HasAccess(area.pages, first, last)) {
    machine.warnings.push_back(&rules::kUnpinInexact);
    return;
  }
  --area.accesses;
  if (!store.DropAccess(area.pages, first, last)) return;
  std::vector<PinnedFrames>& frames = store.scratch_frames();
  frames.clear();
  store.table().RemoveUser(area.pages, first, last, PinTable::User::kAccess, &frames);
  for (const PinnedFrames& run : frames) {
    store.Unpin(machine, area.pages, {run.first, run.pages, sim::PageClass::kRam});
  }
  frames.clear();
  (void)store.Settle(machine, area.pages);
}

// An area that is being unmapped lets nobody in; `aligned` is what a pin needs; check_area_prot.
Result IoPagetable::CheckAccess(const Area& area, bool aligned, bool write) {
  if (area.prevent_access) return Failure(sim::Errno::kINVAL, rules::kAccessPrevented);
  if (!aligned) return Failure(sim::Errno::kINVAL, rules::kAccessAlignment);
  const unsigned needed = write ? hwmodel::kWrite : hwmodel::kRead;
  if ((area.rights & needed) == 0) return Failure(sim::Errno::kPERM, rules::kAccessRights);
  return Success();
}

Result IoPagetable::PinAccess(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length,
                              bool write, std::vector<sim::PageId>* frames) {
  frames->clear();
  if (length == 0) return Failure(sim::Errno::kINVAL, rules::kAccessLength);
  const uint64_t last_iova = iova + length - 1;
  if (last_iova < iova) return Failure(sim::Errno::kOVERFLOW, rules::kAccessOverflow);
  Result result = Failure(sim::Errno::kNOENT, rules::kAccessHole);
  uint64_t next = iova;
  for (auto c = areas_.Find(iova); c && areas_.first(c) <= next; c = areas_.Next(c)) {
    const Area area = areas_.value(c);
    const uint64_t area_last = areas_.last(c);
    const AreaBytes bytes = BytesOf(areas_.entry(c), next, last_iova);
    const bool aligned = (bytes.first & ~sim::kPageMask) == 0 &&
                         (area_last >= last_iova || ((bytes.last + 1) & ~sim::kPageMask) == 0);
    Result here = CheckAccess(area, aligned, write);
    if (here.ok()) {
      here = AddAreaAccess(machine, store, c, area.first_index + (bytes.first >> sim::kPageShift),
                           area.first_index + (bytes.last >> sim::kPageShift), write, frames);
    }
    if (!here.ok()) {
      result = here;
      break;
    }
    if (area_last >= last_iova) return Success();
    next = area_last + 1;
  }
  if (next != iova) UnpinAccess(machine, store, iova, next - iova);
  frames->clear();
  return result;
}

void IoPagetable::UnpinAccess(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length) {
  const uint64_t last_iova = iova + length - 1;
  if (length == 0 || last_iova < iova) {
    machine.warnings.push_back(&rules::kUnpinRange);
    return;
  }
  uint64_t next = iova;
  for (auto c = areas_.Find(iova); c && areas_.first(c) <= next; c = areas_.Next(c)) {
    const Area area = areas_.value(c);
    const uint64_t area_last = areas_.last(c);
    const AreaBytes bytes = BytesOf(areas_.entry(c), next, last_iova);
    RemoveAreaAccess(machine, store, c, area.first_index + (bytes.first >> sim::kPageShift),
                     area.first_index + (bytes.last >> sim::kPageShift));
    if (area_last >= last_iova) return;
    next = area_last + 1;
  }
  machine.warnings.push_back(&rules::kUnpinHole);
}

Result IoPagetable::RwAccess(Machine& machine, PagesStore& store, sim::PageData& memory,
                             uint64_t iova, void* data, uint64_t length, bool write) {
  if (length == 0) return Failure(sim::Errno::kINVAL, rules::kAccessLength);
  const uint64_t last_iova = iova + length - 1;
  if (last_iova < iova) return Failure(sim::Errno::kOVERFLOW, rules::kAccessOverflow);
  auto* at = static_cast<uint8_t*>(data);
  uint64_t next = iova;
  for (auto c = areas_.Find(iova); c && areas_.first(c) <= next; c = areas_.Next(c)) {
    const Area& area = areas_.value(c);
    const uint64_t area_last = areas_.last(c);
    Result result = CheckAccess(area, /*aligned=*/true, write);
    if (!result.ok()) return result;
    const AreaBytes bytes = BytesOf(areas_.entry(c), next, last_iova);
    const uint64_t count = bytes.last - bytes.first + 1;
    result = RwPages(machine, store, memory, areas_.entry(c),
                     bytes.first + area.first_index * sim::kPageSize, at, count, write);
    if (!result.ok()) return result;
    if (area_last >= last_iova) return Success();
    at += count;
    next = area_last + 1;
  }
  return Failure(sim::Errno::kNOENT, rules::kAccessHole);
}

// iopt_pages_rw_access: by the user's own addresses where the caller runs in the address space, or
// is a kernel thread that can; else through the pages.
Result IoPagetable::RwPages(Machine& machine, PagesStore& store, sim::PageData& memory,
                            const AreaMap::Entry& entry, uint64_t start_byte, uint8_t* data,
                            uint64_t bytes, bool write) {
  const Pages& pages = store.at(entry.value.pages);
  if (write && !pages.writable) return Failure(sim::Errno::kPERM, rules::kAccessNotWritable);
  if (!pages.pins()) return Failure(sim::Errno::kINVAL, rules::kAccessDmabuf);
  sim::Mm* mm = machine.LiveMm(pages.mm);
  const uint64_t first = start_byte >> sim::kPageShift;
  const uint64_t last = (start_byte + bytes - 1) >> sim::kPageShift;
  const bool kernel_thread = machine.current == sim::kKernelThread;
  const bool own_mm = !kernel_thread && machine.tasks[machine.current].mm == pages.mm;
  if (pages.source == PagesSource::kUser && mm != nullptr) {
    const uint64_t va = pages.base + start_byte;
    if (own_mm || kernel_thread) {
      const size_t done = write ? mm->CopyOut(va, data, bytes) : mm->CopyIn(va, data, bytes);
      return done == bytes ? Success() : Failure(sim::Errno::kFAULT, rules::kAccessFault);
    }
    if (first == last) return RwOnePage(*mm, memory, va, data, bytes, write);
  }
  // iopt_pages_rw_slow
  FrameReader reader(machine, store, entry.value.pages, StorageOf(entry.first, entry.value), first,
                     last, &buffers_);
  uint64_t offset = start_byte & ~sim::kPageMask;
  Result result;
  while (result.ok() && !reader.done()) {
    result = reader.Next();
    if (!result.ok()) break;
    for (const sim::PageRun& run : reader.batch()) {
      for (uint64_t page = run.first; page != run.first + run.pages; ++page) {
        const uint64_t part = std::min(bytes, sim::kPageSize - offset);
        (void)(write ? memory.WritePage(page, offset, data, part)
                     : memory.ReadPage(page, offset, data, part));
        data += part;
        bytes -= part;
        offset = 0;
      }
    }
  }
  reader.Release();
  return result;
}

// iopt_pages_rw_page: pins the page as the address space has it now, whatever a domain maps.
Result IoPagetable::RwOnePage(sim::Mm& mm, sim::PageData& memory, uint64_t va, uint8_t* data,
                              uint64_t bytes, bool write) {
  std::vector<sim::PageRun> runs;
  const sim::PinResult pinned = mm.Pin(va & sim::kPageMask, 1, write, &runs);
  if (pinned.pages == 0) return Failure(pinned.error, rules::kAccessFault);
  const uint64_t offset = va & ~sim::kPageMask;
  (void)(write ? memory.WritePage(runs.front().first, offset, data, bytes)
               : memory.ReadPage(runs.front().first, offset, data, bytes));
  mm.Unpin(runs.front(), write);
  return Success();
}

}  // namespace iovalid::ioas
