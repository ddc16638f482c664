// SPDX-License-Identifier: Apache-2.0
// Pins of an address space and of memory objects.
#include <algorithm>

#include "sim/sim_memory.h"
#include "sim/sim_mm.h"

namespace iovalid::sim {
namespace {

// Adds a run, joined with the last one from `first_run` on where it continues that.
void Append(PageId first, uint64_t pages, PageClass cls, size_t first_run,
            std::vector<PageRun>* runs) {
  if (runs->size() > first_run) {
    PageRun& last = runs->back();
    if (last.cls == cls && last.first + last.pages == first) {
      last.pages += pages;
      return;
    }
  }
  runs->push_back(PageRun{first, pages, cls});
}

}  // namespace

// Pins what the page table has in the range.
void SimMm::AppendPinned(PageRange range, size_t first_run, std::vector<PageRun>* runs) {
  auto c = space_.runs.Find(range.first);
  uint64_t page = range.first;
  while (page <= range.last) {
    const uint64_t last = std::min(range.last, space_.runs.last(c));
    const PresentRun& run = space_.runs.value(c);
    if (run.contiguous()) {
      Append(run.Page(page), last - page + 1, PageClass::kRam, first_run, runs);
      memory_->pins_.Add(run.Page(page), last - page + 1, 1);
    } else {
      for (uint64_t p = page; p <= last; ++p) {
        Append(run.Page(p), 1, ClassOf(run.Page(p)), first_run, runs);
        memory_->pins_.Add(run.Page(p), 1, 1);
      }
    }
    page = last + 1;
    c = space_.runs.Next(c);
  }
}

// __gup_longterm_locked; the checks are those of check_vma_flags.
PinResult SimMm::Pin(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) {
  const size_t first_run = runs->size();
  const uint64_t first = va >> kPageShift;
  if (first >= cached_run_.first && first <= cached_run_.last && pages != 0 &&
      pages - 1 <= cached_run_.last - first && (write ? cached_run_.write : cached_run_.read)) {
    runs->push_back(PageRun{first + cached_run_.bias, pages, PageClass::kRam});
    memory_->pins_.Add(first + cached_run_.bias, pages, 1);
    return PinResult{pages, Errno::kOk};
  }
  const Access access = write ? Access::kWrite : Access::kPinRead;
  uint64_t done = 0;
  while (done < pages) {
    const uint64_t page = first + done;
    const uint64_t last = pages - done > ~page ? ~uint64_t{0} : page + (pages - done) - 1;
    Vma vma;
    uint64_t reach = page;
    if (FaultSignal(page, access, last, &vma, &reach) != 0 || vma.is_device() ||
        (write && !WritablyPinned(vma))) {
      return PinResult{done, Errno::kFAULT};
    }
    FaultIn(vma, PageRange{page, reach}, access);
    AppendPinned(PageRange{page, reach}, first_run, runs);
    CacheRun(vma, reach);
    done += reach - page + 1;
  }
  return PinResult{done, Errno::kOk};
}

// gup_fast_fallback. Where mappings can be read, the fast way and the slow one come to the same.
PinResult SimMm::PinFast(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) {
  PinResult result = Pin(va, pages, write, runs);
  while (result.error == Errno::kFAULT && !write) {
    const uint64_t page = (va >> kPageShift) + result.pages;
    const uint64_t present = PresentUnreadable(page, pages - result.pages);
    if (present == 0) break;
    AppendPinned(PageRange{page, page + present - 1}, runs->size(), runs);
    result.pages += present;
    result.error = Errno::kOk;
    if (result.pages == pages) break;
    const PinResult rest =
        Pin(va + (result.pages << kPageShift), pages - result.pages, write, runs);
    result.pages += rest.pages;
    result.error = rest.error;
  }
  return result;
}

// How many of the `pages` from `page` on are in a mapping with the right to write but not to read,
// and present with an entry that a pin for reading may use as it is.
uint64_t SimMm::PresentUnreadable(uint64_t page, uint64_t pages) const {
  const auto vma = space_.vmas.Find(page);
  const auto run = space_.runs.Find(page);
  if (!vma || !run) return 0;
  const Vma& mapping = space_.vmas.value(vma);
  if (mapping.read || !mapping.write || mapping.is_device()) return 0;
  if (NeedsOwn(mapping, space_.runs.value(run).state, Access::kPinRead)) return 0;
  const uint64_t last = std::min(space_.vmas.last(vma), space_.runs.last(run));
  return std::min(pages, last - page + 1);
}

// writable_file_mapping_allowed.
bool SimMm::WritablyPinned(const Vma& vma) const {
  if (!memory_->policy_.longterm_write_needs_shmem) return true;
  return !vma.shared || vma.object == kNoObject ||
         memory_->objects_.kind(vma.object) != ObjectKind::kDiskFile;
}

// Remembers the run of present pages around `page`, as far as it lies in the mapping `vma`.
void SimMm::CacheRun(const Vma& vma, uint64_t page) {
  const auto run = space_.runs.Find(page);
  const PresentRun& present = space_.runs.value(run);
  if (!present.contiguous()) return;
  const auto c = space_.vmas.Find(page);
  cached_run_.first = std::max(space_.runs.first(run), space_.vmas.first(c));
  cached_run_.last = std::min(space_.runs.last(run), space_.vmas.last(c));
  cached_run_.bias = present.bias;
  cached_run_.read = vma.read && !NeedsOwn(vma, present.state, Access::kPinRead);
  cached_run_.write =
      vma.write && !NeedsOwn(vma, present.state, Access::kWrite) && WritablyPinned(vma);
}

// follow_pfnmap_start, after fixup_user_fault (vma_permits_fault) where the entry is not there yet.
PinResult SimMm::FollowPfnmap(uint64_t va, uint64_t pages, bool write, PageRun* run) {
  const uint64_t page = va >> kPageShift;
  const auto c = space_.vmas.Find(page);
  if (!c || pages == 0) return PinResult{0, Errno::kFAULT};
  const Vma& vma = space_.vmas.value(c);
  if (!vma.is_device() || !(write ? vma.write : vma.read)) return PinResult{0, Errno::kFAULT};
  const uint64_t n = std::min(pages, space_.vmas.last(c) - page + 1);
  *run = PageRun{page + vma.index_bias, n, PageClass::kMmio};
  return PinResult{n, Errno::kOk};
}

void SimMm::Unpin(const PageRun& run, bool /*dirty*/) {
  memory_->pins_.Add(run.first, run.pages, -1);
}

// memfd_pin_folios.
PinResult SimMm::PinFile(uint32_t object, uint64_t first_page, uint64_t pages,
                         std::vector<PageRun>* runs) {
  const MemoryObjects& objects = memory_->objects_;
  if (!objects.Has(object) || objects.kind(object) == ObjectKind::kDiskFile || pages == 0) {
    return PinResult{0, Errno::kINVAL};
  }
  const uint64_t whole_pages = objects.size(object) >> kPageShift;
  if (first_page >= whole_pages || pages > whole_pages - first_page) {
    return PinResult{0, Errno::kINVAL};
  }
  const size_t first_run = runs->size();
  uint64_t done = 0;
  while (done < pages) {
    uint64_t run = 0;
    const PageId id = objects.Page(object, first_page + done, &run);
    const uint64_t n = std::min(run, pages - done);
    Append(id, n, PageClass::kRam, first_run, runs);
    memory_->pins_.Add(id, n, 1);
    done += n;
  }
  memory_->objects_.MarkCached(object, first_page, first_page + pages - 1);
  return PinResult{done, Errno::kOk};
}

}  // namespace iovalid::sim
