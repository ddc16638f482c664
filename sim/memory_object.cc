// SPDX-License-Identifier: Apache-2.0
#include "sim/memory_object.h"

#include <algorithm>

namespace iovalid::sim {
namespace {

uint64_t PagesOf(ObjectKind kind, uint64_t size) {
  const uint64_t pages = size / kPageSize + (size % kPageSize != 0 ? 1 : 0);
  if (kind != ObjectKind::kHugetlb) return pages;
  return (pages + kHugePages - 1) & ~(kHugePages - 1);
}

// Takes out what is at `end` or beyond.
template <typename Map>
void Truncate(Map* map, uint64_t end) {
  while (!map->empty() && map->last(map->Last()) >= end) {
    const auto c = map->Last();
    if (map->first(c) < end) {
      map->SetLast(c, end - 1);
      break;
    }
    map->Erase(c);
  }
}

}  // namespace

ObjectId MemoryObjects::Create(ObjectKind kind, uint64_t size, FrameAllocator* frames) {
  Object object;
  object.kind = kind;
  const ObjectId id = static_cast<ObjectId>(objects_.size());
  objects_.push_back(object);
  if (!Resize(id, size, frames)) {
    objects_.pop_back();
    return kNoObject;
  }
  return id;
}

bool MemoryObjects::Resize(ObjectId id, uint64_t size, FrameAllocator* frames) {
  Object& object = objects_[id];
  const uint64_t pages = PagesOf(object.kind, size);
  if (pages > object.pages) {
    const PageId first = frames->Allocate(pages - object.pages, object.pages);
    if (first == 0) return false;
    object.ids.Insert(object.pages, pages - 1, first - object.pages);
  }
  Truncate(&object.ids, pages);
  Truncate(&object.cached, pages);
  object.pages = pages;
  object.size = size;
  return true;
}

PageId MemoryObjects::Page(ObjectId id, uint64_t index, uint64_t* run) const {
  const auto& ids = objects_[id].ids;
  const auto c = ids.Find(index);
  *run = ids.last(c) - index + 1;
  return index + ids.value(c);
}

void MemoryObjects::MarkCached(ObjectId id, uint64_t first, uint64_t last) {
  auto& cached = objects_[id].cached;
  const auto at = cached.Find(first);
  if (at && cached.last(at) >= last) return;
  while (const auto c = cached.FirstOverlap(first == 0 ? 0 : first - 1, last + 1)) {
    first = std::min(first, cached.first(c));
    last = std::max(last, cached.last(c));
    cached.Erase(c);
  }
  cached.Insert(first, last, 0);
}

}  // namespace iovalid::sim
