// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_SIM_MM_H_
#define IOVALID_SIM_SIM_MM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/address_space.h"
#include "sim/errno.h"
#include "sim/memory_object.h"
#include "sim/mm.h"
#include "sim/units.h"

namespace iovalid::sim {

class SimMemory;

// One past the highest user address (x86-64, four-level paging: TASK_SIZE_MAX).
inline constexpr uint64_t kUserTop = 0x7ffffffff000;

// What to map, as mmap(MAP_FIXED) is told.
//   anon-private: the defaults                 anon-shared: shared
//   memfd, file-rw: shared, object             file-ro: shared, object, file_writable = false
//   file-priv: object                          hugetlb: hugetlb (object for a hugetlbfs file)
//   thp: as anon-private (THP is enabled=always or absent, so MADV_HUGEPAGE changes nothing)
struct MapRequest {
  uint64_t addr = 0;
  uint64_t len = 0;  // bytes; rounded up to pages
  bool read = false;
  bool write = false;
  bool exec = false;
  bool shared = false;
  bool hugetlb = false;        // MAP_HUGETLB, 2 MiB
  bool file_writable = true;   // the object was opened for writing
  ObjectId object = kNoObject;
  uint64_t offset = 0;         // bytes into the object
};

// How far an access by the program came: `done` bytes, then signal 11 (SEGV) or 7 (BUS); 0 for
// none.
struct TouchResult {
  int signal = 0;
  uint64_t done = 0;
};

// Bytes that the kernel wrote to user memory.
struct WriteRange {
  uint64_t addr;
  uint64_t len;
};

// One simulated address space: the Mm that the kernel models see, the calls by which its program
// arranges its memory, and what a test or a report may look at. It belongs to a SimMemory and lives
// as long; it is reached through SimMemory::mm().
class SimMm final : public Mm {
 public:
  // For SimMemory.
  SimMm(SimMemory* memory, MmId id) : memory_(memory), id_(id) {}

  MmId id() const { return id_; }

  // Mm.
  size_t CopyIn(uint64_t addr, void* to, size_t len) override;
  size_t CopyOut(uint64_t addr, const void* from, size_t len) override;
  bool AccessOk(uint64_t addr, uint64_t len) const override;
  PinResult Pin(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) override;
  PinResult PinFast(uint64_t va, uint64_t pages, bool write, std::vector<PageRun>* runs) override;
  PinResult FollowPfnmap(uint64_t va, uint64_t pages, bool write, PageRun* run) override;
  void Unpin(const PageRun& run, bool dirty) override;
  PinResult PinFile(uint32_t object, uint64_t first_page, uint64_t pages,
                    std::vector<PageRun>* runs) override;
  // kINVAL, kNOMEM as Map. Cookies of what it replaces wait for TakeReleased.
  Errno MapPfns(uint64_t addr, uint64_t pages, bool read, bool write, PageId first,
                uint32_t cookie) override;

  // The program's calls. All replace, cut and merge mappings as the kernel does. `released` gets
  // the cookie of each device mapping whose last piece in this address space went.
  //
  // mmap. kINVAL: len 0, addr or offset misaligned (2 MiB for huge pages). kNOMEM: beyond the top
  // of user space, or out of page ids. kACCES: shared and writable, but the file is not. kBADF: no
  // such object. kOVERFLOW: offset + len wraps. Where the range cuts a huge page that is mapped
  // there: kINVAL.
  Errno Map(const MapRequest& request, std::vector<uint32_t>* released);
  // munmap. kINVAL: len 0, addr misaligned, beyond the top, or a huge page would be cut.
  Errno Unmap(uint64_t addr, uint64_t len, std::vector<uint32_t>* released);
  // mprotect. kINVAL: addr misaligned, huge page cut. kNOMEM: a hole (pieces before it are
  // changed). kACCES: write wanted on a shared mapping of a file not opened for writing.
  Errno Protect(uint64_t addr, uint64_t len, bool read, bool write, bool exec);
  // mremap to `new_addr` (the address the call returned; equal to old_addr where it stayed). What
  // was at new_addr goes. kINVAL: misaligned, empty, or both ranges overlap. kFAULT: a hole, or
  // device memory that would grow.
  Errno Remap(uint64_t old_addr, uint64_t old_len, uint64_t new_addr, uint64_t new_len,
              std::vector<uint32_t>* released);
  // madvise: 4 DONTNEED, 10 DONTFORK and 11 DOFORK are honoured, all other advice changes nothing
  // here. kINVAL: addr misaligned, a huge page cut, or DONTNEED or DOFORK on device memory. kNOMEM:
  // a hole (the mapped parts are changed), or out of page ids.
  Errno Madvise(uint64_t addr, uint64_t len, int advice);

  // One access to each page: at addr, addr + 4096, ... below addr + len, by the program itself.
  TouchResult Touch(uint64_t addr, uint64_t len, bool write);

  // The replayer's own access, whatever the rights: false where part of it is not mapped (then the
  // part before it is done). Not in the write log. Poke faults pages in and breaks copy-on-write as
  // a store by the program does; Peek leaves everything as it is.
  bool Poke(uint64_t addr, const void* from, size_t len);
  bool Peek(uint64_t addr, void* to, size_t len) const;

  // What CopyOut wrote since the last ClearWriteLog, in call order (overlaps are possible).
  void ClearWriteLog() { write_log_.clear(); }
  const std::vector<WriteRange>& write_log() const { return write_log_; }

