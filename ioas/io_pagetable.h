// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_IO_PAGETABLE_H_
#define IOVALID_IOAS_IO_PAGETABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "hwmodel/iommu.h"
#include "ioas/frame_reader.h"
#include "ioas/iova_spans.h"
#include "ioas/machine.h"
#include "ioas/pages.h"
#include "ioas/reserved_iova.h"
#include "ioas/result.h"
#include "sim/digest.h"
#include "sim/extent_map.h"
#include "sim/page_data.h"

namespace iovalid::ioas {

// A mapping: the IOVAs of an extent show a slice of a pages object (struct iopt_area).
struct Area {
  PagesId pages = 0;
  uint16_t page_offset = 0;  // of the first byte in its page
  uint8_t rights = 0;        // hwmodel::Rights
  uint8_t locks = 0;         // objects that keep it from being unmapped
  bool prevent_access = false;  // it is being unmapped: no access may pin it any more
  uint32_t accesses = 0;     // pins by accesses
  uint64_t first_index = 0;  // page of the first byte
};

// A slice of a pages object that is to be mapped (struct iopt_pages_list).
struct PagesSlice {
  PagesId pages;
  uint64_t start_byte;  // from the start of page 0
  uint64_t length;      // bytes
};

// The I/O address space itself (struct io_pagetable): areas by IOVA, what is reserved and what is
// allowed, and the domains that are kept filled with what the areas show. IOVAs and lengths are in
// bytes and cover the whole 64-bit space. A value; its pages are in the PagesStore of the context.
//
// Every operation fails as a whole unless it says otherwise.
class IoPagetable {
 public:
  // --- mapping ---

  // iopt_map_pages: maps the slices one after another from *iova on, or where alloc_iova is set
  // from the lowest suitable IOVA on, which is then stored there. Takes over one reference on the
  // pages of each slice, also on failure (as the callers in the kernel do for it).
  Result MapSlices(Machine& machine, PagesStore& store, absl::Span<const PagesSlice> slices,
                   uint64_t length, uint64_t* iova, unsigned rights, bool alloc_iova);

  // iopt_map_user_pages. `length_check_first`: whether the length is looked at before the end of
  // the address range (6.12) or after (7.3).
  struct UserRange {
    uint64_t vaddr;
    uint64_t length;
    bool length_check_first;
    bool mm_accounting;
  };
  Result MapUser(Machine& machine, PagesStore& store, const UserRange& range, uint64_t* iova,
                 unsigned rights, bool alloc_iova);

  // iopt_map_file_pages for a memfd: `length` bytes from byte `start` on. The checks of the range
  // are the caller's, see CheckFileRange. Takes over the reference on the file, also on failure.
  struct FileSource {
    uint32_t object;  // memory object
    FileToken file;
  };
  Result MapFile(Machine& machine, PagesStore& store, const FileSource& source, uint64_t start,
                 uint64_t length, bool mm_accounting, uint64_t* iova, unsigned rights,
                 bool alloc_iova);
  static Result CheckFileRange(uint64_t start, uint64_t length);

  // iopt_map_file_pages for a VFIO dma-buf: `length` bytes from byte `start` of it on, after
  // CheckFileRange. Takes over the reference on the file, also on failure.
  struct DmabufSource {
    uint32_t dmabuf;  // which one; what PagesStore::DmabufImporters asks for
    FileToken file;
    uint64_t size;      // bytes
    uint32_t ranges;    // only one can be mapped
    sim::PageId first;  // first page of that one
    bool revoked;
  };
  Result MapDmabuf(Machine& machine, PagesStore& store, const DmabufSource& source, uint64_t start,
                   uint64_t length, uint64_t* iova, unsigned rights, bool alloc_iova);

  // iopt_get_pages: the slices that the areas show at [iova, iova+length), with a reference each.
  Result GetPages(const Machine& machine, PagesStore& store, uint64_t iova, uint64_t length,
                  std::vector<PagesSlice>* slices) const;

  // iopt_unmap_iova and iopt_unmap_all. Areas go in ascending order; an area that can't go ends the
  // call, and those before it are gone. *unmapped: the bytes that they had.
  Result Unmap(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length,
               uint64_t* unmapped);
  Result UnmapAll(Machine& machine, PagesStore& store, uint64_t* unmapped);

  // iopt_cut_iova for one IOVA: makes it the last of an area, if an area shows it.
  Result Cut(const Machine& machine, PagesStore& store, uint64_t iova);

  // --- address space ---

  // iopt_set_allow_iova: replaces the allowed list (ascending or not, disjoint).
  Result SetAllowed(std::vector<IovaRange> allowed);
  // iopt_reserve_iova, iopt_remove_reserved_iova.
  Result Reserve(const Machine& machine, uint64_t first, uint64_t last, OwnerToken owner);
  void RemoveReserved(OwnerToken owner) { reserved_.RemoveOwner(owner); }

  // iopt_disable_large_pages, iopt_enable_large_pages.
  Result DisableLargePages(const Machine& machine);
  void EnableLargePages(const Machine& machine);

  // --- domains ---

