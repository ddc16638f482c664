// SPDX-License-Identifier: Apache-2.0
// The page table of an address space: faults, copy-on-write, huge pages.
#include <algorithm>

#include "sim/sim_memory.h"
#include "sim/sim_mm.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t BlockOf(uint64_t page) { return page & ~(kHugePages - 1); }

constexpr int kSigSegv = 11;
constexpr int kSigBus = 7;

}  // namespace

void SimMm::Changed() {
  for (CachedPage& page : cached_pages_) page.page = kNoPage;
  cached_run_ = CachedRun{};
}

// Takes entries out of the page table; whoever shares their pages is not told.
void SimMm::CutRuns(PageRange range) {
  auto& runs = space_.runs;
  auto c = runs.FirstOverlap(range.first, range.last);
  while (c && runs.first(c) <= range.last) {
    const auto run = runs.entry(c);
    if (run.first < range.first) {
      runs.SetLast(c, range.first - 1);
      if (run.last > range.last) {
        runs.Insert(range.last + 1, run.last, run.value);
        return;
      }
      c = runs.Next(c);
    } else if (run.last > range.last) {
      runs.SetFirst(c, range.last + 1);
      return;
    } else {
      c = runs.EraseAndNext(c);
    }
  }
}

// zap_page_range: takes entries out of the page table and gives up shared pages.
void SimMm::ClearRuns(PageRange range) {
  auto& runs = space_.runs;
  SplitHugeZero(range.first);
  SplitHugeZero(range.last + 1);
  for (auto c = runs.FirstOverlap(range.first, range.last); c && runs.first(c) <= range.last;
       c = runs.Next(c)) {
    const PresentRun& run = runs.value(c);
    if (run.state != PresentState::kShared) continue;
    const uint64_t first = std::max(range.first, runs.first(c));
    const uint64_t last = std::min(range.last, runs.last(c));
    memory_->sharers_.Add(run.Page(first), last - first + 1, -1);
  }
  CutRuns(range);
}

// Replaces the entries of the range. Equal neighbours become one run.
void SimMm::SetRun(PageRange range, const PresentRun& run) {
  auto& runs = space_.runs;
  CutRuns(range);
  const auto before = range.first > 0 ? runs.Find(range.first - 1) : decltype(runs.Begin()){};
  const auto after = runs.Find(range.last + 1);
  const bool joins_before = before && runs.value(before) == run;
  const bool joins_after = after && runs.value(after) == run;
  if (joins_before && joins_after) {
    const uint64_t first = runs.first(before);
    const uint64_t last = runs.last(after);
    runs.Erase(after);
    runs.SetLast(runs.Find(first), last);
  } else if (joins_before) {
    runs.SetLast(before, range.last);
  } else if (joins_after) {
    runs.SetFirst(after, range.first);
  } else {
    runs.Insert(range.first, range.last, run);
  }
}

// split_huge_pmd where a boundary of mappings at `page` cuts a block: the huge zero page becomes
// 512 entries of the zero page.
void SimMm::SplitHugeZero(uint64_t page) {
  const uint64_t block = BlockOf(page);
  if (page == block) return;
  const auto c = space_.runs.Find(page);
  if (!c || space_.runs.value(c).state != PresentState::kHugeZero) return;
  SetRun(PageRange{block, block + kHugePages - 1}, PresentRun{0, PresentState::kZero});
}

// Whether an access has to replace a present page by the process's own: do_wp_page for a write,
// gup_must_unshare for a pin.
bool SimMm::NeedsOwn(const Vma& vma, PresentState state, Access access) const {
  if (vma.shared || access == Access::kRead || state == PresentState::kOwn) return false;
  if (access == Access::kWrite || state == PresentState::kShared) return true;
  return memory_->policy_.longterm_ro_pin_unshares;
}

// Makes all pages of the range, which lies in one mapping and below the end of its object, present
// and fit for the access. Rights have been checked.
void SimMm::FaultIn(const Vma& vma, PageRange range, Access access) {
  uint64_t page = range.first;
  for (;;) {
    const auto c = space_.runs.LowerBound(page);
    uint64_t last;
    if (!c || space_.runs.first(c) > page) {
      last = c ? std::min(range.last, space_.runs.first(c) - 1) : range.last;
      Populate(vma, PageRange{page, last}, access);
      Changed();
    } else {
      last = std::min(range.last, space_.runs.last(c));
      const PresentRun run = space_.runs.value(c);
      if (NeedsOwn(vma, run.state, access)) {
        MakeOwn(vma, PageRange{page, last}, run);
        Changed();
      }
    }
    if (last == range.last) return;
    page = last + 1;
  }
}

// Fills entries of which none is present.
void SimMm::Populate(const Vma& vma, PageRange range, Access access) {
  if (vma.hugetlb) {
    // hugetlb_no_page: whole huge pages; there is no zero page.
    range.first = BlockOf(range.first);
    range.last = BlockOf(range.last) + kHugePages - 1;
  }
  if (vma.object != kNoObject) {
    PopulateObject(vma, range, access);
  } else if (vma.hugetlb) {
    SetRun(range, PresentRun{vma.own_bias, PresentState::kOwn});
  } else {
    PopulateAnonymous(vma, range, access);
  }
}

