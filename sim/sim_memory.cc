// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace iovalid::sim {
namespace {

// Below this many content pages nothing is looked for.
constexpr size_t kFirstCollect = 256;

}  // namespace

SimMemory::SimMemory(const MemoryPolicy& policy) : policy_(policy), collect_at_(kFirstCollect) {}

SimMemory::SimMemory(const SimMemory& other)
    : PageData(other),
      policy_(other.policy_),
      frames_(other.frames_),
      objects_(other.objects_),
      pins_(other.pins_),
      sharers_(other.sharers_),
      content_(other.content_),
      collect_at_(other.collect_at_),
      spaces_(other.spaces_) {
  Adopt();
}

SimMemory::SimMemory(SimMemory&& other) noexcept
    : PageData(other),
      policy_(other.policy_),
      frames_(other.frames_),
      objects_(std::move(other.objects_)),
      pins_(std::move(other.pins_)),
      sharers_(std::move(other.sharers_)),
      content_(std::move(other.content_)),
      collect_at_(other.collect_at_),
      spaces_(std::move(other.spaces_)) {
  Adopt();
}

SimMemory& SimMemory::operator=(const SimMemory& other) {
  if (this == &other) return *this;
  policy_ = other.policy_;
  frames_ = other.frames_;
  objects_ = other.objects_;
  pins_ = other.pins_;
  sharers_ = other.sharers_;
  content_ = other.content_;
  collect_at_ = other.collect_at_;
  spaces_ = other.spaces_;
  Adopt();
  return *this;
}

SimMemory& SimMemory::operator=(SimMemory&& other) noexcept {
  policy_ = other.policy_;
  frames_ = other.frames_;
  objects_ = std::move(other.objects_);
  pins_ = std::move(other.pins_);
  sharers_ = std::move(other.sharers_);
  content_ = std::move(other.content_);
  collect_at_ = other.collect_at_;
  spaces_ = std::move(other.spaces_);
  Adopt();
  return *this;
}

// The address spaces of a copy belong to it.
void SimMemory::Adopt() {
  for (SimMm& space : spaces_) space.memory_ = this;
}

MmId SimMemory::AddMm() {
  const MmId id = static_cast<MmId>(spaces_.size());
  spaces_.emplace_back(this, id);
  return id;
}

void SimMemory::RemoveMm(MmId mm, std::vector<uint32_t>* released) {
  SimMm& space = spaces_[mm];
  space.Remove(SimMm::PageRange{0, (kUserTop >> kPageShift) - 1}, released);
  space.TakeReleased(released);
}

ObjectId SimMemory::CreateObject(ObjectKind kind, uint64_t size) {
  return objects_.Create(kind, size, &frames_);
}

Errno SimMemory::Resize(ObjectId object, uint64_t size) {
  if (!objects_.Has(object)) return Errno::kINVAL;
  if (objects_.kind(object) == ObjectKind::kHugetlb && size % (kHugePages * kPageSize) != 0) {
    return Errno::kINVAL;
  }
  const uint64_t before = objects_.pages(object);
  const uint64_t old_size = objects_.size(object);
  if (!objects_.Resize(object, size, &frames_)) return Errno::kNOMEM;
  if (objects_.pages(object) < before) {
    for (SimMm& space : spaces_) space.TruncateObject(object, objects_.pages(object));
  }
  if (size < old_size && size % kPageSize != 0) {
    // shmem_truncate_range: what is left of the last page is zeroed.
    uint64_t run = 0;
    const uint32_t slot = content_.Find(objects_.Page(object, size / kPageSize, &run));
    if (slot != PageContent::kNoSlot) {
      std::memset(content_.bytes(slot) + size % kPageSize, 0, kPageSize - size % kPageSize);
    }
  }
  return Errno::kOk;
}

bool SimMemory::ReadPage(PageId page, uint64_t offset, void* to, size_t len) {
  const bool zero_page =
      page == kZeroPage || (page >= kHugeZeroPage && page < kHugeZeroPage + kHugePages);
  if (!zero_page && !frames_.Known(page)) return false;
  const uint32_t slot = content_.Find(page);
  if (slot == PageContent::kNoSlot) {
    std::memset(to, 0, len);
  } else {
    std::memcpy(to, content_.bytes(slot) + offset, len);
  }
  return true;
}

bool SimMemory::WritePage(PageId page, uint64_t offset, const void* from, size_t len) {
  if (!frames_.Known(page)) return false;
  uint32_t slot = content_.Find(page);
  if (slot == PageContent::kNoSlot) {
    CollectContent();
    slot = content_.Ensure(page);
  }
  std::memcpy(content_.bytes(slot) + offset, from, len);
  return true;
}

// Drops the contents of pages that nobody can reach any more: in no page table, in no object, not
// pinned. Nothing can tell, as an id is never used again.
void SimMemory::CollectContent() {
  if (content_.size() < collect_at_) return;
  RunCounter live;
  for (const SimMm& space : spaces_) {
    const auto& runs = space.space_.runs;
    for (auto c = runs.Begin(); c; c = runs.Next(c)) {
      if (!runs.value(c).contiguous()) continue;
      live.Add(runs.value(c).Page(runs.first(c)), runs.last(c) - runs.first(c) + 1, 1);
    }
  }
  for (ObjectId id = 0; id < objects_.count(); ++id) {
    uint64_t run = 0;
    for (uint64_t index = 0; index < objects_.pages(id); index += run) {
      const PageId page = objects_.Page(id, index, &run);
      live.Add(page, run, 1);
    }
  }
  content_.DropUnless([&](PageId page) { return live.Get(page) != 0 || pins_.Get(page) != 0; });
  for (SimMm& space : spaces_) space.Changed();
  collect_at_ = std::max(kFirstCollect, 2 * content_.size());
}

}  // namespace iovalid::sim
