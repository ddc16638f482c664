// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_SIM_MEMORY_H_
#define IOVALID_SIM_SIM_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "sim/errno.h"
#include "sim/frame_allocator.h"
#include "sim/memory_object.h"
#include "sim/memory_policy.h"
#include "sim/page_content.h"
#include "sim/page_data.h"
#include "sim/run_counter.h"
#include "sim/sim_mm.h"
#include "sim/units.h"

namespace iovalid::sim {

inline constexpr MmId kNoMm = 0xffffffff;

// The simulated user memory of one side of a replay: memory objects, address spaces, page identity,
// pins and page contents.
//
// It is a value: a copy is independent of the original. `mm()` of the copy gives the copy's own
// address spaces; whoever held an Mm* of the original must attach the one of the copy.
//
// Page ids depend only on the calls that a program makes to arrange its memory (Map, CreateObject,
// Resize, Remap, ForkMm), never on what is touched or pinned in between, and are never used twice.
class SimMemory final : public PageData {
 public:
  explicit SimMemory(const MemoryPolicy& policy);
  SimMemory(const SimMemory& other);
  SimMemory(SimMemory&& other) noexcept;
  SimMemory& operator=(const SimMemory& other);
  SimMemory& operator=(SimMemory&& other) noexcept;
  ~SimMemory() override = default;

  const MemoryPolicy& policy() const { return policy_; }

  // Address spaces. Ids count up from 0 and are not used again.
  // A new, empty one.
  MmId AddMm();
  // dup_mmap: a copy of `parent`. Mappings marked MADV_DONTFORK and device memory with it are left
  // out. Private pages become shared copy-on-write, except that pinned ones are copied for the
  // child at once (copy_present_page). Cookies of inherited device mappings are reported in
  // `cookies`, one entry for each mapping, for the owner to take a reference. kNoMm where no page
  // ids are left.
  MmId ForkMm(MmId parent, std::vector<uint32_t>* cookies);
  // exit_mmap: unmaps everything. Cookies that are gone with it are added to `released`. Pinned
  // pages stay what they are until they are unpinned. The Mm object stays and faults on everything.
  void RemoveMm(MmId mm, std::vector<uint32_t>* released);
  size_t mm_count() const { return spaces_.size(); }
  // Valid for the lifetime of this SimMemory.
  SimMm& mm(MmId id) { return spaces_[id]; }
  const SimMm& mm(MmId id) const { return spaces_[id]; }

  // Memory objects. `size` in bytes.
  // kNoObject where the machine has no page ids left.
  ObjectId CreateObject(ObjectKind kind, uint64_t size);
  // ftruncate: pages beyond the end leave the object and all address spaces (truncate_pagecache,
  // with private copies), but stay what they are where pinned. kINVAL for an unknown object or, for
  // hugetlbfs, a size that is no multiple of 2 MiB; kNOMEM.
  Errno Resize(ObjectId object, uint64_t size);
  // All pages of a file that has been written are in the page cache (see
  // MemoryObjects::MarkCached).
  void MarkWritten(ObjectId object) { objects_.MarkCached(object, 0, objects_.pages(object) - 1); }
  const MemoryObjects& objects() const { return objects_; }

  // PageData: pages are zero until written. MMIO frames are not here.
  bool ReadPage(PageId page, uint64_t offset, void* to, size_t len) override;
  bool WritePage(PageId page, uint64_t offset, const void* from, size_t len) override;

  // Pins outstanding: of all pages together (a page pinned twice counts twice), and of one page.
  uint64_t pinned_pages() const { return pins_.total(); }
  uint32_t PinCount(PageId page) const { return pins_.Get(page); }
  // Calls fn(first page, pages, count) for each maximal run of equal non-zero pin count, ascending.
  template <typename Fn>
  void ForEachPinnedRun(Fn fn) const {
    pins_.ForEach(fn);
  }

  // Pages that have contents (were written), for tests and measurements.
  size_t content_pages() const { return content_.size(); }

 private:
  friend class SimMm;

  void Adopt();
  void ForkRuns(const Vma& vma, const Vma& copy, SimMm::PageRange range, SimMm* parent,
                SimMm* child);
  void CollectContent();

  MemoryPolicy policy_;
  FrameAllocator frames_;
  MemoryObjects objects_;
  RunCounter pins_;
  RunCounter sharers_;  // of anonymous pages that a fork shared: address spaces that map them
  PageContent content_;
  size_t collect_at_;  // content pages at which unreachable ones are looked for
  std::deque<SimMm> spaces_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_SIM_MEMORY_H_
