// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/context_cache.h"

#include <algorithm>
#include <utility>

namespace iovalid::hwmodel {

void ContextTables::Set(SourceId source, const Context& context) {
  if (source >= devices_.size()) devices_.resize(source + 1);
  devices_[source] = {true, context};
}

std::vector<ContextTables::Process>::iterator ContextTables::LowerBound(SourceId source,
                                                                        Pasid pasid) {
  return std::lower_bound(processes_.begin(), processes_.end(), std::make_pair(source, pasid),
                          [](const Process& p, const std::pair<SourceId, Pasid>& key) {
                            return std::make_pair(p.source, p.pasid) < key;
                          });
}

void ContextTables::Set(SourceId source, Pasid pasid, const Context& context) {
  const auto at = LowerBound(source, pasid);
  if (at != processes_.end() && at->source == source && at->pasid == pasid) {
    at->context = context;
  } else {
    processes_.insert(at, {source, pasid, context});
  }
}

void ContextTables::Clear(SourceId source) {
  if (source < devices_.size()) devices_[source] = {};
}

void ContextTables::Clear(SourceId source, Pasid pasid) {
  const auto at = LowerBound(source, pasid);
  if (at != processes_.end() && at->source == source && at->pasid == pasid) processes_.erase(at);
}

const Context* ContextTables::Find(SourceId source) const {
  return source < devices_.size() && devices_[source].present ? &devices_[source].context : nullptr;
}

const Context* ContextTables::Find(SourceId source, Pasid pasid) const {
  const auto at = const_cast<ContextTables*>(this)->LowerBound(source, pasid);
  return at != processes_.end() && at->source == source && at->pasid == pasid ? &at->context
                                                                              : nullptr;
}

const CachedContext* ContextCache::Fill(SourceId source, const CachedContext& context) {
  if (source >= sources_.size()) {
    sources_.resize(source + 1);
    hot_.resize(source + 1);
  }
  sources_[source] = context;
  hot_[source] = {};
  if (context.translates) {
    hot_[source] = {context.offset, context.limit, Iotlb::SpaceTag(context.space)};
  }
  return &sources_[source];
}

const CachedContext* ContextCache::Fill(SourceId source, Pasid pasid,
                                        const CachedContext& context) {
  if (pasids_.empty()) pasids_.resize(pasid_entries_);
  Process& p = pasids_[SlotOf(source, pasid)];
  p = {source, pasid, context};
  return &p.cached;
}

}  // namespace iovalid::hwmodel
