// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_TABLE_MEMORY_H_
#define IOVALID_HWMODEL_TABLE_MEMORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hwmodel/cow_ptr.h"
#include "hwmodel/physical_memory.h"

namespace iovalid::hwmodel {

// Number of a 4 KiB frame that holds a page table. A table entry refers to it by its address,
// number * 4096. Table frames are not pages that a device can reach: their numbers and sim::PageId
// are separate spaces. 0 is never a frame.
using FrameId = uint32_t;
inline constexpr FrameId kNoFrame = 0;

// Entries of 8 bytes in a frame.
inline constexpr unsigned kFrameEntries = 512;

struct alignas(64) TableFrame {
  std::array<uint64_t, kFrameEntries> entry;
};

// The memory that page tables live in. Copies share frames until one of them writes (see CowPtr for
// threads): a copy costs a pointer a frame, memcpy'd, and one reference count in 16 frames.
class TableMemory final : public PhysicalMemory {
 public:
  TableMemory() = default;
  TableMemory(const TableMemory&) = default;
  TableMemory(TableMemory&&) = default;
  TableMemory& operator=(const TableMemory&) = default;
  TableMemory& operator=(TableMemory&&) = default;

  // A zeroed frame. `owner` is for FreeOwnedBy. Numbers are given deterministically: the one freed
  // last, or the next never used. kNoFrame when `limit` frames are in use (out of memory).
  FrameId Allocate(uint32_t owner);

  // 2^frames_log2 consecutive frames, of which the first is a multiple of that number. Each of them
  // is freed by itself.
  FrameId AllocateRun(uint32_t owner, unsigned frames_log2);

  // No effect on a number that is not allocated.
  void Free(FrameId frame);

  // Frees every frame allocated for `owner`, whatever the tables say. Returns their number.
  size_t FreeOwnedBy(uint32_t owner);

  bool allocated(FrameId frame) const {
    return frame < frames_.size() && frames_[frame] != nullptr;
  }
  uint32_t owner(FrameId frame) const { return allocated(frame) ? owners_[frame] : ~0u; }

  // The frame for reading, or null where there is no such frame (hardware: a bus error).
  const TableFrame* Find(uint64_t frame) const {
    return frame < frames_.size() ? frames_[frame] : nullptr;
  }

  const uint64_t* Words(uint64_t frame) const override {
    const TableFrame* found = Find(frame);
    return found == nullptr ? nullptr : found->entry.data();
  }
  uint64_t* MutableWords(uint64_t frame) override {
    return Find(frame) == nullptr ? nullptr : Mutable(static_cast<FrameId>(frame))->entry.data();
  }

  // The frame for writing; must be allocated. Valid until the memory is copied or the frame freed.
  TableFrame* Mutable(FrameId frame);

  // Frames allocated for `owner`.
  size_t OwnedBy(uint32_t owner) const;

  // Frames allocated now, and the most there ever were.
  size_t in_use() const { return in_use_; }
  size_t peak() const { return peak_; }

  // The most frames that Allocate hands out at a time.
  void set_limit(size_t frames) { limit_ = frames; }

 private:
  static constexpr unsigned kBlockFrames = 16;
  struct Block {
    std::array<CowPtr<TableFrame>, kBlockFrames> frame;
  };

  // A number that was never given; 0, which never is, comes first.
  FrameId Append();
  void Occupy(FrameId frame, uint32_t owner);

  // Owners of the frames, by number / kBlockFrames, and beside them the same frames by number, so
  // that a read goes straight to the frame.
  std::vector<CowPtr<Block>> blocks_;
  std::vector<const TableFrame*> frames_;
  std::vector<uint32_t> owners_;
  std::vector<FrameId> free_;
  size_t in_use_ = 0;
  size_t peak_ = 0;
  size_t limit_ = size_t{1} << 24;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_TABLE_MEMORY_H_
