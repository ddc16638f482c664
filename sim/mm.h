// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_MM_H_
#define IOVALID_SIM_MM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/errno.h"
#include "sim/units.h"

namespace iovalid::sim {

// How far a pin came. `pages` were pinned before `error` stopped it; error is kOk exactly if all
// the pages asked for were pinned.
struct PinResult {
  uint64_t pages = 0;
  Errno error = Errno::kOk;
};

// One address space, as the kernel under test sees it. This is the only way to a caller's memory:
// nothing above this seam may assume that the memory is simulated.
//
// An Mm is attached to a compat::System, never contained in it; the caller keeps it alive for as
// long as the System can be called.
class Mm {
 public:
  virtual ~Mm() = default;

  // copy_from_user / copy_to_user: copies `len` bytes at user address `addr`. Returns the number of
  // bytes copied, counted from the start; less than `len` means that the rest faulted (EFAULT).
  // A range that is not below the top of user space (AccessOk) copies nothing.
  virtual size_t CopyIn(uint64_t addr, void* to, size_t len) = 0;
  virtual size_t CopyOut(uint64_t addr, const void* from, size_t len) = 0;

  // access_ok: whether [addr, addr+len) lies below the top of user space. len == 0 is true for any
  // addr up to the top.
  virtual bool AccessOk(uint64_t addr, uint64_t len) const = 0;

  // pin_user_pages_remote(FOLL_LONGTERM [| FOLL_WRITE]) of `pages` pages from the page-aligned
  // address `va`: faults pages in and appends them to `runs` (adjacent runs are merged with the last
  // one that this call appended). Stops at the first page that can't be pinned (mm/gup.c: no VMA,
  // VM_IO or VM_PFNMAP, rights, beyond the end of the file) with kFAULT, or kNOMEM.
  virtual PinResult Pin(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) = 0;

  // pin_user_pages_fast, for the address space of the calling task: as Pin, but a page that the
  // page table has is taken as the entry allows, without a look at the mapping. On x86 a page of a
  // mapping with PROT_WRITE alone can thus be pinned for reading while it is present.
  virtual PinResult PinFast(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) {
    return Pin(va, pages, write, runs);
  }

  // follow_pfnmap_start after a fault: the frames of a VM_PFNMAP mapping (a device BAR) at `va`,
  // as one contiguous run of at most `pages` pages. kFAULT where `va` is not in such a mapping or
  // the mapping does not allow `write`. Takes no reference.
  virtual PinResult FollowPfnmap(uint64_t va, uint64_t pages, bool write, PageRun* run) = 0;

  // Undoes one Pin (or PinFile) of this run. `dirty` marks the pages written.
  virtual void Unpin(const PageRun& run, bool dirty) = 0;

  // memfd_pin_folios: pins `pages` pages of memory object `object` (see Memory objects in
  // sim/sim_memory.h; for a live process: a memfd) from page index `first_page`. kINVAL where the
  // object is not a memfd or ends before the range does.
  virtual PinResult PinFile(uint32_t object, uint64_t first_page, uint64_t pages,
                            std::vector<PageRun>* runs) = 0;

  // mmap of device memory (VM_PFNMAP | VM_IO, MAP_SHARED, MAP_FIXED) of `pages` pages from frame
  // `first`. `cookie` comes back through the munmap that removes the last piece of the mapping, so
  // that the owner of the device file can drop its reference.
  virtual Errno MapPfns(uint64_t addr, uint64_t pages, bool read, bool write, PageId first,
                        uint32_t cookie) = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_MM_H_