  // iopt_table_add_domain: reserves what lies outside the aperture and maps all areas.
  Result AddDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain);
  // iopt_table_remove_domain.
  void RemoveDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain);

  // --- accesses ---

  // iopt_add_access: `access` may use the memory from here on, and needs IOVAs that are aligned to
  // pages. EADDRINUSE where an area is not. iopt_remove_access.
  Result AddAccess(const Machine& machine, AccessToken access);
  void RemoveAccess(const Machine& machine, AccessToken access);

  // iommufd_access_pin_pages: pins the pages under [iova, iova + length), in bytes, which areas
  // must cover without a gap; *frames = the pages in order. EINVAL, EOVERFLOW, ENOENT, EPERM,
  // EFAULT, ENOMEM.
  Result PinAccess(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length, bool write,
                   std::vector<sim::PageId>* frames);
  // iommufd_access_unpin_pages: undoes a pin of exactly this range; WARNs about any other.
  void UnpinAccess(Machine& machine, PagesStore& store, uint64_t iova, uint64_t length);
  // iommufd_access_rw: copies `length` bytes between `data` and the memory at `iova`. `memory` has
  // the contents of pages. As PinAccess; what was copied before an error stays.
  Result RwAccess(Machine& machine, PagesStore& store, sim::PageData& memory, uint64_t iova,
                  void* data, uint64_t length, bool write);

  // iopt_revoke_notify: takes the areas of `pages`, a dma-buf that is about to be marked as
  // revoked, out of all domains. The areas themselves stay.
  void UnmapRevoked(Machine& machine, PagesStore& store, PagesId pages);

  // --- state ---

  const sim::ExtentMap<Area>& areas() const { return areas_; }
  const ReservedIova& reserved() const { return reserved_; }
  const std::vector<IovaRange>& allowed() const { return allowed_; }
  const std::vector<hwmodel::DomainId>& domains() const { return domains_; }
  // By slot; kNoAccess is a free one.
  const std::vector<AccessToken>& accesses() const { return accesses_; }
  uint64_t iova_alignment() const { return iova_alignment_; }  // bytes
  bool large_pages_disabled() const { return large_pages_disabled_; }

  // Sum of sim::HashMapping over the areas.
  const sim::Digest& mappings_digest() const { return mappings_; }
  // Bytes of all areas together.
  uint64_t mapped_bytes() const { return mapped_bytes_; }
  // Sum of sim::HashRange over the usable ranges, reserved().holes().
  const sim::Digest& usable_digest() const { return reserved_.holes_digest(); }

 private:
  using AreaMap = sim::ExtentMap<Area>;

  // alloc_iova.cc
  Result AllocIova(const Machine& machine, uint64_t addr, uint64_t length, uint64_t* iova) const;
  bool FindHole(uint64_t first, uint64_t last, uint64_t length, uint64_t alignment,
                uint64_t page_offset, uint64_t* iova) const;
  Result CheckIova(uint64_t iova, uint64_t length) const;
  Result InsertArea(Machine& machine, const PagesStore& store, const PagesSlice& slice,
                    uint64_t iova, unsigned rights);

  // fill.cc
  static uint64_t LastIndex(const Area& area, uint64_t length);
  StoredFrames StorageOf(uint64_t iova, const Area& area) const;
  Result FillArea(Machine& machine, PagesStore& store, const AreaMap::Entry& entry,
                  absl::Span<const hwmodel::DomainId> targets);
  Result MapBatch(Machine& machine, hwmodel::DomainId domain, uint64_t iova,
                  const std::vector<sim::PageRun>& batch, unsigned rights);
  void UnfillArea(Machine& machine, PagesStore& store, const AreaMap::Entry& entry,
                  absl::Span<const hwmodel::DomainId> targets);
  void UnmapFrom(Machine& machine, const Pages& pages, hwmodel::DomainId domain,
                 const AreaMap::Entry& entry);

  // domains.cc
  Result FillDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain);
  Result CheckAlignment(uint64_t alignment) const;
  Result RecalculateAlignment(const Machine& machine);

  // access.cc
  void NotifyAccesses(Machine& machine, uint64_t iova, uint64_t length);
  static Result CheckAccess(const Area& area, bool aligned, bool write);
  Result AddAreaAccess(Machine& machine, PagesStore& store, AreaMap::Cursor c, uint64_t first,
                       uint64_t last, bool write, std::vector<sim::PageId>* frames);
  void RemoveAreaAccess(Machine& machine, PagesStore& store, AreaMap::Cursor c, uint64_t first,
                        uint64_t last);
  Result RwPages(Machine& machine, PagesStore& store, sim::PageData& memory,
                 const AreaMap::Entry& entry, uint64_t start_byte, uint8_t* data, uint64_t bytes,
                 bool write);
  static Result RwOnePage(sim::Mm& mm, sim::PageData& memory, uint64_t va, uint8_t* data,
                          uint64_t bytes, bool write);

  Result UnmapRange(Machine& machine, PagesStore& store, uint64_t first, uint64_t last,
                    uint64_t* unmapped);
  void AbortAreas(uint64_t iova, uint64_t end_bytes);

  AreaMap areas_;
  ReservedIova reserved_;
  std::vector<IovaRange> allowed_;  // ascending
  std::vector<hwmodel::DomainId> domains_;
  std::vector<AccessToken> accesses_;  // access_list: the lowest free slot is taken
  uint64_t iova_alignment_ = 1;
  bool large_pages_disabled_ = false;
  sim::Digest mappings_;
  uint64_t mapped_bytes_ = 0;
  FrameReader::Buffers buffers_;  // scratch
};

// The owner of what lies outside a domain's aperture, and of a device's reserved regions.
inline OwnerToken DomainOwner(hwmodel::DomainId domain) { return uint64_t{1} << 32 | domain; }
inline OwnerToken DeviceOwner(uint32_t device) { return uint64_t{2} << 32 | device; }

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_IO_PAGETABLE_H_
