// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_PAGE_TABLE_H_
#define IOVALID_HWMODEL_PAGE_TABLE_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "hwmodel/driver_rules.h"
#include "hwmodel/format.h"
#include "hwmodel/leaf_walk.h"
#include "hwmodel/reach_runs.h"
#include "hwmodel/table_memory.h"
#include "sim/digest.h"
#include "sim/errno.h"

namespace iovalid::hwmodel {

// What a driver does with the page table of one domain: the engine that all formats share. `Format`
// (see format.h) says what an entry looks like; DriverRules say what the kernel does where kernels
// differ. The engine trusts the shape of the tables, as a driver does, but never reads or writes
// outside of table memory, whatever they hold.
//
// A short-lived view: it refers to the memory and the digest of its owner. Addresses are in pages
// throughout: granules of the format. All ranges have been checked to lie within what the top table
// translates.
template <typename Format>
class PageTable {
 public:
  struct Layout {
    FrameId root;
    unsigned levels;
    uint32_t owner;                           // for TableMemory::Allocate
    unsigned root_bits = Format::kIndexBits;  // log2 of the entries of the top table
  };

  PageTable(TableMemory& memory, const Layout& layout) : memory_(memory), layout_(layout) {}

  // Frames of a table as log2; of the top table where it has more than the usual entries.
  static constexpr unsigned TableFramesLog2(unsigned index_bits) {
    return index_bits > kFrameBits ? index_bits - kFrameBits : 0;
  }

  // Of `page_sizes` (bit map, in bytes), those that leaves of tables up to `levels` can have.
  static constexpr uint64_t UsableSizes(uint64_t page_sizes, unsigned levels) {
    uint64_t usable = 0;
    for (unsigned level = 1; level <= levels; ++level) usable |= Format::LeafSizes(level);
    return usable & page_sizes;
  }

  // Maps pages [page, page+pages) to pages from `first` on. Writes the largest leaves that `sizes`
  // (from UsableSizes, with the granule), alignment and length allow. Adds to `reach` what it
  // wrote. On an error `*done` pages from the start may be mapped and the rest is not.
  sim::Errno Map(uint64_t page, uint64_t first, uint64_t pages, uint64_t attributes, uint64_t sizes,
                 const DriverRules& rules, sim::Digest* reach, uint64_t* done);

  // Unmaps from `page` on up to `last` (inclusive) and the rest of a leaf that `last` falls into.
  // Returns the pages from `page` to where it stopped. Takes out of `reach` what it cleared.
  // `sizes`: what a split may use.
  uint64_t Unmap(uint64_t page, uint64_t last, uint64_t sizes, const DriverRules& rules,
                 sim::Digest* reach);

  // Calls dirty(page, pages) for each dirty leaf, ascending, with what of it lies in [page, last];
  // makes the leaf clean if `clear` (iommu_read_and_clear_dirty; generic_pt read_and_clear_dirty).
  template <typename Dirty>
  void ReadDirty(uint64_t page, uint64_t last, bool clear, Dirty dirty);

  // A table went since this view was made: hardware may hold its entries (generic_pt and the
  // drivers flush for that).
  bool freed_tables() const { return freed_tables_; }

 private:
  static constexpr unsigned kFrameBits = 9;
  static constexpr unsigned kTableFrames = 1u << TableFramesLog2(Format::kIndexBits);
  static_assert(kFrameEntries == 1u << kFrameBits);

