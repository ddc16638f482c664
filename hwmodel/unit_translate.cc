// SPDX-License-Identifier: Apache-2.0
// What happens to a DMA request that the IOTLB has no answer to.
#include <algorithm>
#include <array>

#include "hwmodel/unit.h"

namespace iovalid::hwmodel {

// Memory as a walk that is not nested sees it.
struct Unit::DirectMemory {
  PhysicalMemory& memory;
  WalkCache& walk_cache;
  SpaceId space;
  TableShape shape;
  uint64_t input;

  const uint64_t* Read(uint64_t address, WalkResult* result) const {
    const uint64_t* words = memory.Words(address >> 12);
    if (words == nullptr) {
      result->reason = FaultReason::kTableAccessError;
      return nullptr;
    }
    return &words[address % 4096 / 8];
  }
  bool Write(uint64_t address, uint64_t entry, WalkResult* result) const {
    uint64_t* words = memory.MutableWords(address >> 12);
    if (words == nullptr) {
      result->reason = FaultReason::kTableAccessError;
      return false;
    }
    words[address % 4096 / 8] = entry;
    return true;
  }
  void Reached(const WalkCache::Table& table) const { walk_cache.Fill(space, shape, input, table); }
};

// Memory as the first stage of a nested walk sees it: every address goes through the second stage.
struct Unit::GuestMemory {
  Unit& unit;
  PhysicalMemory& memory;
  const CachedContext& context;
  uint64_t input;

