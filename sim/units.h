// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_UNITS_H_
#define IOVALID_SIM_UNITS_H_

#include <cstdint>

namespace iovalid::sim {

// Size of a CPU page in bytes, and its base-2 logarithm. The models are of x86-64.
inline constexpr uint64_t kPageSize = 4096;
inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kPageMask = ~(kPageSize - 1);

// A page frame number: physical address / kPageSize. A pin yields page ids; leaf entries of IOMMU
// page tables hold them shifted by kPageShift. An id is never given to another page, so that a page
// which the process no longer maps, but a device still reaches, keeps its identity.
using PageId = uint64_t;

// Index of an address space, a task, or a user in the simulated machine.
using MmId = uint32_t;
using TaskId = uint32_t;
using UserId = uint32_t;

// What stands behind a page id, as far as pinning and accounting can tell.
enum class PageClass : uint8_t {
  kRam,   // an ordinary page: pinned by GUP and charged
  kZero,  // the shared zero page
  kMmio,  // device memory without a struct page (VM_PFNMAP): never charged
};

// Where ids stand: device memory lies from kFirstMmioPage up, the shared zero page has an id of its
// own, all other ids are RAM.
inline constexpr PageId kZeroPage = 1;
inline constexpr PageId kFirstMmioPage = PageId{1} << 36;

constexpr PageClass ClassOf(PageId page) {
  if (page >= kFirstMmioPage) return PageClass::kMmio;
  return page == kZeroPage ? PageClass::kZero : PageClass::kRam;
}

// A run of consecutive page ids that stand at consecutive addresses.
struct PageRun {
  PageId first = 0;
  uint64_t pages = 0;
  PageClass cls = PageClass::kRam;

  friend bool operator==(const PageRun&, const PageRun&) = default;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_UNITS_H_
