// SPDX-License-Identifier: Apache-2.0
// The calls by which a program arranges its address space.
#include <algorithm>

#include "sim/sim_memory.h"
#include "sim/sim_mm.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kHugeBytes = kHugePages * kPageSize;

constexpr int kMadvDontNeed = 4;
constexpr int kMadvDontFork = 10;
constexpr int kMadvDoFork = 11;

}  // namespace

// The pages of [addr, addr + len), `len` rounded up to `alignment`. kINVAL: nothing, or a
// misaligned address. kNOMEM: not below the top of user space.
Errno SimMm::CheckRange(uint64_t addr, uint64_t len, uint64_t alignment, PageRange* range) const {
  if (len == 0 || addr % alignment != 0) return Errno::kINVAL;
  if (addr >= kUserTop || len > kUserTop - addr) return Errno::kNOMEM;
  const uint64_t rounded = (len + alignment - 1) & ~(alignment - 1);
  if (rounded > kUserTop - addr) return Errno::kNOMEM;
  *range = PageRange{addr >> kPageShift, ((addr + rounded) >> kPageShift) - 1};
  return Errno::kOk;
}

// hugetlb_vm_op_split: a mapping of huge pages is cut only between them.
bool SimMm::CutsHugePage(PageRange range) const {
  for (const uint64_t cut : {range.first, range.last + 1}) {
    if (cut % kHugePages == 0) continue;
    const auto c = space_.vmas.Find(cut);
    if (c && space_.vmas.value(c).hugetlb) return true;
  }
  return false;
}

// Cuts the mapping that reaches over the boundary before `page`, so that it is a boundary of
// mappings.
void SimMm::SplitAt(uint64_t page) {
  if (page == 0) return;
  const auto c = space_.vmas.Find(page);
  if (!c || space_.vmas.first(c) == page) return;
  const Vma vma = space_.vmas.value(c);
  const uint64_t last = space_.vmas.last(c);
  space_.vmas.SetLast(c, page - 1);
  space_.vmas.Insert(page, last, vma);
  if (vma.is_device()) ++devices_[vma.device].pieces;
  SplitHugeZero(page);
}

void SimMm::DropPiece(uint32_t device, std::vector<uint32_t>* released) {
  if (--devices_[device].pieces != 0) return;
  released->push_back(devices_[device].cookie);
  free_devices_.push_back(device);
}

// do_vmi_munmap.
void SimMm::Remove(PageRange range, std::vector<uint32_t>* released) {
  SplitAt(range.first);
  SplitAt(range.last + 1);
  auto c = space_.vmas.FirstOverlap(range.first, range.last);
  while (c && space_.vmas.first(c) <= range.last) {
    const Vma& vma = space_.vmas.value(c);
    if (vma.is_device()) DropPiece(vma.device, released);
    c = space_.vmas.EraseAndNext(c);
  }
  ClearRuns(range);
  Changed();
}

bool SimMm::WithoutHole(PageRange range) const {
  uint64_t page = range.first;
  for (auto c = space_.vmas.Find(page); c && space_.vmas.first(c) <= page;
       c = space_.vmas.Next(c)) {
    if (space_.vmas.last(c) >= range.last) return true;
    page = space_.vmas.last(c) + 1;
  }
  return false;
}

bool SimMm::Mapped(uint64_t addr, uint64_t len) const {
  if (len == 0) return true;
  if (addr >= kUserTop || len > kUserTop - addr) return false;
  return WithoutHole(PageRange{addr >> kPageShift, (addr + len - 1) >> kPageShift});
}