  // Adds the cookies that MapPfns calls replaced since the last TakeReleased to `released`.
  void TakeReleased(std::vector<uint32_t>* released);

  // The page that the page table has at `va` (the "present" bit of pagemap; rights do not matter).
  // Device mappings are left out, here and below: their frames say by themselves what they are.
  bool PresentPage(uint64_t va, PageId* page) const;
  // Calls fn(va, first page, pages) for each run of present pages, ascending; `va` in bytes.
  // Adjacent runs may be continuous. Zero pages come one by one. Ends early where fn returns false.
  template <typename Fn>
  void ForEachPresentRun(Fn fn) const {
    for (auto c = space_.runs.Begin(); c; c = space_.runs.Next(c)) {
      const uint64_t first = space_.runs.first(c);
      const uint64_t pages = space_.runs.last(c) - first + 1;
      const PresentRun& run = space_.runs.value(c);
      if (run.contiguous()) {
        if (!fn(first << kPageShift, run.Page(first), pages)) return;
        continue;
      }
      for (uint64_t i = 0; i < pages; ++i) {
        if (!fn((first + i) << kPageShift, run.Page(first + i), 1)) return;
      }
    }
  }
  // True where [addr, addr+len) is mapped without a hole.
  bool Mapped(uint64_t addr, uint64_t len) const;
  const AddressSpace& space() const { return space_; }

 private:
  friend class SimMemory;

  // What an access needs of the page-table entries.
  enum class Access : uint8_t {
    kRead,     // a load by the program or the kernel
    kWrite,    // a store, or a pin for writing
    kPinRead,  // a FOLL_LONGTERM pin for reading
  };

  // A range of pages, both ends inclusive.
  struct PageRange {
    uint64_t first;
    uint64_t last;
  };

  // The mappings (sim_mm_map.cc).
  Errno CheckRange(uint64_t addr, uint64_t len, uint64_t alignment, PageRange* range) const;
  bool CutsHugePage(PageRange range) const;
  void SplitAt(uint64_t page);
  void Remove(PageRange range, std::vector<uint32_t>* released);
  void DropPiece(uint32_t device, std::vector<uint32_t>* released);
  bool WithoutHole(PageRange range) const;
  bool Renumber(PageRange range);
  void Move(PageRange from, uint64_t to_first);
  Errno Grow(const Vma& like, PageRange range);
  void TruncateObject(ObjectId object, uint64_t pages);

  // The page table (sim_mm_fault.cc).
  void SetRun(PageRange range, const PresentRun& run);
  void SetOwn(PageRange range);
  void CutRuns(PageRange range);
  void ClearRuns(PageRange range);
  void SplitHugeZero(uint64_t page);
  uint64_t PresentUnreadable(uint64_t page, uint64_t pages) const;
  bool NeedsOwn(const Vma& vma, PresentState state, Access access) const;
  void FaultIn(const Vma& vma, PageRange range, Access access);
  void Populate(const Vma& vma, PageRange range, Access access);
  void PopulateAnonymous(const Vma& vma, PageRange range, Access access);
  void PopulateObject(const Vma& vma, PageRange range, Access access);
  void MapAround(const Vma& vma, PageRange range);
  void MakeOwn(const Vma& vma, PageRange range, const PresentRun& run);
  void BreakSharing(const Vma& vma, PageRange range, const PresentRun& run);
  bool WholeBlockFree(const Vma& vma, uint64_t block) const;
  int FaultSignal(uint64_t page, Access access, uint64_t last, Vma* vma, uint64_t* reach) const;

  // Copies (sim_mm_copy.cc).
  bool Reach(uint64_t page, bool write, bool force, uint32_t* slot);
  bool Backed(uint64_t page, Vma* vma) const;
  size_t Read(uint64_t addr, void* to, size_t len);
  size_t Write(uint64_t addr, const void* from, size_t len, bool force);

  // Pins (sim_mm_pin.cc).
  void AppendPinned(PageRange range, size_t first_run, std::vector<PageRun>* runs);
  bool WritablyPinned(const Vma& vma) const;
  void CacheRun(const Vma& vma, uint64_t page);

  // Forgets the caches. After every change of a mapping or a page-table entry.
  void Changed();

  // A page of recent copies whose contents are in slot `slot`.
  struct CachedPage {
    uint64_t page = kNoPage;
    uint32_t slot = 0;
    bool writable = false;
  };
  // A run of recent pins: pages that can be pinned as they are.
  struct CachedRun {
    uint64_t first = 1;
    uint64_t last = 0;
    uint64_t bias = 0;
    bool read = false;
    bool write = false;
  };
  static constexpr uint64_t kNoPage = ~uint64_t{0};
  static constexpr size_t kCachedPages = 8;

  // A device mapping: how many pieces are left of it.
  struct DeviceMapping {
    uint32_t cookie;
    uint32_t pieces;
  };

  SimMemory* memory_;
  MmId id_;
  AddressSpace space_;
  std::vector<DeviceMapping> devices_;
  std::vector<uint32_t> free_devices_;
  std::vector<uint32_t> waiting_released_;
  CachedPage cached_pages_[kCachedPages];
  CachedRun cached_run_;
  std::vector<WriteRange> write_log_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_SIM_MM_H_
