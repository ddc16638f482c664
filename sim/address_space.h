// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_ADDRESS_SPACE_H_
#define IOVALID_SIM_ADDRESS_SPACE_H_

#include <cstdint>

#include "sim/extent_map.h"
#include "sim/frame_allocator.h"
#include "sim/memory_object.h"
#include "sim/units.h"

namespace iovalid::sim {

inline constexpr uint32_t kNoDevice = 0xffffffff;

// A mapping. Everything that depends on the place of a page in it is kept as a bias, to be added to
// the page's address / kPageSize (modulo 2^64): cutting a mapping in two copies the record.
struct Vma {
  uint64_t own_bias = 0;    // page id of the process's own page where it has had none before
  uint64_t cow_bias = 0;    // page id of the copy of a page that the last fork shared
  uint64_t index_bias = 0;  // page index in the object; frame number for device memory
  ObjectId object = kNoObject;
  uint32_t device = kNoDevice;  // index of the device mapping it is a piece of
  bool read = false;
  bool write = false;
  bool exec = false;
  bool shared = false;
  bool hugetlb = false;
  bool may_write = true;  // VM_MAYWRITE
  bool dont_fork = false;

  bool is_device() const { return device != kNoDevice; }
  bool accessible() const { return read || write || exec; }
  // Anonymous memory of base pages, where transparent huge pages can be.
  bool anonymous() const { return !shared && !hugetlb && !is_device() && object == kNoObject; }
};

// What stands in page-table entries.
enum class PresentState : uint8_t {
  kOwn,       // a page of this process alone (PageAnonExclusive), or an own huge page
  kShared,    // an anonymous page shared copy-on-write since a fork
  kObject,    // a page of the mapped object
  kZero,      // the zero page
  kHugeZero,  // the huge zero page, an aligned block of 512 entries at a time
};

struct PresentRun {
  uint64_t bias = 0;  // page id minus address / kPageSize; 0 for the zero pages
  PresentState state = PresentState::kOwn;

  // Whether consecutive addresses have consecutive pages.
  bool contiguous() const {
    return state != PresentState::kZero && state != PresentState::kHugeZero;
  }
  PageId Page(uint64_t va_page) const {
    if (state == PresentState::kZero) return kZeroPage;
    if (state == PresentState::kHugeZero) return kHugeZeroPage + (va_page & (kHugePages - 1));
    return va_page + bias;
  }

  friend bool operator==(const PresentRun&, const PresentRun&) = default;
};

// The mappings and the page table of one address space, both by address / kPageSize.
struct AddressSpace {
  ExtentMap<Vma, 8, 16> vmas;
  ExtentMap<PresentRun, 16, 16> runs;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_ADDRESS_SPACE_H_