Errno SimMm::Map(const MapRequest& request, std::vector<uint32_t>* released) {
  const MemoryObjects& objects = memory_->objects_;
  if (request.object != kNoObject && !objects.Has(request.object)) return Errno::kBADF;
  const bool hugetlb = request.object == kNoObject
                           ? request.hugetlb
                           : objects.kind(request.object) == ObjectKind::kHugetlb;
  const uint64_t alignment = hugetlb ? kHugeBytes : kPageSize;
  PageRange range;
  if (const Errno e = CheckRange(request.addr, request.len, alignment, &range); e != Errno::kOk) {
    return e;
  }
  const uint64_t pages = range.last - range.first + 1;
  const uint64_t offset = request.object == kNoObject ? 0 : request.offset;
  if (offset % alignment != 0) return Errno::kINVAL;
  if (offset + (pages << kPageShift) < offset) return Errno::kOVERFLOW;
  const bool may_write = !request.shared || request.file_writable || request.object == kNoObject;
  if (request.write && !may_write) return Errno::kACCES;
  if (CutsHugePage(range)) return Errno::kINVAL;

  Vma vma;
  vma.object = request.object;
  if (request.shared && request.object == kNoObject) {
    // shmem_zero_setup, hugetlb_file_setup: an object of its own.
    vma.object = memory_->CreateObject(hugetlb ? ObjectKind::kHugetlb : ObjectKind::kShmem,
                                       pages << kPageShift);
    if (vma.object == kNoObject) return Errno::kNOMEM;
  }
  if (!request.shared) {
    const PageId own = memory_->frames_.Allocate(pages, range.first);
    if (own == 0) return Errno::kNOMEM;
    vma.own_bias = vma.cow_bias = own - range.first;
  }
  vma.index_bias = (offset >> kPageShift) - range.first;
  vma.read = request.read;
  vma.write = request.write;
  vma.exec = request.exec;
  vma.shared = request.shared;
  vma.hugetlb = hugetlb;
  vma.may_write = may_write;

  Remove(range, released);
  space_.vmas.Insert(range.first, range.last, vma);
  return Errno::kOk;
}

Errno SimMm::MapPfns(uint64_t addr, uint64_t pages, bool read, bool write, PageId first,
                     uint32_t cookie) {
  if (pages > kUserTop >> kPageShift) return Errno::kNOMEM;
  PageRange range;
  if (const Errno e = CheckRange(addr, pages << kPageShift, kPageSize, &range); e != Errno::kOk) {
    return e;
  }
  if (CutsHugePage(range)) return Errno::kINVAL;
  Remove(range, &waiting_released_);
  Vma vma;
  vma.index_bias = first - range.first;
  vma.read = read;
  vma.write = write;
  vma.shared = true;
  if (free_devices_.empty()) {
    vma.device = static_cast<uint32_t>(devices_.size());
    devices_.emplace_back();
  } else {
    vma.device = free_devices_.back();
    free_devices_.pop_back();
  }
  devices_[vma.device] = DeviceMapping{cookie, 1};
  space_.vmas.Insert(range.first, range.last, vma);
  Changed();
  return Errno::kOk;
}

void SimMm::TakeReleased(std::vector<uint32_t>* released) {
  released->insert(released->end(), waiting_released_.begin(), waiting_released_.end());
  waiting_released_.clear();
}

Errno SimMm::Unmap(uint64_t addr, uint64_t len, std::vector<uint32_t>* released) {
  PageRange range;
  // do_vmi_munmap answers EINVAL to a range beyond the top, too.
  if (CheckRange(addr, len, kPageSize, &range) != Errno::kOk) return Errno::kINVAL;
  if (CutsHugePage(range)) return Errno::kINVAL;
  Remove(range, released);
  return Errno::kOk;
}

// do_mprotect_pkey.
Errno SimMm::Protect(uint64_t addr, uint64_t len, bool read, bool write, bool exec) {
  if (addr % kPageSize != 0) return Errno::kINVAL;
  if (len == 0) return Errno::kOk;
  PageRange range;
  if (const Errno e = CheckRange(addr, len, kPageSize, &range); e != Errno::kOk) return e;
  uint64_t page = range.first;
  while (page <= range.last) {
    auto c = space_.vmas.Find(page);
    if (!c) return Errno::kNOMEM;
    const uint64_t last = std::min(range.last, space_.vmas.last(c));
    const Vma& vma = space_.vmas.value(c);
    if (write && !vma.may_write) return Errno::kACCES;
    if (vma.read != read || vma.write != write || vma.exec != exec) {
      if (CutsHugePage(PageRange{page, last})) return Errno::kINVAL;
      SplitAt(page);
      SplitAt(last + 1);
      Vma& piece = space_.vmas.mutable_value(space_.vmas.Find(page));
      piece.read = read;
      piece.write = write;
      piece.exec = exec;
      Changed();
    }
    page = last + 1;
  }
  return Errno::kOk;
}

