// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_UNIT_H_
#define IOVALID_HWMODEL_UNIT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hwmodel/access.h"
#include "hwmodel/context.h"
#include "hwmodel/context_cache.h"
#include "hwmodel/fault_code.h"
#include "hwmodel/fault_log.h"
#include "hwmodel/invalidation.h"
#include "hwmodel/iotlb.h"
#include "hwmodel/page_request.h"
#include "hwmodel/physical_memory.h"
#include "hwmodel/space_table.h"
#include "hwmodel/walk_cache.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

struct UnitConfig {
  // Physical addresses of pass-through requests have no more bits.
  unsigned host_address_bits = 52;
  // The interrupt (MSI) window in bytes, inclusive: requests without PASID are never translated
  // there (VT-d specification section 3.14, AMD section 2.1.2). Whole pages: rounded outwards. Empty
  // where first > last, as on Arm and RISC-V, whose interrupt messages are translated.
  uint64_t msi_first = 0xfee00000;
  uint64_t msi_last = 0xfeefffff;
  unsigned iotlb_sets_4k = 512;       // power of two, 4 ways a set; 0: none
  unsigned walk_cache_sets = 64;      // a level, power of two, 4 ways; 0: none
  unsigned pasid_cache_entries = 64;  // power of two
  unsigned fault_records = 1;
  unsigned page_requests = 32;
};

// A DMA request.
struct Request {
  SourceId source = 0;
  uint64_t address = 0;     // bytes
  unsigned access = kRead;  // a set of Rights, not empty (both for an atomic operation)
  Pasid pasid = kNoPasid;
};

struct Translation {
  bool ok = false;
  // A request to the MSI window: never translated, no fault recorded. A write is an interrupt
  // message; a read is aborted.
  bool interrupt = false;
  FaultReason reason = FaultReason::kNone;
  uint8_t rights = 0;    // that the translation would allow as well; at least those asked for
  sim::PageId page = 0;  // address / 4096
  // Bytes from the address to the end of the page that translated it, or to the MSI window where
  // that comes first.
  uint64_t bytes_left_in_run = 0;
  uint64_t address = 0;  // what the request's first byte translates to
};

// The hardware of one IOMMU: contexts, caches, walks, faults and page requests. It knows only what
// software wrote: contexts, tables in memory, invalidations. A value: copies are independent and
// share caches until one of them fills or invalidates.
//
// Memory is handed in with each call, not kept. Deterministic: the same calls leave the same state.
class Unit {
 public:
  explicit Unit(const UnitConfig& config);

  const UnitConfig& config() const { return config_; }

  // --- What software writes ----------------------------------------------------------------------

  // The context of a device, and of a PASID of it. What the unit cached of an older one holds until
  // it is invalidated. Contexts that block are never cached.
  void SetContext(SourceId source, const Context& context);
  void SetPasidContext(SourceId source, Pasid pasid, const Context& context);
  void ClearContext(SourceId source);
  void ClearPasidContext(SourceId source, Pasid pasid);
  // Null where there is none.
  const Context* context(SourceId source) const { return tables_.Find(source); }

  void Invalidate(const Invalidation& what);

  // --- What devices send -------------------------------------------------------------------------

  // Looks into the caches, walks the tables on a miss and caches the result, records a fault where
  // there is one. Where both rights are missing, the write is reported.
  Translation Translate(PhysicalMemory& memory, const Request& request) {
    if (request.pasid == kNoPasid) {
      if (request.address - config_.msi_first < msi_size_) return Interrupt();
      const ContextCache::Hot* hot = cache_.FindHot(request.source);
      if (hot != nullptr && hot->Holds(request.address)) {
        const uint64_t found = iotlb_.Find4K(hot->space, request.address);
        // Where a cached entry lacks a right, the tables decide before a fault is reported.
        if (found != 0 && (request.access & ~Iotlb::RightsOf(found)) == 0) {
          return TranslatedBy4K(request, found);
        }
      }
    }
    return TranslateSlowly(memory, request);
  }