  unsigned Entries(unsigned level) const {
    return 1u << (level == layout_.levels ? layout_.root_bits : Format::kIndexBits);
  }
  unsigned IndexOf(uint64_t page, unsigned level) const {
    return static_cast<unsigned>(page >> (Format::kIndexBits * (level - 1))) & (Entries(level) - 1);
  }
  // An entry of a table, or null where there is no such frame.
  const uint64_t* Entry(uint64_t table, unsigned index) const {
    const TableFrame* frame = memory_.Find(table + index / kFrameEntries);
    return frame == nullptr ? nullptr : &frame->entry[index % kFrameEntries];
  }
  // For writing; the table is there. The entries to the end of the frame follow.
  uint64_t* MutableEntry(FrameId table, unsigned index) {
    return &memory_.Mutable(table + index / kFrameEntries)->entry[index % kFrameEntries];
  }
  FrameId AllocateTable() {
    return memory_.AllocateRun(layout_.owner, TableFramesLog2(Format::kIndexBits));
  }
  void FreeTable(FrameId table) {
    for (unsigned i = 0; i < kTableFrames; ++i) {
      if (Owned(table + i)) memory_.Free(table + i);
    }
    freed_tables_ = true;
  }
  // A table of another owner is there only where the tables are corrupt.
  bool Owned(uint64_t table) const {
    return memory_.Find(table) != nullptr &&
           memory_.owner(static_cast<FrameId>(table)) == layout_.owner;
  }

  using Adder = RunJoiner<AddReach>;
  using Subtracter = RunJoiner<SubtractReach>;

  // The log2 of the largest leaf, in pages, for the first of `pages` pages, and how many of that
  // size to write before a larger one fits.
  static unsigned LargestLeaf(uint64_t page, uint64_t first, uint64_t pages, uint64_t sizes);
  static uint64_t LeavesBeforeLarger(unsigned leaf_log2, uint64_t page, uint64_t first,
                                     uint64_t pages, uint64_t sizes);

  // The table of level `level` that covers `page`; allocates those that are missing. kNoFrame with
  // *error, and with *blocked_pages the rest of a leaf that stands in the way (map_present).
  FrameId Descend(uint64_t page, unsigned level, const DriverRules& rules, sim::Errno* error,
                  uint64_t* blocked_pages);

  struct LeafRun {
    unsigned level;
    unsigned items_log2;  // entries a leaf
    uint64_t page;
    uint64_t first;
    unsigned count;  // leaves, all in one frame
    uint64_t attributes;
  };
  // Writes leaves into one table; returns how many until an entry in use stopped it.
  unsigned WriteLeaves(FrameId table, const LeafRun& run, const DriverRules& rules, Adder* added,
                       sim::Digest* reach);
  void FillEntries(uint64_t* at, const LeafRun& run, unsigned leaves, uint64_t first);
  // Makes the entries of one leaf free, as far as the rules let it. False where they are in use.
  bool Clear(FrameId table, const LeafRun& run, uint64_t page, const DriverRules& rules,
             sim::Digest* reach);
  bool HasLeaf(uint64_t frame, unsigned level) const;
  void FreeTree(uint64_t frame, unsigned level, uint64_t page, Subtracter* removed);

  struct UnmapState {
    uint64_t first;
    uint64_t last;
    uint64_t page;  // the next to look at
    uint64_t sizes;
    const DriverRules& rules;
    Subtracter removed;
    std::vector<FrameId> freed;  // given back at the end, so that no table goes while it is in use
  };
  // False where it stopped.
  bool UnmapTable(UnmapState* state, FrameId table, unsigned level);
  // At a leaf. False where it stopped.
  bool UnmapLeaf(UnmapState* state, FrameId table, unsigned level, unsigned index, uint64_t entry);
  bool UnmapChild(UnmapState* state, FrameId table, unsigned level, unsigned index, uint64_t entry);
  bool Split(FrameId table, unsigned level, unsigned index, uint64_t sizes);
  bool IsEmpty(FrameId table) const;

  template <typename Dirty>
  void ReadDirtyTable(uint64_t table, unsigned level, uint64_t page, uint64_t last, bool clear,
                      Dirty& dirty);

  TableMemory& memory_;
  Layout layout_;
  bool freed_tables_ = false;
};

}  // namespace iovalid::hwmodel

#include "hwmodel/page_table_dirty.inc"
#include "hwmodel/page_table_map.inc"
#include "hwmodel/page_table_unmap.inc"

#endif  // IOVALID_HWMODEL_PAGE_TABLE_H_