// Gives private mappings in the range, which begins and ends with mappings, new page ids for what
// the process has not touched yet. False where none are left.
bool SimMm::Renumber(PageRange range) {
  for (auto c = space_.vmas.FirstOverlap(range.first, range.last);
       c && space_.vmas.first(c) <= range.last; c = space_.vmas.Next(c)) {
    Vma& vma = space_.vmas.mutable_value(c);
    if (vma.shared) continue;
    const uint64_t first = space_.vmas.first(c);
    const PageId own = memory_->frames_.Allocate(space_.vmas.last(c) - first + 1, first);
    if (own == 0) return false;
    vma.own_bias = vma.cow_bias = own - first;
  }
  return true;
}

Errno SimMm::Madvise(uint64_t addr, uint64_t len, int advice) {
  if (addr % kPageSize != 0) return Errno::kINVAL;
  if (len == 0) return Errno::kOk;
  PageRange range;
  if (CheckRange(addr, len, kPageSize, &range) != Errno::kOk) return Errno::kINVAL;
  const bool hole = !WithoutHole(range);
  if (advice == kMadvDontFork || advice == kMadvDoFork || advice == kMadvDontNeed) {
    if (CutsHugePage(range)) return Errno::kINVAL;
    for (auto c = space_.vmas.FirstOverlap(range.first, range.last);
         c && space_.vmas.first(c) <= range.last; c = space_.vmas.Next(c)) {
      // VM_IO and VM_PFNMAP mappings can neither be made inheritable again nor be emptied.
      if (space_.vmas.value(c).is_device() && advice != kMadvDontFork) return Errno::kINVAL;
    }
    SplitAt(range.first);
    SplitAt(range.last + 1);
    if (advice == kMadvDontNeed) {
      ClearRuns(range);
      if (!Renumber(range)) return Errno::kNOMEM;
    } else {
      for (auto c = space_.vmas.FirstOverlap(range.first, range.last);
           c && space_.vmas.first(c) <= range.last; c = space_.vmas.Next(c)) {
        space_.vmas.mutable_value(c).dont_fork = advice == kMadvDontFork;
      }
    }
    Changed();
  }
  return hole ? Errno::kNOMEM : Errno::kOk;
}

// Moves mappings and page-table entries of `from`, which begins and ends with mappings, to the
// empty range that starts at `to_first`.
void SimMm::Move(PageRange from, uint64_t to_first) {
  const uint64_t shift = to_first - from.first;
  SplitHugeZero(from.first);
  SplitHugeZero(from.last + 1);
  std::vector<decltype(space_.vmas)::Entry> vmas;
  for (auto c = space_.vmas.FirstOverlap(from.first, from.last);
       c && space_.vmas.first(c) <= from.last;) {
    vmas.push_back(space_.vmas.entry(c));
    c = space_.vmas.EraseAndNext(c);
  }
  std::vector<decltype(space_.runs)::Entry> runs;
  for (auto c = space_.runs.FirstOverlap(from.first, from.last);
       c && space_.runs.first(c) <= from.last; c = space_.runs.Next(c)) {
    runs.push_back(space_.runs.entry(c));
    runs.back().first = std::max(runs.back().first, from.first);
    runs.back().last = std::min(runs.back().last, from.last);
  }
  // The entries leave without giving up their pages.
  for (const auto& run : runs) {
    PresentRun moved = run.value;
    if (moved.contiguous()) {
      moved.bias -= shift;
    } else if (shift % kHugePages != 0) {
      // move_page_tables moves a block as a whole only between aligned places.
      moved.state = PresentState::kZero;
    }
    SetRun(PageRange{run.first + shift, run.last + shift}, moved);
  }
  CutRuns(from);
  for (auto& entry : vmas) {
    entry.value.own_bias -= shift;
    entry.value.cow_bias -= shift;
    entry.value.index_bias -= shift;
    space_.vmas.Insert(entry.first + shift, entry.last + shift, entry.value);
  }
}

