// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_CONTEXT_CACHE_H_
#define IOVALID_HWMODEL_CONTEXT_CACHE_H_

#include <cstdint>
#include <vector>

#include "hwmodel/access.h"
#include "hwmodel/context.h"
#include "hwmodel/iotlb.h"

namespace iovalid::hwmodel {

// A context as the unit holds it, with the tags of its translations.
struct CachedContext {
  bool valid = false;
  bool translates = false;   // through tables
  SpaceId space = 0;         // of the translations that its requests use
  SpaceId second_space = 0;  // of the second stage, where it is nested
  // An address has a place in the tables where address + offset <= limit, modulo 2^64.
  uint64_t offset = 0;
  uint64_t limit = 0;
  Context context;

  // Whether the tables that an address is looked up in have a place for it.
  bool Holds(uint64_t address) const { return address + offset <= limit; }
};

// What software wrote: contexts by source, and by source and PASID.
class ContextTables {
 public:
  void Set(SourceId source, const Context& context);
  void Set(SourceId source, Pasid pasid, const Context& context);
  void Clear(SourceId source);
  void Clear(SourceId source, Pasid pasid);
  // Null where there is none. Valid until the next change.
  const Context* Find(SourceId source) const;
  const Context* Find(SourceId source, Pasid pasid) const;

 private:
  struct Device {
    bool present = false;
    Context context;
  };
  struct Process {
    SourceId source;
    Pasid pasid;
    Context context;
  };
  std::vector<Process>::iterator LowerBound(SourceId source, Pasid pasid);

  std::vector<Device> devices_;     // by source
  std::vector<Process> processes_;  // sorted by source and PASID
};

// The context caches (VT-d specification section 6.2.2 "Context-Cache", 6.2.3 "PASID-Cache"): one
// entry a source, and a direct-mapped cache for PASIDs. An entry holds until it is invalidated.
class ContextCache {
 public:
  // `pasid_entries`: a power of two.
  explicit ContextCache(unsigned pasid_entries) : pasid_entries_(pasid_entries) {}

  // Null where it is not cached. Valid until the next Fill or Invalidate.
  const CachedContext* Find(SourceId source) const {
    // hot_ is as long, and its length costs no division.
    return source < hot_.size() && sources_[source].valid ? &sources_[source] : nullptr;
  }
  // What a hit of the IOTLB needs of a source, in half a cache line. Of a source that is not cached
  // or whose requests do not go through tables: with a tag that nothing has.
  struct alignas(32) Hot {
    uint64_t offset = 0;
    uint64_t limit = 0;
    Iotlb::SpaceTag space;

    bool Holds(uint64_t address) const { return address + offset <= limit; }
  };
  const Hot* FindHot(SourceId source) const {
    return source < hot_.size() ? &hot_[source] : nullptr;
  }
  const CachedContext* Find(SourceId source, Pasid pasid) const {
    if (pasids_.empty()) return nullptr;
    const Process& p = pasids_[SlotOf(source, pasid)];
    return p.cached.valid && p.source == source && p.pasid == pasid ? &p.cached : nullptr;
  }
  const CachedContext* Fill(SourceId source, const CachedContext& context);
  const CachedContext* Fill(SourceId source, Pasid pasid, const CachedContext& context);

  // Contexts that `match(source, pasid, context)` holds for; pasid is kNoPasid for a device's own.
  template <typename Match>
  void Invalidate(Match match) {
    for (SourceId source = 0; source < sources_.size(); ++source) {
      CachedContext& c = sources_[source];
      if (!c.valid || !match(source, kNoPasid, c.context)) continue;
      c.valid = false;
      hot_[source] = {};
    }
    for (Process& p : pasids_) {
      if (p.cached.valid && match(p.source, p.pasid, p.cached.context)) p.cached.valid = false;
    }
  }

 private:
  struct Process {
    SourceId source = 0;
    Pasid pasid = 0;
    CachedContext cached;
  };
  size_t SlotOf(SourceId source, Pasid pasid) const {
    return (pasid ^ source * 37) & (pasid_entries_ - 1);
  }

  unsigned pasid_entries_;
  std::vector<CachedContext> sources_;  // by source
  std::vector<Hot> hot_;                // by source
  std::vector<Process> pasids_;         // empty until the first fill
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_CONTEXT_CACHE_H_
