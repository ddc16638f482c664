// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/sim_memory.h"

namespace iovalid::sim {

// dup_mmap. The child gets page ids of its own for what it will touch later, and so does the parent
// for copies of pages that are now shared: they are reserved here, where the program forks, not
// where a write or a pin happens to break the sharing.
MmId SimMemory::ForkMm(MmId parent_id, std::vector<uint32_t>* cookies) {
  const MmId child_id = AddMm();
  SimMm& parent = spaces_[parent_id];
  SimMm& child = spaces_[child_id];
  auto& vmas = parent.space_.vmas;
  const size_t first_cookie = cookies->size();
  std::vector<uint32_t> device_of(parent.devices_.size(), kNoDevice);
  for (auto c = vmas.Begin(); c; c = vmas.Next(c)) {
    Vma& vma = vmas.mutable_value(c);
    if (vma.dont_fork) continue;
    const SimMm::PageRange range{vmas.first(c), vmas.last(c)};
    Vma copy = vma;
    if (vma.is_device()) {
      uint32_t& device = device_of[vma.device];
      if (device == kNoDevice) {
        device = static_cast<uint32_t>(child.devices_.size());
        child.devices_.push_back(SimMm::DeviceMapping{parent.devices_[vma.device].cookie, 0});
        cookies->push_back(child.devices_[device].cookie);
      }
      copy.device = device;
      ++child.devices_[device].pieces;
    } else if (!vma.shared) {
      const uint64_t pages = range.last - range.first + 1;
      const PageId for_child = frames_.Allocate(pages, range.first);
      const PageId for_parent = for_child == 0 ? 0 : frames_.Allocate(pages, range.first);
      if (for_parent == 0) {
        child.Remove(SimMm::PageRange{0, (kUserTop >> kPageShift) - 1}, cookies);
        cookies->resize(first_cookie);
        return kNoMm;
      }
      copy.own_bias = copy.cow_bias = for_child - range.first;
      vma.cow_bias = for_parent - range.first;
    }
    child.space_.vmas.Insert(range.first, range.last, copy);
    // vma_needs_copy: entries of shared mappings are left to faults.
    if (!vma.shared) ForkRuns(vma, copy, range, &parent, &child);
  }
  parent.Changed();
  return child_id;
}

// copy_page_range.
void SimMemory::ForkRuns(const Vma& vma, const Vma& copy, SimMm::PageRange range, SimMm* parent,
                         SimMm* child) {
  auto& runs = parent->space_.runs;
  std::vector<decltype(AddressSpace::runs)::Entry> present;
  for (auto c = runs.FirstOverlap(range.first, range.last); c && runs.first(c) <= range.last;
       c = runs.Next(c)) {
    present.push_back(runs.entry(c));
  }
  for (const auto& entry : present) {
    const PresentRun run = entry.value;
    uint64_t page = std::max(entry.first, range.first);
    const uint64_t last = std::min(entry.last, range.last);
    if (run.state != PresentState::kOwn && run.state != PresentState::kShared) {
      child->SetRun(SimMm::PageRange{page, last}, run);
      continue;
    }
    while (page <= last) {
      uint64_t end = 0;
      bool pinned = pins_.GetRun(run.Page(page), run.Page(last), &end) != 0;
      if (vma.hugetlb) {
        // A huge page is pinned as a whole.
        const uint64_t block = page & ~(kHugePages - 1);
        end = run.Page(std::min(last, block + kHugePages - 1));
        for (uint64_t p = page; !pinned && p <= last && run.Page(p) <= end;) {
          uint64_t stop = 0;
          pinned = pins_.GetRun(run.Page(p), end, &stop) != 0;
          p += stop - run.Page(p) + 1;
        }
      }
      const uint64_t n = end - run.Page(page) + 1;
      const SimMm::PageRange part{page, page + n - 1};
      if (run.state == PresentState::kOwn && pinned) {
        content_.Copy(run.Page(page), page + copy.own_bias, n);
        child->SetRun(part, PresentRun{copy.own_bias, PresentState::kOwn});
      } else {
        const PresentRun shared{run.bias, PresentState::kShared};
        sharers_.Add(run.Page(page), n, run.state == PresentState::kOwn ? 2 : 1);
        if (run.state == PresentState::kOwn) parent->SetRun(part, shared);
        child->SetRun(part, shared);
      }
      page += n;
    }
  }
}

}  // namespace iovalid::sim