// do_read_fault, do_shared_fault, do_cow_fault.
void SimMm::PopulateObject(const Vma& vma, PageRange range, Access access) {
  uint64_t page = range.first;
  while (page <= range.last) {
    uint64_t run = 0;
    const PageId id = memory_->objects_.Page(vma.object, page + vma.index_bias, &run);
    const uint64_t last = run > range.last - page ? range.last : page + run - 1;
    const PresentRun present{id - page, PresentState::kObject};
    SetRun(PageRange{page, last}, present);
    if (NeedsOwn(vma, PresentState::kObject, access)) {
      MakeOwn(vma, PageRange{page, last}, present);
    }
    page = last + 1;
  }
  memory_->objects_.MarkCached(vma.object, range.first + vma.index_bias,
                               range.last + vma.index_bias);
  if (access != Access::kWrite && !vma.hugetlb) MapAround(vma, range);
}

// do_fault_around: a read fault also maps those of the 16 pages around it that are in the page
// cache, within the mapping and the page table. Nothing shows that but the page table itself.
void SimMm::MapAround(const Vma& vma, PageRange range) {
  constexpr uint64_t kWindow = 16;  // fault_around_bytes, in pages
  const auto mapping = space_.vmas.Find(range.first);
  const uint64_t first = space_.vmas.first(mapping);
  const auto from = [&](uint64_t page) { return std::max(page & ~(kWindow - 1), first); };
  const auto to = [&](uint64_t page) {
    return std::min({from(page) + kWindow - 1, space_.vmas.last(mapping), page | (kHugePages - 1)});
  };
  const auto map = [&](uint64_t page, uint64_t last) {
    while (page <= last) {
      if (const auto c = space_.runs.Find(page)) {
        page = space_.runs.last(c) + 1;
        continue;
      }
      const auto next = space_.runs.LowerBound(page);
      const uint64_t hole = next ? std::min(last, space_.runs.first(next) - 1) : last;
      uint64_t run = 0;
      const PageId id = memory_->objects_.Page(vma.object, page + vma.index_bias, &run);
      const uint64_t end = run > hole - page ? hole : page + run - 1;
      SetRun(PageRange{page, end}, PresentRun{id - page, PresentState::kObject});
      page = end + 1;
    }
  };
  const uint64_t last = std::max(to(range.first), to(range.last));
  memory_->objects_.ForEachCached(
      vma.object, from(range.first) + vma.index_bias, last + vma.index_bias,
      [&](uint64_t cached_first, uint64_t cached_last) {
        map(cached_first - vma.index_bias, cached_last - vma.index_bias);
      });
}

// Whether the block lies wholly in private anonymous mappings with the rights of `vma` (which the
// kernel keeps as one) and has no page present.
bool SimMm::WholeBlockFree(const Vma& vma, uint64_t block) const {
  const uint64_t end = block + kHugePages - 1;
  if (space_.runs.FirstOverlap(block, end)) return false;
  uint64_t page = block;
  for (auto c = space_.vmas.Find(block); c && space_.vmas.first(c) <= page;
       c = space_.vmas.Next(c)) {
    const Vma& other = space_.vmas.value(c);
    if (!other.anonymous() || other.read != vma.read || other.write != vma.write ||
        other.exec != vma.exec || other.dont_fork != vma.dont_fork) {
      return false;
    }
    if (space_.vmas.last(c) >= end) return true;
    page = space_.vmas.last(c) + 1;
  }
  return false;
}

// do_anonymous_page, do_huge_pmd_anonymous_page.
void SimMm::PopulateAnonymous(const Vma& vma, PageRange range, Access access) {
  const MemoryPolicy& policy = memory_->policy_;
  // The blocks at both ends may be populated beyond the range; those in between lie inside it.
  PageRange huge = range;
  uint64_t huge_first = range.last + 1;  // huge blocks: [huge_first, huge_end)
  uint64_t huge_end = range.first;
  if (policy.thp) {
    const uint64_t first_block = BlockOf(range.first);
    const uint64_t last_block = BlockOf(range.last);
    const bool first_free = WholeBlockFree(vma, first_block);
    const bool last_free = first_block == last_block ? first_free : WholeBlockFree(vma, last_block);
    huge_first = first_free ? first_block : first_block + kHugePages;
    huge_end = last_free ? last_block + kHugePages : last_block;
    if (first_free) huge.first = first_block;
    if (last_free) huge.last = last_block + kHugePages - 1;
  }
  const bool own = NeedsOwn(vma, PresentState::kZero, access);
  const PresentRun zero{0, PresentState::kZero};
  const PresentRun huge_zero{0, PresentState::kHugeZero};
  if (own && (access == Access::kWrite || policy.huge_zero_copied_whole)) {
    SetOwn(huge);
    return;
  }
  if (own) {
    // A read fault maps the huge zero page first; the copy then splits it.
    SetRun(huge, zero);
    SetOwn(range);
    return;
  }
  SetRun(huge, zero);
  if (huge_first < huge_end) SetRun(PageRange{huge_first, huge_end - 1}, huge_zero);
}