  // An ATS translation request (PCI Express section 10.2): as Translate, but a page that is not
  // there or lacks rights is no fault: the answer has ok with the rights there are, maybe none.
  // Other errors are faults and !ok.
  Translation AtsTranslate(PhysicalMemory& memory, const Request& request);
  // A request with an address that ATS gave: the address, unless the source may not do that.
  Translation TranslatedRequest(const Request& request);
  // False, with the unit's own answer in *response if the request was the last of its group, where
  // the request was not queued: no PRI for this source (invalid request), or overflow (success, so
  // that the device tries again).
  bool RequestPage(const PageRequest& request, PageResponse* response, bool* answered);

  // --- Registers and looking inside --------------------------------------------------------------

  FaultLog& faults() { return faults_; }
  const FaultLog& faults() const { return faults_; }
  PageRequestQueue& page_requests() { return page_requests_; }
  const PageRequestQueue& page_requests() const { return page_requests_; }
  const Iotlb& iotlb() const { return iotlb_; }
  const WalkCache& walk_cache() const { return walk_cache_; }

 private:
  struct DirectMemory;
  struct GuestMemory;

  static Translation Interrupt() {
    Translation t;
    t.interrupt = true;
    return t;
  }
  // By an entry of the IOTLB; the MSI window begins in no translated page.
  static Translation TranslatedBy4K(const Request& request, uint64_t found) {
    Translation t;
    t.ok = true;
    t.rights = static_cast<uint8_t>(Iotlb::RightsOf(found));
    t.address = Iotlb::AddressOf4K(found, request.address);
    t.page = t.address >> sim::kPageShift;
    t.bytes_left_in_run = sim::kPageSize - request.address % sim::kPageSize;
    return t;
  }
  Translation Translated(const Request& request, uint64_t address, unsigned size_log2,
                         unsigned rights) const {
    Translation t;
    t.ok = true;
    t.rights = static_cast<uint8_t>(rights);
    t.page = address >> sim::kPageShift;
    t.address = address;
    const uint64_t size = uint64_t{1} << size_log2;
    t.bytes_left_in_run = size - (request.address & (size - 1));
    if (request.address < config_.msi_first && msi_size_ != 0 && request.pasid == kNoPasid) {
      t.bytes_left_in_run = std::min(t.bytes_left_in_run, config_.msi_first - request.address);
    }
    return t;
  }
  // Whatever is not a hit on a 4 KiB page of a request without PASID.
  Translation TranslateSlowly(PhysicalMemory& memory, const Request& request);
  // Not in the IOTLB: the tables.
  Translation Miss(PhysicalMemory& memory, const CachedContext& context, const Request& request);
  Translation Fault(const Request& request, const WalkResult& result, unsigned stage, bool report);

  Translation FaultBeforeWalk(const Request& request, FaultReason reason, unsigned stage,
                              bool report);

  // The context of a request, from the caches or through them. Null with *reason where there is
  // none.
  const CachedContext* FindContext(SourceId source, Pasid pasid, FaultReason* reason);

  // Walks, on a miss of the IOTLB; *stage: where it ended.
  WalkResult Walk(PhysicalMemory& memory, const CachedContext& context, const Request& request,
                  unsigned* stage);
  WalkResult WalkNested(PhysicalMemory& memory, const CachedContext& context,
                        const Request& request, unsigned* stage);
  WalkResult WalkSingle(PhysicalMemory& memory, const StageTables& tables, SpaceId space,
                        uint64_t address, unsigned access);
  // The second stage of a nested context, with its caches.
  WalkResult SecondStage(PhysicalMemory& memory, const CachedContext& context, uint64_t address,
                         unsigned access);

  UnitConfig config_;
  uint64_t msi_size_;  // bytes; 0: no window
  ContextTables tables_;
  ContextCache cache_;
  SpaceTable spaces_;
  Iotlb iotlb_;
  WalkCache walk_cache_;
  FaultLog faults_;
  PageRequestQueue page_requests_;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_UNIT_H_
