// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_IOMMU_H_
#define IOVALID_HWMODEL_IOMMU_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "hwmodel/access.h"
#include "hwmodel/fault_log.h"
#include "hwmodel/iommu_config.h"
#include "hwmodel/iotlb.h"
#include "hwmodel/table_memory.h"
#include "hwmodel/unit.h"
#include "sim/digest.h"
#include "sim/errno.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

// One IOMMU unit together with the kernel's driver of it: domains with page tables in table memory,
// and the devices attached to them. Legacy-mode Intel VT-d with second-stage tables.
//
// This is the driver: it writes tables and contexts and issues invalidations. The hardware is a
// Unit, which knows only tables, contexts and what it cached. A value: a copy is independent of the
// original and cheap (tables are copied on write).
class Iommu {
 public:
  explicit Iommu(const IommuConfig& config);

  const IommuConfig& config() const { return config_; }

  // --- Domains -----------------------------------------------------------------------------------

  // A paging domain that translates nothing yet. Ids are the lowest free ones. kNoDomain where the
  // unit has no domain id or no table frame left (the kernel: ENOSPC, ENOMEM).
  DomainId AllocDomain();
  // The same for 64 address bits, without hardware behind it: tables that only the kernel looks at,
  // as iommufd makes for devices that have no IOMMU (hwpt_noiommu.c). No source can be attached.
  DomainId AllocSoftwareDomain();
  // Frees the tables and detaches every source that is still attached. Cached translations go too.
  void FreeDomain(DomainId domain);
  bool domain_exists(DomainId domain) const {
    return domain < domains_.size() && domains_[domain].root != kNoFrame;
  }

  // Made by AllocSoftwareDomain.
  bool software(DomainId domain) const { return Get(domain).software; }

  // Leaf sizes in bytes as a bit map; aperture in bytes, inclusive.
  uint64_t page_sizes(DomainId domain) const;
  uint64_t aperture_first(DomainId domain) const;
  uint64_t aperture_last(DomainId domain) const;

  // enforce_cache_coherency: entries written from now on force snooping (SNP); those already there
  // stay as they are. False, and no effect, where the unit has no snoop control.
  bool EnforceCacheCoherency(DomainId domain);

  // Dirty tracking (intel_iommu_set_dirty_tracking): while it is on, the unit sets accessed and
  // dirty bits in the domain's entries. False, and no effect, where the unit has none.
  bool SetDirtyTracking(DomainId domain, bool on);
  // Calls dirty(iova, bytes) for what of the byte addresses [first_iova, last_iova] lies in dirty
  // leaves, ascending, and makes these clean if `clear` (read_and_clear_dirty without
  // IOMMU_DIRTY_NO_CLEAR). The caller invalidates what it cleared, or later writes may not be seen.
  void ReadDirty(DomainId domain, uint64_t first_iova, uint64_t last_iova, bool clear,
                 absl::FunctionRef<void(uint64_t iova, uint64_t bytes)> dirty);

  // --- Devices -----------------------------------------------------------------------------------

  // Makes the context entry of `source` point at `domain`; replaces what it pointed at. Invalidates
  // the domain's cached translations as the driver does.
  void Attach(SourceId source, DomainId domain);
  // To the blocked state: every request faults.
  void Detach(SourceId source);
  // kNoDomain where blocked.
  DomainId attached(SourceId source) const {
    return source < contexts_.size() ? contexts_[source] : kNoDomain;
  }

  // --- Mappings ----------------------------------------------------------------------------------

  // iommu_map: maps `pages` pages of 4 KiB from byte address `iova` to the frames first, first+1,
  // ... with the largest leaf sizes that the alignment of both, the remaining length and the
  // domain's page sizes allow; only the smallest size if `small_pages_only`. `rights` is a set of
  // Rights.
  //
  // Errors are those of config().rules: no rights, misaligned iova, no pages, beyond the table's
  // width, an entry already present; kNOMEM without table frames. On an error nothing of this call
  // stays mapped: it is undone by Unmap. (Empty tables may be left, as in the kernel.)
  sim::Errno Map(DomainId domain, uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights,
                 bool small_pages_only = false);

  // iommu_unmap: unmaps from byte address `iova` on and returns the bytes unmapped. More than
  // `bytes` where the end falls into a large leaf: the whole leaf goes, none is ever split. Nothing
  // more is unmapped from where `iova` lies inside a large leaf but not at its start (generic_pt
  // __unmap_range). Holes: see DriverRules. `iova` and `bytes` must be multiples of 4 KiB, or
  // nothing is done.
  uint64_t Unmap(DomainId domain, uint64_t iova, uint64_t bytes);

