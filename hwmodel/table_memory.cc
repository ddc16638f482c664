// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/table_memory.h"

#include <algorithm>
#include <utility>

namespace iovalid::hwmodel {

FrameId TableMemory::Allocate(uint32_t owner) {
  if (in_use_ >= limit_) return kNoFrame;
  FrameId frame;
  if (!free_.empty()) {
    frame = free_.back();
    free_.pop_back();
  } else {
    if (frames_.empty()) {  // number 0 is never given
      frames_.push_back(nullptr);
      owners_.push_back(0);
    }
    frame = static_cast<FrameId>(frames_.size());
    frames_.push_back(nullptr);
    owners_.push_back(0);
    if (frame / kBlockFrames >= blocks_.size()) blocks_.push_back(CowPtr<Block>::Make());
  }
  CowPtr<TableFrame> fresh = CowPtr<TableFrame>::Make();
  frames_[frame] = fresh.get();
  owners_[frame] = owner;
  blocks_[frame / kBlockFrames].Mutable().frame[frame % kBlockFrames] = std::move(fresh);
  peak_ = std::max(peak_, ++in_use_);
  return frame;
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