// Gives the range, which lies in private mappings, pages of the process's own. There can be more
// than one mapping where a huge page lies over the seam of two that the kernel has joined.
void SimMm::SetOwn(PageRange range) {
  auto c = space_.vmas.Find(range.first);
  while (c && space_.vmas.first(c) <= range.last) {
    const uint64_t first = std::max(range.first, space_.vmas.first(c));
    const uint64_t last = std::min(range.last, space_.vmas.last(c));
    const uint64_t bias = space_.vmas.value(c).own_bias;
    SetRun(PageRange{first, last}, PresentRun{bias, PresentState::kOwn});
    c = space_.vmas.Next(c);
  }
}

// Replaces the pages of the range, all part of `run`, by the process's own.
void SimMm::MakeOwn(const Vma& vma, PageRange range, const PresentRun& run) {
  if (vma.hugetlb) {
    range.first = BlockOf(range.first);
    range.last = BlockOf(range.last) + kHugePages - 1;
  }
  switch (run.state) {
    case PresentState::kOwn:
      return;
    case PresentState::kShared:
      BreakSharing(vma, range, run);
      return;
    case PresentState::kObject:
      memory_->content_.Copy(run.Page(range.first), range.first + vma.own_bias,
                             range.last - range.first + 1);
      SetRun(range, PresentRun{vma.own_bias, PresentState::kOwn});
      return;
    case PresentState::kZero:
      SetOwn(range);
      return;
    case PresentState::kHugeZero: {
      const PageRange blocks{BlockOf(range.first), BlockOf(range.last) + kHugePages - 1};
      if (memory_->policy_.huge_zero_copied_whole) {
        SetOwn(blocks);
      } else {
        SetRun(blocks, PresentRun{0, PresentState::kZero});
        SetOwn(range);
      }
      return;
    }
  }
}

// do_wp_page on anonymous pages that a fork shared: the last address space that maps a page keeps
// it, any other gets a copy.
void SimMm::BreakSharing(const Vma& vma, PageRange range, const PresentRun& run) {
  RunCounter& sharers = memory_->sharers_;
  uint64_t page = range.first;
  while (page <= range.last) {
    uint64_t end = 0;
    const uint32_t count = sharers.GetRun(run.Page(page), run.Page(range.last), &end);
    const uint64_t last = page + (end - run.Page(page));
    const uint64_t n = last - page + 1;
    sharers.Add(run.Page(page), n, -1);
    if (count > 1) {
      memory_->content_.Copy(run.Page(page), page + vma.cow_bias, n);
      SetRun(PageRange{page, last}, PresentRun{vma.cow_bias, PresentState::kOwn});
    } else {
      SetRun(PageRange{page, last}, PresentRun{run.bias, PresentState::kOwn});
    }
    page = last + 1;
  }
}

// The signal that an access to `page` ends in, or 0; then `reach` is the last page up to `last` of
// which the same can be said, and `vma` its mapping. For a pin any signal means EFAULT.
int SimMm::FaultSignal(uint64_t page, Access access, uint64_t last, Vma* vma,
                       uint64_t* reach) const {
  const auto c = space_.vmas.Find(page);
  if (!c) return kSigSegv;
  *vma = space_.vmas.value(c);
  *reach = std::min(last, space_.vmas.last(c));
  switch (access) {
    case Access::kRead:
      if (!vma->accessible()) return kSigSegv;
      break;
    case Access::kWrite:
      if (!vma->write) return kSigSegv;
      break;
    case Access::kPinRead:
      if (!vma->read) return kSigSegv;
      break;
  }
  if (vma->object != kNoObject) {
    const uint64_t pages = memory_->objects_.pages(vma->object);
    const uint64_t index = page + vma->index_bias;
    if (index >= pages) return kSigBus;
    *reach = std::min(*reach, page + (pages - 1 - index));
  }
  return 0;
}

TouchResult SimMm::Touch(uint64_t addr, uint64_t len, bool write) {
  const Access access = write ? Access::kWrite : Access::kRead;
  const uint64_t accesses = len / kPageSize + (len % kPageSize != 0 ? 1 : 0);
  const uint64_t first = addr >> kPageShift;
  uint64_t done = 0;
  while (done < accesses) {
    const uint64_t page = first + done;
    Vma vma;
    uint64_t reach = page;
    const uint64_t last = accesses - done > ~page ? ~uint64_t{0} : page + (accesses - done) - 1;
    const int signal = FaultSignal(page, access, last, &vma, &reach);
    if (signal != 0) return TouchResult{signal, done << kPageShift};
    if (!vma.is_device()) FaultIn(vma, PageRange{page, reach}, access);
    done += reach - page + 1;
  }
  return TouchResult{0, done << kPageShift};
}

bool SimMm::PresentPage(uint64_t va, PageId* page) const {
  const auto c = space_.runs.Find(va >> kPageShift);
  if (!c) return false;
  *page = space_.runs.value(c).Page(va >> kPageShift);
  return true;
}

}  // namespace iovalid::sim
