// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_PAGES_H_
#define IOVALID_IOAS_PAGES_H_

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "hwmodel/iommu.h"
#include "ioas/machine.h"
#include "ioas/pin_table.h"
#include "ioas/result.h"
#include "sim/units.h"

namespace iovalid::ioas {

// Where pages come from (enum iopt_address_type).
enum class PagesSource : uint8_t {
  kUser,    // user memory at an address
  kFile,    // a memfd
  kDmabuf,  // device memory of a VFIO dma-buf: never pinned, never charged
};

// A file that a pages object keeps open, by a number that is its owner's.
using FileToken = uint32_t;
inline constexpr FileToken kNoFile = ~FileToken{0};

// Who is charged for pinned pages (IOPT_PAGES_ACCOUNT_*).
enum class AccountMode : uint8_t { kNone, kUser, kMm };

inline constexpr unsigned kAccountModes = 3;

// A linear range of pages that areas show at IOVAs: struct iopt_pages. Areas share it after
// IOAS_COPY or a split. Counts and indexes are in pages.
struct Pages {
  // kUser: user address, kFile: offset in the object, kDmabuf: offset in the buffer; of page 0, in
  // bytes, a multiple of the page size.
  uint64_t base = 0;
  uint64_t npages = 0;
  uint64_t npinned = 0;          // pinned now
  uint64_t ncharged = 0;         // last_npinned: charged so far
  sim::PageId dmabuf_first = 0;  // kDmabuf: frame of page 0
  sim::MmId mm = 0;              // source_mm, source_task, source_user
  sim::TaskId task = 0;
  sim::UserId user = 0;
  uint32_t object = 0;  // kFile: memory object; kDmabuf: dma-buf
  FileToken file = kNoFile;
  uint32_t refs = 0;  // areas, and calls in progress
  PagesSource source = PagesSource::kUser;
  AccountMode account = AccountMode::kNone;
  bool writable = false;
  bool shared = false;   // pinned frames are in the pin table, not only in a page table
  bool revoked = false;  // kDmabuf: the exporter took the memory back

  bool pins() const { return source != PagesSource::kDmabuf; }
};

// Where the frames of an unshared pages object are stored: in the page table of a domain, from byte
// address `iova` on, which shows page `index`.
struct StoredFrames {
  hwmodel::DomainId domain = hwmodel::kNoDomain;  // kNoDomain: nowhere, nothing is pinned
  uint64_t iova = 0;
  uint64_t index = 0;
};

// The pages objects of one iommufd context, with their pins and charges. A value.
class PagesStore {
 public:
  // iopt_alloc_user_pages, iopt_alloc_file_pages, iopt_alloc_dmabuf_pages without their argument
  // checks: `start_byte` is the offset of the first byte in page 0. The new object has one
  // reference, belongs to the current task, and has the account mode that CAP_IPC_LOCK and
  // `mm_accounting` (IOPT_PAGES_ACCOUNT_MM of the context) give.
  PagesId Add(const Machine& machine, PagesSource source, uint64_t base, uint64_t start_byte,
              uint64_t length, bool writable, bool mm_accounting);

  Pages& at(PagesId id) { return pages_[id]; }
  const Pages& at(PagesId id) const { return pages_[id]; }

  void Ref(PagesId id) { ++pages_[id].refs; }
  // iopt_put_pages. The last reference frees the object, which must hold no pins.
  void Unref(PagesId id);

  // The objects of dma-buf `dmabuf` that still show it.
  std::vector<PagesId> DmabufImporters(uint32_t dmabuf) const;
  // A reference on a file is given back (fput): each kFile and kDmabuf object holds one.
  void ReleaseFile(FileToken file) {
    if (file != kNoFile) released_files_.push_back(file);
  }
  // Those given back since the last time, for whoever counts them.
  std::vector<FileToken> TakeReleasedFiles() { return std::exchange(released_files_, {}); }

  // Pages pinned by all objects together.
  uint64_t pinned() const { return pinned_; }

  PinTable& table() { return table_; }
  const PinTable& table() const { return table_; }

  // Before a second area or an access uses the object: moves what is known about its frames into
  // the pin table. `stored` tells where the pages [first, last] of its one area are; no effect if
  // the object is shared already.
  void Share(const Machine& machine, PagesId id, const StoredFrames& stored, uint64_t first,
             uint64_t last);

  // The accesses of the pages [first, last] (indexes) of an object, counted by exact range
  // (iopt_pages_get_exact_access). DropAccess: true if this was the last one.
  bool HasAccess(PagesId id, uint64_t first, uint64_t last) const {
    return accesses_.count({id, first, last}) != 0;
  }
  void AddAccess(PagesId id, uint64_t first, uint64_t last) { ++accesses_[{id, first, last}]; }
  bool DropAccess(PagesId id, uint64_t first, uint64_t last);
  // Of all of them, in order: {{object, first, last}, users}.
  const std::map<std::tuple<PagesId, uint64_t, uint64_t>, uint32_t>& accesses() const {
    return accesses_;
  }

  // One pin_user_pages or memfd_pin_folios call for `count` pages from page `index`: appends the
  // frames to `runs`. At least one page is pinned, or the result says why not.
  Result Pin(const Machine& machine, PagesId id, uint64_t index, uint64_t count,
             std::vector<sim::PageRun>* runs);
  // Releases pinned pages; the charge stays until Settle.
  void Unpin(const Machine& machine, PagesId id, const sim::PageRun& run);

  // iopt_pages_update_pinned: makes the charge follow the pins. ENOMEM where RLIMIT_MEMLOCK does
  // not allow more; then nothing changed. Never fails where it has to become less.
  Result Settle(Machine& machine, PagesId id);

  // iommufd_ioas_change_process, for the pages objects `ids` (each once): charges what they pin to
  // the current task's address space or user, and makes them its own. ENOMEM: nothing changed.
  Result ChangeProcess(Machine& machine, const std::vector<PagesId>& ids);

  // Frames of what Unpin and RemoveUser release, for reuse; empty between calls.
  std::vector<PinnedFrames>& scratch_frames() { return scratch_frames_; }

 private:
  Result Account(Machine& machine, AccountMode mode, sim::MmId mm, sim::TaskId task,
                 sim::UserId user, uint64_t pages, bool more);

  std::vector<Pages> pages_;
  std::vector<PagesId> free_;
  PinTable table_;
  std::map<std::tuple<PagesId, uint64_t, uint64_t>, uint32_t> accesses_;
  uint64_t pinned_ = 0;
  std::vector<FileToken> released_files_;
  std::vector<PinnedFrames> scratch_frames_;
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_PAGES_H_
