// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/unit.h"

namespace iovalid::hwmodel {
namespace {

// Requests without PASID use the first stage of this one (VT-d RID_PASID; SMMUv3 substream 0).
constexpr Pasid kRidPasid = 0;

}  // namespace

Unit::Unit(const UnitConfig& config)
    : config_(config),
      msi_size_(0),
      cache_(std::max(config.pasid_cache_entries, 1u)),
      iotlb_(config.iotlb_sets_4k),
      walk_cache_(config.walk_cache_sets),
      faults_(config.fault_records),
      page_requests_(config.page_requests) {
  if (config.msi_first > config.msi_last) return;
  config_.msi_first &= ~(sim::kPageSize - 1);
  config_.msi_last |= sim::kPageSize - 1;
  msi_size_ = config_.msi_last - config_.msi_first + 1;
}

void Unit::SetContext(SourceId source, const Context& context) { tables_.Set(source, context); }
void Unit::SetPasidContext(SourceId source, Pasid pasid, const Context& context) {
  tables_.Set(source, pasid, context);
}
void Unit::ClearContext(SourceId source) { tables_.Clear(source); }
void Unit::ClearPasidContext(SourceId source, Pasid pasid) { tables_.Clear(source, pasid); }

const CachedContext* Unit::FindContext(SourceId source, Pasid pasid, FaultReason* reason) {
  const CachedContext* known = pasid == kNoPasid ? cache_.Find(source) : cache_.Find(source, pasid);
  if (known != nullptr) return known;
  const Context* device = tables_.Find(source);
  const Context* context = device;
  *reason = FaultReason::kNone;
  if (device == nullptr) {
    *reason = FaultReason::kContextNotPresent;
  } else if (pasid != kNoPasid) {
    context = tables_.Find(source, pasid);
    if (!device->pasids || pasid > kMaxPasid) {
      *reason = FaultReason::kPasidNotEnabled;
    } else if (context == nullptr) {
      *reason = FaultReason::kPasidNotPresent;
    }
  }
  if (*reason == FaultReason::kNone && context->mode == Context::Mode::kBlocked) {
    *reason = FaultReason::kBlocked;
  }
  if (*reason != FaultReason::kNone) return nullptr;

  CachedContext fresh;
  fresh.valid = true;
  fresh.context = *context;
  fresh.translates = context->mode != Context::Mode::kIdentity;
  const bool first =
      context->mode == Context::Mode::kFirst || context->mode == Context::Mode::kNested;
  const StageTables& tables = first ? context->first : context->second;
  fresh.limit = BitsBelow(tables.input_bits);
  fresh.offset = tables.sign_extended ? uint64_t{1} << (tables.input_bits - 1) : 0;
  if (context->mode == Context::Mode::kSecond || context->mode == Context::Mode::kNested) {
    fresh.second_space = spaces_.OfSecondStage(context->domain, context->second.shape);
  }
  fresh.space = fresh.second_space;
  if (first) {
    const Pasid tag = pasid == kNoPasid ? kRidPasid : pasid;
    bool full = false;
    fresh.space = spaces_.OfFirstStage(context->domain, tag, tables.shape, &full);
    if (full) {
      iotlb_.InvalidateAll();
      walk_cache_.InvalidateAll();
      cache_.Invalidate([](SourceId, Pasid, const Context&) { return true; });
      spaces_.Clear();
      fresh.space = spaces_.OfFirstStage(context->domain, tag, tables.shape, &full);
    }
  }
  return pasid == kNoPasid ? cache_.Fill(source, fresh) : cache_.Fill(source, pasid, fresh);
}

void Unit::Invalidate(const Invalidation& what) {
  using Kind = Invalidation::Kind;
  const auto forget_first_stages = [this, &what](Pasid pasid) {
    spaces_.ForEachFirstStage(what.domain, pasid, [this](SpaceId space, TableShape) {
      iotlb_.InvalidateSpace(space);
      walk_cache_.InvalidateSpace(space);
    });
  };
  switch (what.kind) {
    case Kind::kContextsGlobal:
      cache_.Invalidate([](SourceId, Pasid, const Context&) { return true; });
      return;
    case Kind::kContextsDomain:
      cache_.Invalidate([&what](SourceId, Pasid, const Context& context) {
        return context.domain == what.domain;
      });
      return;
    case Kind::kContextOfSource:
      cache_.Invalidate(
          [&what](SourceId source, Pasid, const Context&) { return source == what.source; });
      return;
    case Kind::kPasidsGlobal:
      cache_.Invalidate([](SourceId, Pasid pasid, const Context&) { return pasid != kNoPasid; });
      return;
    case Kind::kPasidsDomain:
      cache_.Invalidate([&what](SourceId, Pasid pasid, const Context& context) {
        return pasid != kNoPasid && context.domain == what.domain;
      });
      return;
    case Kind::kPasidOfDomain:
      cache_.Invalidate([&what](SourceId, Pasid pasid, const Context& context) {
        return pasid == what.pasid && context.domain == what.domain;
      });
      return;
    case Kind::kIotlbGlobal:
      iotlb_.InvalidateAll();
      walk_cache_.InvalidateAll();
      return;
    case Kind::kIotlbDomain:
      if (what.domain >= Context::kMaxDomains) return;
      iotlb_.InvalidateSpace(what.domain);
      walk_cache_.InvalidateSpace(what.domain);
      forget_first_stages(kNoPasid);
      return;
    case Kind::kIotlbRange: {
      if (what.domain >= Context::kMaxDomains) return;
      iotlb_.InvalidateRange(what.domain, what.address, what.size_log2);
      if (!what.leaf_only) {
        walk_cache_.InvalidateRange(what.domain, spaces_.SecondStageShape(what.domain),
                                    what.address, what.size_log2);
      }
      forget_first_stages(kNoPasid);
      return;
    }
    case Kind::kIotlbPasid:
      forget_first_stages(what.pasid);
      return;
    case Kind::kIotlbPasidRange:
      spaces_.ForEachFirstStage(
          what.domain, what.pasid, [this, &what](SpaceId space, TableShape shape) {
            iotlb_.InvalidateRange(space, what.address, what.size_log2);
            if (what.leaf_only) return;
            walk_cache_.InvalidateRange(space, shape, what.address, what.size_log2);
          });
      return;
  }
}

bool Unit::RequestPage(const PageRequest& request, PageResponse* response, bool* answered) {
  const Context* device = tables_.Find(request.source);
  const bool allowed = device != nullptr && device->pri;
  if (allowed && page_requests_.Push(request)) {
    *answered = false;
    return true;
  }
  *answered = request.last;
  *response = {request.source, request.pasid, request.group,
               allowed ? PageResponse::Code::kSuccess : PageResponse::Code::kInvalid};
  return false;
}

}  // namespace iovalid::hwmodel