// Adds a mapping like the one that ends before `range`, which is empty.
Errno SimMm::Grow(const Vma& like, PageRange range) {
  Vma vma = like;
  if (!vma.shared) {
    const PageId own = memory_->frames_.Allocate(range.last - range.first + 1, range.first);
    if (own == 0) return Errno::kNOMEM;
    vma.own_bias = vma.cow_bias = own - range.first;
  }
  space_.vmas.Insert(range.first, range.last, vma);
  return Errno::kOk;
}

Errno SimMm::Remap(uint64_t old_addr, uint64_t old_len, uint64_t new_addr, uint64_t new_len,
                   std::vector<uint32_t>* released) {
  PageRange from;
  PageRange to;
  if (CheckRange(old_addr, old_len, kPageSize, &from) != Errno::kOk ||
      CheckRange(new_addr, new_len, kPageSize, &to) != Errno::kOk) {
    return Errno::kINVAL;
  }
  const bool move = from.first != to.first;
  if (move && from.first <= to.last && to.first <= from.last) return Errno::kINVAL;
  if (CutsHugePage(from) || CutsHugePage(to)) return Errno::kINVAL;
  if (!WithoutHole(from)) return Errno::kFAULT;
  const Vma last_vma = space_.vmas.value(space_.vmas.Find(from.last));
  const uint64_t old_pages = from.last - from.first + 1;
  const uint64_t new_pages = to.last - to.first + 1;
  if (last_vma.hugetlb && (new_pages % kHugePages != 0 || to.first % kHugePages != 0)) {
    return Errno::kINVAL;
  }
  // vrm_set_new_addr / check_prep_vma: VM_DONTEXPAND and VM_PFNMAP mappings do not grow.
  if (new_pages > old_pages && last_vma.is_device()) return Errno::kFAULT;
  if (!move && new_pages > old_pages &&
      space_.vmas.FirstOverlap(from.last + 1, to.last)) {
    return Errno::kNOMEM;
  }
  if (new_pages < old_pages) {
    Remove(PageRange{from.first + new_pages, from.last}, released);
    from.last = from.first + new_pages - 1;
  }
  if (move) {
    Remove(to, released);
    SplitAt(from.first);
    SplitAt(from.last + 1);
    Move(from, to.first);
  }
  Errno result = Errno::kOk;
  if (new_pages > old_pages) {
    const Vma moved = space_.vmas.value(space_.vmas.Find(to.first + old_pages - 1));
    result = Grow(moved, PageRange{to.first + old_pages, to.last});
  }
  Changed();
  return result;
}

// unmap_mapping_range: the entries for pages of the object from index `pages` on go, and so do
// private copies, which the process would get anew.
void SimMm::TruncateObject(ObjectId object, uint64_t pages) {
  for (auto c = space_.vmas.Begin(); c;) {
    const Vma vma = space_.vmas.value(c);
    const uint64_t first = space_.vmas.first(c);
    const uint64_t last = space_.vmas.last(c);
    if (vma.object != object || last + vma.index_bias < pages) {
      c = space_.vmas.Next(c);
      continue;
    }
    const uint64_t cut = first + vma.index_bias >= pages ? first : pages - vma.index_bias;
    ClearRuns(PageRange{cut, last});
    if (!vma.shared) {
      SplitAt(cut);
      Renumber(PageRange{cut, last});
    }
    c = space_.vmas.LowerBound(last + 1);
  }
  Changed();
}

}  // namespace iovalid::sim
