// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/table_memory.h"

#include <algorithm>
#include <utility>

namespace iovalid::hwmodel {

FrameId TableMemory::Append() {
  if (frames_.empty()) {
    frames_.push_back(nullptr);
    owners_.push_back(0);
  }
  const FrameId frame = static_cast<FrameId>(frames_.size());
  frames_.push_back(nullptr);
  owners_.push_back(0);
  if (frame / kBlockFrames >= blocks_.size()) blocks_.push_back(CowPtr<Block>::Make());
  return frame;
}

void TableMemory::Occupy(FrameId frame, uint32_t owner) {
  CowPtr<TableFrame> fresh = CowPtr<TableFrame>::Make();
  frames_[frame] = fresh.get();
  owners_[frame] = owner;
  blocks_[frame / kBlockFrames].Mutable().frame[frame % kBlockFrames] = std::move(fresh);
  peak_ = std::max(peak_, ++in_use_);
}

FrameId TableMemory::Allocate(uint32_t owner) {
  if (in_use_ >= limit_) return kNoFrame;
  FrameId frame;
  if (!free_.empty()) {
    frame = free_.back();
    free_.pop_back();
  } else {
    frame = Append();
  }
  Occupy(frame, owner);
  return frame;
}

FrameId TableMemory::AllocateRun(uint32_t owner, unsigned frames_log2) {
  if (frames_log2 == 0) return Allocate(owner);
  const size_t count = size_t{1} << frames_log2;
  if (count > limit_ || in_use_ > limit_ - count) return kNoFrame;
  // A run that was freed, else new numbers; those before the next multiple are kept for Allocate.
  std::vector<FrameId> sorted = free_;
  std::sort(sorted.begin(), sorted.end());
  FrameId first = kNoFrame;
  for (size_t i = 0; i + count <= sorted.size() && first == kNoFrame; ++i) {
    if (sorted[i] % count == 0 && sorted[i + count - 1] == sorted[i] + count - 1) first = sorted[i];
  }
  if (first != kNoFrame) {
    const FrameId end = first + static_cast<FrameId>(count);
    std::erase_if(free_, [first, end](FrameId frame) { return frame >= first && frame < end; });
  } else {
    FrameId frame = Append();
    for (; frame % count != 0; frame = Append()) free_.push_back(frame);
    first = frame;
    for (size_t i = 1; i < count; ++i) Append();
  }
  for (size_t i = 0; i < count; ++i) Occupy(first + static_cast<FrameId>(i), owner);
  return first;
}

void TableMemory::Free(FrameId frame) {
  if (!allocated(frame)) return;
  blocks_[frame / kBlockFrames].Mutable().frame[frame % kBlockFrames].Reset();
  frames_[frame] = nullptr;
  free_.push_back(frame);
  --in_use_;
}

size_t TableMemory::FreeOwnedBy(uint32_t owner) {
  size_t freed = 0;
  for (FrameId frame = 1; frame < frames_.size(); ++frame) {
    if (frames_[frame] == nullptr || owners_[frame] != owner) continue;
    Free(frame);
    ++freed;
  }
  return freed;
}

size_t TableMemory::OwnedBy(uint32_t owner) const {
  size_t owned = 0;
  for (FrameId frame = 1; frame < frames_.size(); ++frame) {
    owned += frames_[frame] != nullptr && owners_[frame] == owner;
  }
  return owned;
}

TableFrame* TableMemory::Mutable(FrameId frame) {
  TableFrame& writable =
      blocks_[frame / kBlockFrames].Mutable().frame[frame % kBlockFrames].Mutable();
  frames_[frame] = &writable;
  return &writable;
}

}  // namespace iovalid::hwmodel
