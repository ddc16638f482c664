// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_MEMORY_FIXTURE_H_
#define IOVALID_SIM_MEMORY_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/sim_memory.h"

namespace iovalid::sim {

// For tests: one address space, and short ways to arrange and look at it. Lengths are in pages
// here.
class MemoryFixture {
 public:
  explicit MemoryFixture(const MemoryPolicy& policy = {}) : memory(policy) { memory.AddMm(); }

  SimMm& mm() { return memory.mm(0); }

  static MapRequest Anonymous(uint64_t addr, uint64_t pages, bool read = true, bool write = true) {
    MapRequest request;
    request.addr = addr;
    request.len = pages * kPageSize;
    request.read = read;
    request.write = write;
    return request;
  }
  static MapRequest Shared(uint64_t addr, uint64_t pages, ObjectId object,
                           uint64_t first_page = 0) {
    MapRequest request = Anonymous(addr, pages);
    request.shared = true;
    request.object = object;
    request.offset = first_page * kPageSize;
    return request;
  }
  static MapRequest Private(uint64_t addr, uint64_t pages, ObjectId object) {
    MapRequest request = Shared(addr, pages, object);
    request.shared = false;
    return request;
  }

  Errno Map(const MapRequest& request) { return mm().Map(request, &released); }
  Errno Unmap(uint64_t addr, uint64_t pages) {
    return mm().Unmap(addr, pages * kPageSize, &released);
  }
  PinResult Pin(uint64_t addr, uint64_t pages, bool write) {
    runs.clear();
    return mm().Pin(addr, pages, write, &runs);
  }
  // The page pinned at addr, or 0; it stays pinned.
  PageId PinOne(uint64_t addr, bool write) {
    return Pin(addr, 1, write).pages == 1 ? runs[0].first : 0;
  }
  // The page present at addr, or 0.
  PageId At(uint64_t addr) const {
    PageId page = 0;
    return memory.mm(0).PresentPage(addr, &page) ? page : 0;
  }
  // Pages present in [addr, addr + pages).
  uint64_t Present(uint64_t addr, uint64_t pages) const {
    uint64_t n = 0;
    for (uint64_t i = 0; i < pages; ++i) n += At(addr + i * kPageSize) != 0;
    return n;
  }

  SimMemory memory;
  std::vector<PageRun> runs;
  std::vector<uint32_t> released;
};

// The policies of the kernels that are modelled.
inline MemoryPolicy Policy61() {
  MemoryPolicy policy;
  policy.huge_zero_copied_whole = false;
  policy.longterm_ro_pin_unshares = false;
  policy.longterm_write_needs_shmem = false;
  return policy;
}
inline MemoryPolicy Policy612WithoutThp() {
  MemoryPolicy policy;
  policy.thp = false;
  policy.huge_zero_copied_whole = false;
  return policy;
}
inline MemoryPolicy Policy73() { return MemoryPolicy{}; }

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_MEMORY_FIXTURE_H_