  // The entry's physical address. False with what is wrong in *result.
  bool Locate(uint64_t address, unsigned access, uint64_t* physical, WalkResult* result) const {
    const WalkResult second = unit.SecondStage(memory, context, address, access);
    if (second.reason != FaultReason::kNone) {
      result->reason = second.reason;
      result->level = second.level;
      result->fault_stage = 2;
      return false;
    }
    *physical = second.address;
    return true;
  }
  const uint64_t* Read(uint64_t address, WalkResult* result) const {
    uint64_t physical = 0;
    if (!Locate(address, kRead, &physical, result)) return nullptr;
    const uint64_t* words = memory.Words(physical >> 12);
    if (words == nullptr) {
      result->reason = FaultReason::kTableAccessError;
      return nullptr;
    }
    return &words[physical % 4096 / 8];
  }
  bool Write(uint64_t address, uint64_t entry, WalkResult* result) const {
    uint64_t physical = 0;
    if (!Locate(address, kWrite, &physical, result)) return false;
    uint64_t* words = memory.MutableWords(physical >> 12);
    if (words == nullptr) {
      result->reason = FaultReason::kTableAccessError;
      return false;
    }
    words[physical % 4096 / 8] = entry;
    return true;
  }
  void Reached(const WalkCache::Table& table) const {
    unit.walk_cache_.Fill(context.space, context.context.first.shape, input, table);
  }
};

Translation Unit::FaultBeforeWalk(const Request& request, FaultReason reason, unsigned stage,
                                  bool report) {
  WalkResult result;
  result.reason = reason;
  return Fault(request, result, stage, report);
}

namespace {

// The walks of all formats by number: one jump a walk.
template <typename Memory>
using WalkFunction = WalkResult (*)(const StageTables&, WalkCache::Table, uint64_t, unsigned,
                                    Memory&);
template <typename Memory>
constexpr std::array<WalkFunction<Memory>, kFormats> MakeWalks() {
  std::array<WalkFunction<Memory>, kFormats> walks{};
  for (unsigned i = 0; i < kFormats; ++i) {
    walks[i] = VisitFormat(static_cast<FormatId>(i), [](auto format) -> WalkFunction<Memory> {
      return &WalkTables<decltype(format), Memory>;
    });
  }
  return walks;
}
template <typename Memory>
constexpr std::array<WalkFunction<Memory>, kFormats> kWalks = MakeWalks<Memory>();

}  // namespace

inline Translation Unit::Fault(const Request& request, const WalkResult& result, unsigned stage,
                               bool report) {
  if (report) {
    faults_.Record({request.source, request.address >> sim::kPageShift, request.access,
                    result.reason, result.level, static_cast<uint8_t>(stage), request.pasid});
  }
  Translation t;
  t.reason = result.reason;
  return t;
}

inline WalkResult Unit::WalkSingle(PhysicalMemory& memory, const StageTables& tables, SpaceId space,
                                   uint64_t address, unsigned access) {
  WalkCache::Table from{tables.root, tables.levels, kRead | kWrite};
  walk_cache_.Find(space, tables.shape, tables.levels, address, &from);
  DirectMemory direct{memory, walk_cache_, space, tables.shape, address};
  const WalkResult result = kWalks<DirectMemory>[static_cast<unsigned>(tables.format)](
      tables, from, address, access, direct);
  if (result.reason == FaultReason::kNone && iotlb_.enabled()) {
    iotlb_.Fill(space, address, result.address, result.rights, result.size_log2);
  }
  return result;
}

WalkResult Unit::SecondStage(PhysicalMemory& memory, const CachedContext& context, uint64_t address,
                             unsigned access) {
  WalkResult result;
  const StageTables& second = context.context.second;
  if (!second.Holds(address)) {
    result.reason = FaultReason::kAddressBeyondWidth;
    return result;
  }
  Iotlb::Entry entry;
  if (iotlb_.Find(context.second_space, address, &entry) && (access & ~entry.rights) == 0) {
    result.address = entry.address;
    result.rights = entry.rights;
    result.size_log2 = static_cast<uint8_t>(entry.size_log2);
    return result;
  }
  return WalkSingle(memory, second, context.second_space, address, access);
}

inline WalkResult Unit::Walk(PhysicalMemory& memory, const CachedContext& context,
                             const Request& request, unsigned* stage) {
  const Context& c = context.context;
  if (c.mode == Context::Mode::kNested) return WalkNested(memory, context, request, stage);
  const bool first = c.mode == Context::Mode::kFirst;
  *stage = first ? 1 : 2;
  return WalkSingle(memory, first ? c.first : c.second, context.space, request.address,
                    request.access);
}

WalkResult Unit::WalkNested(PhysicalMemory& memory, const CachedContext& context,
                            const Request& request, unsigned* stage) {
  const Context& c = context.context;
  *stage = 1;
  WalkCache::Table from{c.first.root, c.first.levels, kRead | kWrite};
  walk_cache_.Find(context.space, c.first.shape, c.first.levels, request.address, &from);
  GuestMemory guest{*this, memory, context, request.address};
  WalkResult first = kWalks<GuestMemory>[static_cast<unsigned>(c.first.format)](
      c.first, from, request.address, request.access, guest);
  if (first.reason != FaultReason::kNone) {
    if (first.fault_stage == 2) *stage = 2;
    return first;
  }
  const WalkResult second = SecondStage(memory, context, first.address, request.access);
  if (second.reason != FaultReason::kNone) {
    *stage = 2;
    return second;
  }
  first.rights &= second.rights;
  first.size_log2 = std::min(first.size_log2, second.size_log2);
  first.address = second.address;
  iotlb_.Fill(context.space, request.address, first.address, first.rights, first.size_log2);
  return first;
}

inline Translation Unit::Miss(PhysicalMemory& memory, const CachedContext& context,
                              const Request& request) {
  unsigned stage = 0;
  const WalkResult result = Walk(memory, context, request, &stage);
  if (result.reason != FaultReason::kNone) {
    return Fault(request, result, stage, context.context.fault_reports);
  }
  return Translated(request, result.address, result.size_log2, result.rights | request.access);
}

Translation Unit::TranslateSlowly(PhysicalMemory& memory, const Request& request) {
  FaultReason reason = FaultReason::kNone;
  const CachedContext* context = request.pasid == kNoPasid ? cache_.Find(request.source) : nullptr;
  if (context == nullptr) context = FindContext(request.source, request.pasid, &reason);
  if (context == nullptr) return FaultBeforeWalk(request, reason, 0, true);
  const bool report = context->context.fault_reports;
  if (!context->translates) {
    if ((request.address & ~BitsBelow(config_.host_address_bits)) != 0) {
      return FaultBeforeWalk(request, FaultReason::kAddressBeyondWidth, 0, report);
    }
    return Translated(request, request.address, 30, kRead | kWrite);
  }
  if (!context->Holds(request.address)) {
    const bool first = context->context.mode != Context::Mode::kSecond;
    return FaultBeforeWalk(request, FaultReason::kAddressBeyondWidth, first ? 1 : 0, report);
  }
  Iotlb::Entry entry;
  const bool known = request.pasid == kNoPasid
                         ? iotlb_.FindOther(context->space, request.address, &entry)
                         : iotlb_.Find(context->space, request.address, &entry);
  if (known && (request.access & ~entry.rights) == 0) {
    return Translated(request, entry.address, entry.size_log2, entry.rights);
  }
  return Miss(memory, *context, request);
}

Translation Unit::AtsTranslate(PhysicalMemory& memory, const Request& request) {
  WalkResult result;
  const CachedContext* context = FindContext(request.source, request.pasid, &result.reason);
  const Context* device = tables_.Find(request.source);
  if (context != nullptr && (device == nullptr || !device->ats)) {
    result.reason = FaultReason::kAtsBlocked;
  }
  if (result.reason != FaultReason::kNone) return Fault(request, result, 0, true);
  Translation best;
  best.ok = true;
  if (!context->translates) {
    if ((request.address & ~BitsBelow(config_.host_address_bits)) != 0) return best;
    return Translated(request, request.address, 30, kRead | kWrite);
  }
  if (!context->Holds(request.address)) return best;
  // What can be had, the rights asked for first.
  for (const unsigned access : {request.access, unsigned{kRead}, unsigned{kWrite}}) {
    if ((access & ~request.access) != 0) continue;
    unsigned stage = 0;
    const WalkResult walk =
        Walk(memory, *context, {request.source, request.address, access, request.pasid}, &stage);
    switch (walk.reason) {
      case FaultReason::kNone:
        return Translated(request, walk.address, walk.size_log2, walk.rights | access);
      case FaultReason::kNotPresent:
      case FaultReason::kReadNotPermitted:
      case FaultReason::kWriteNotPermitted:
      case FaultReason::kAddressBeyondWidth:
      case FaultReason::kAccessFlag:
      case FaultReason::kDirtyFlag:
        break;
      default:
        return Fault(request, walk, stage, context->context.fault_reports);
    }
  }
  return best;
}

Translation Unit::TranslatedRequest(const Request& request) {
  WalkResult result;
  const CachedContext* context = FindContext(request.source, kNoPasid, &result.reason);
  if (context != nullptr && !context->context.ats) result.reason = FaultReason::kAtsBlocked;
  if (result.reason == FaultReason::kNone &&
      (request.address & ~BitsBelow(config_.host_address_bits)) != 0) {
    result.reason = FaultReason::kAddressBeyondWidth;
  }
  if (result.reason != FaultReason::kNone) return Fault(request, result, 0, true);
  Translation t = Translated(request, request.address, 30, kRead | kWrite);
  return t;
}

}  // namespace iovalid::hwmodel