  // The same without the invalidation (iommu_map_nosync, iommu_unmap_fast before iommu_iotlb_sync):
  // the caller invalidates, or the hardware may go on using what it cached.
  sim::Errno MapNoSync(DomainId domain, uint64_t iova, sim::PageId first, uint64_t pages,
                       unsigned rights, bool small_pages_only = false);
  uint64_t UnmapNoSync(DomainId domain, uint64_t iova, uint64_t bytes);

  // iova_to_phys with a run length: the frame at byte address `iova`, and how many pages from there
  // on (at least 1, at most `max_pages`) are mapped to consecutive frames with the same rights.
  // Through table memory; no fault, no caching.
  struct Run {
    bool mapped = false;
    sim::PageId first = 0;
    uint64_t pages = 0;
    unsigned rights = 0;
  };
  Run Lookup(DomainId domain, uint64_t iova, uint64_t max_pages) const;

  // Calls `run` for each maximal run of consecutive IOVA pages mapped to consecutive frames with
  // the same rights, ascending, within the byte addresses [first_iova, last_iova] (inclusive; the
  // pages that contain them count in full). Through table memory.
  void ForEachRun(
      DomainId domain, uint64_t first_iova, uint64_t last_iova,
      absl::FunctionRef<void(uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights)>
          run) const;

  // What the domain's tables reach: the sum of sim::HashReach over the leaf entries, kept up to
  // date as entries are written. The zero digest where nothing is mapped.
  const sim::Digest& reach(DomainId domain) const { return Get(domain).reach; }
  // The same for what `source` is attached to; zero where it is blocked.
  sim::Digest reach_of_source(SourceId source) const;

  // --- Hardware: DMA -----------------------------------------------------------------------------

  using Translation = hwmodel::Translation;

  // The only way for a device to memory. `iova` in bytes; `access` is a set of Rights (both for an
  // atomic operation). See Unit::Translate.
  Translation Translate(SourceId source, uint64_t iova, unsigned access) {
    return unit_.Translate(memory_, {source, iova, access, kNoPasid});
  }

  // --- Invalidation (queue descriptors of specification section 6.5.2) --------------------------

  // The pages of [iova, iova+bytes), as the driver asks for it: rounded to an aligned power of two,
  // or the whole domain where that is larger than the unit's maximum (cache_tag_flush_range).
  void InvalidateRange(DomainId domain, uint64_t iova, uint64_t bytes);
  void InvalidateDomain(DomainId domain);
  void InvalidateAll();

  // --- Looking inside ----------------------------------------------------------------------------

  FaultLog& faults() { return unit_.faults(); }
  const FaultLog& faults() const { return unit_.faults(); }
  const Iotlb& iotlb() const { return unit_.iotlb(); }
  const WalkCache& walk_cache() const { return unit_.walk_cache(); }
  const TableMemory& table_memory() const { return memory_; }
  // Writing here is what a broken driver or a flipped bit would do; `reach` does not follow.
  TableMemory& mutable_table_memory() { return memory_; }
  // The frame of the top table, and the number of levels (3, 4 or 5).
  FrameId root(DomainId domain) const { return Get(domain).root; }
  unsigned levels() const { return levels_; }
  // Frames that hold tables of this domain, the top one included.
  size_t table_frames(DomainId domain) const { return memory_.OwnedBy(domain); }

 private:
  struct Domain {
    FrameId root = kNoFrame;  // kNoFrame: the id is free
    unsigned levels = 0;
    unsigned address_bits = 0;
    bool software = false;
    bool force_snoop = false;
    bool dirty_tracking = false;
    sim::Digest reach;
  };

  // Aborts where the domain does not exist: a bug of the caller.
  const Domain& Get(DomainId domain) const;
  Domain& Get(DomainId domain) { return const_cast<Domain&>(std::as_const(*this).Get(domain)); }

  DomainId AddDomain(unsigned levels, unsigned address_bits, bool software);
  // What the unit is told of a domain.
  Context ContextOf(DomainId domain) const;

  IommuConfig config_;
  unsigned levels_;
  TableMemory memory_;
  Unit unit_;
  std::vector<Domain> domains_;
  std::vector<DomainId> contexts_;  // by source
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_IOMMU_H_
