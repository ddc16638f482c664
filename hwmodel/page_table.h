// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_PAGE_TABLE_H_
#define IOVALID_HWMODEL_PAGE_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hwmodel/iommu_config.h"
#include "hwmodel/reach_runs.h"
#include "hwmodel/table_memory.h"
#include "sim/digest.h"
#include "sim/errno.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

// What a driver does with the page table of one domain: the engine that all formats share. `Format`
// (see VtdSecondStage) says what an entry looks like; DriverRules say what the kernel does where
// kernels differ. The engine trusts the shape of the tables, as a driver does, but never reads or
// writes outside of table memory, whatever they hold.
//
// A short-lived view: it refers to the memory and the digest of its owner. Addresses are in pages
// of 4 KiB throughout. All ranges have been checked to lie within what `levels` levels translate.
template <typename Format>
class PageTable {
 public:
  struct Layout {
    FrameId root;
    unsigned levels;
    uint32_t owner;  // for TableMemory::Allocate
  };

  PageTable(TableMemory& memory, const Layout& layout) : memory_(memory), layout_(layout) {}

  // Maps pages [page, page+pages) to frames from `first` on. Writes the largest leaves that
  // `page_sizes` (bit map, in bytes), alignment and length allow. Adds to `reach` what it wrote. On
  // an error `*done` pages from the start may be mapped and the rest is not.
  sim::Errno Map(uint64_t page, sim::PageId first, uint64_t pages, uint64_t attributes,
                 uint64_t page_sizes, bool present_fails, sim::Digest* reach, uint64_t* done);

  // Unmaps from `page` on up to `last` (inclusive) and the rest of a leaf that `last` falls into.
  // Returns the pages from `page` to where it stopped. Takes out of `reach` what it cleared.
  uint64_t Unmap(uint64_t page, uint64_t last, const DriverRules& rules, sim::Digest* reach);

 private:
  static unsigned IndexOf(uint64_t page, unsigned level) {
    return static_cast<unsigned>(page >> (Format::kIndexBits * (level - 1)) &
                                 ((1u << Format::kIndexBits) - 1));
  }
  static constexpr unsigned kEntries = 1u << Format::kIndexBits;
  static_assert(kEntries == kFrameEntries, "a table fills one frame");

  using Adder = RunJoiner<AddReach>;
  using Subtracter = RunJoiner<SubtractReach>;

  // The level of the largest leaf for the first of `pages` pages.
  static unsigned LeafLevel(uint64_t page, sim::PageId first, uint64_t pages, uint64_t page_sizes);

  // The table of level `level` that covers `page`; allocates those that are missing. kNoFrame with
  // *error, and with *blocked_pages the rest of a leaf that stands in the way (kADDRINUSE).
  FrameId Descend(uint64_t page, unsigned level, sim::Errno* error, uint64_t* blocked_pages);

  // Writes `count` leaves into one table; returns how many until an entry in use stopped it.
  unsigned WriteLeaves(FrameId table, unsigned level, uint64_t page, sim::PageId first,
                       unsigned count, uint64_t attributes, bool present_fails, Adder* added,
                       sim::Digest* reach);

  // Makes room for a large leaf where a table of smaller ones is: frees it if it is empty, or in
  // any case with `discard`. False where it is in use.
  bool ReplaceTable(uint64_t entry, unsigned level, uint64_t page, bool discard,
                    sim::Digest* reach);
  bool HasLeaf(uint64_t frame, unsigned level) const;
  void FreeTree(uint64_t frame, unsigned level, uint64_t page, Subtracter* removed);

  struct UnmapState {
    uint64_t first;
    uint64_t last;
    uint64_t page;  // the next to look at
    const DriverRules& rules;
    Subtracter removed;
    std::vector<FrameId> freed;  // given back at the end, so that no table goes while it is in use
  };
  // False where it stopped.
  bool UnmapTable(UnmapState* state, FrameId table, unsigned level);
  bool IsEmpty(FrameId table) const;

  TableMemory& memory_;
  Layout layout_;
};

// Calls visit(entry, level, page) for each leaf that covers a page of [page, last], ascending,
// where `page` is the first page of the leaf; visit returns false to end. Reads table memory only.
// Returns false where it was ended.
template <typename Format, typename Visit>
bool ForEachLeaf(const TableMemory& memory, uint64_t frame, unsigned level, uint64_t page,
                 uint64_t last, Visit& visit) {
  const TableFrame* table = memory.Find(frame);
  if (table == nullptr) return true;
  const uint64_t entry_pages = Format::EntryPages(level);
  for (;;) {
    const unsigned index = static_cast<unsigned>(page / entry_pages % kFrameEntries);
    const uint64_t entry = table->entry[index];
    const uint64_t start = page & ~(entry_pages - 1);
    if (entry != 0) {
      if (Format::IsLeaf(entry, level)) {
        if (!visit(entry, level, start)) return false;
      } else if (!ForEachLeaf<Format>(memory, Format::TableFrameOf(entry), level - 1, page,
                                      std::min(last, start + entry_pages - 1), visit)) {
        return false;
      }
    }
    page = start + entry_pages;
    if (page > last || index == kFrameEntries - 1) return true;
  }
}

template <typename Format>
unsigned PageTable<Format>::LeafLevel(uint64_t page, sim::PageId first, uint64_t pages,
                                      uint64_t page_sizes) {
  for (unsigned level = Format::kMaxLeafLevel; level > 1; --level) {
    const uint64_t size = Format::EntryPages(level);
    if ((page_sizes >> Format::EntrySizeLog2(level) & 1) != 0 && pages >= size &&
        ((page | first) & (size - 1)) == 0) {
      return level;
    }
  }
  return 1;
}

template <typename Format>
FrameId PageTable<Format>::Descend(uint64_t page, unsigned target, sim::Errno* error,
                                   uint64_t* blocked_pages) {
  FrameId table = layout_.root;
  for (unsigned level = layout_.levels; level > target; --level) {
    const unsigned index = IndexOf(page, level);
    const TableFrame* frame = memory_.Find(table);
    const uint64_t entry = frame == nullptr ? 0 : frame->entry[index];
    if (entry == 0) {
      const FrameId fresh = frame == nullptr ? kNoFrame : memory_.Allocate(layout_.owner);
      if (fresh == kNoFrame) {
        *error = sim::Errno::kNOMEM;
        return kNoFrame;
      }
      memory_.Mutable(table)->entry[index] = Format::MakeTable(fresh);
      table = fresh;
      continue;
    }
    const uint64_t next = Format::TableFrameOf(entry);
    if (Format::IsLeaf(entry, level) || memory_.Find(next) == nullptr) {
      *blocked_pages = Format::EntryPages(level) - (page & (Format::EntryPages(level) - 1));
      *error = sim::Errno::kADDRINUSE;
      return kNoFrame;
    }
    table = static_cast<FrameId>(next);
  }
  return table;
}

template <typename Format>
bool PageTable<Format>::HasLeaf(uint64_t frame, unsigned level) const {
  bool found = false;
  auto visit = [&found](uint64_t, unsigned, uint64_t) {
    found = true;
    return false;
  };
  const uint64_t pages = Format::EntryPages(level) * kEntries;
  ForEachLeaf<Format>(memory_, frame, level, 0, pages - 1, visit);
  return found;
}

template <typename Format>
void PageTable<Format>::FreeTree(uint64_t frame, unsigned level, uint64_t page,
                                 Subtracter* removed) {
  if (memory_.Find(frame) == nullptr ||
      memory_.owner(static_cast<FrameId>(frame)) != layout_.owner) {
    return;
  }
  const TableFrame copy = *memory_.Find(frame);
  // Freed before its children: a table that refers to itself ends here.
  memory_.Free(static_cast<FrameId>(frame));
  for (unsigned index = 0; index < kEntries; ++index) {
    const uint64_t entry = copy.entry[index];
    if (entry == 0) continue;
    const uint64_t start = page + index * Format::EntryPages(level);
    if (Format::IsLeaf(entry, level)) {
      removed->Add(start, Format::PageOf(entry, level), Format::EntryPages(level),
                   Format::RightsOf(entry));
    } else {
      FreeTree(Format::TableFrameOf(entry), level - 1, start, removed);
    }
  }
}

template <typename Format>
bool PageTable<Format>::ReplaceTable(uint64_t entry, unsigned level, uint64_t page, bool discard,
                                     sim::Digest* reach) {
  if (Format::IsLeaf(entry, level)) return false;
  if (!discard && HasLeaf(Format::TableFrameOf(entry), level - 1)) return false;
  Subtracter removed{SubtractReach{reach}};
  FreeTree(Format::TableFrameOf(entry), level - 1, page, &removed);
  removed.Flush();
  return true;
}

template <typename Format>
unsigned PageTable<Format>::WriteLeaves(FrameId table, unsigned level, uint64_t page,
                                        sim::PageId first, unsigned count, uint64_t attributes,
                                        bool present_fails, Adder* added, sim::Digest* reach) {
  const uint64_t entry_pages = Format::EntryPages(level);
  const unsigned rights = Format::RightsOf(attributes);
  uint64_t* at = &memory_.Mutable(table)->entry[IndexOf(page, level)];
  uint64_t in_use = 0;
  for (unsigned i = 0; i < count; ++i) in_use |= at[i];
  uint64_t leaf = Format::MakeLeaf(first, level, attributes);
  if (in_use == 0) {
    for (unsigned i = 0; i < count; ++i) at[i] = leaf + i * Format::NextLeaf(level);
    added->Add(page, first, count * entry_pages, rights);
    return count;
  }
  for (unsigned i = 0; i < count; ++i, leaf += Format::NextLeaf(level)) {
    if (at[i] != 0 && !ReplaceTable(at[i], level, page + i * entry_pages, !present_fails, reach)) {
      if (present_fails) return i;
      continue;
    }
    at[i] = leaf;
    added->Add(page + i * entry_pages, first + i * entry_pages, entry_pages, rights);
  }
  return count;
}

template <typename Format>
sim::Errno PageTable<Format>::Map(uint64_t page, sim::PageId first, uint64_t pages,
                                  uint64_t attributes, uint64_t page_sizes, bool present_fails,
                                  sim::Digest* reach, uint64_t* done) {
  Adder added{AddReach{reach}};
  sim::Errno error = sim::Errno::kOk;
  *done = 0;
  while (*done < pages) {
    const uint64_t left = pages - *done;
    const unsigned level = LeafLevel(page, first, left, page_sizes);
    uint64_t step = 0;
    const FrameId table = Descend(page, level, &error, &step);
    if (table != kNoFrame) {
      // A table ends where the next larger size could begin, so all these leaves are of one size.
      const unsigned count = static_cast<unsigned>(
          std::min<uint64_t>(left / Format::EntryPages(level), kEntries - IndexOf(page, level)));
      const unsigned written =
          WriteLeaves(table, level, page, first, count, attributes, present_fails, &added, reach);
      step = written * Format::EntryPages(level);
      if (written < count) error = sim::Errno::kADDRINUSE;
    } else if (error == sim::Errno::kADDRINUSE && !present_fails) {
      error = sim::Errno::kOk;  // the leaf in the way stays
      step = std::min(step, left);
    } else {
      step = 0;
    }
    page += step;
    first += step;
    *done += step;
    if (error != sim::Errno::kOk) break;
  }
  added.Flush();
  return error;
}

template <typename Format>
bool PageTable<Format>::IsEmpty(FrameId table) const {
  uint64_t any = 0;
  for (const uint64_t entry : memory_.Find(table)->entry) any |= entry;
  return any == 0;
}

template <typename Format>
bool PageTable<Format>::UnmapTable(UnmapState* state, FrameId table, unsigned level) {
  const uint64_t entry_pages = Format::EntryPages(level);
  const uint64_t next_leaf = Format::NextLeaf(level);
  const TableFrame* frame = memory_.Find(table);
  unsigned index = IndexOf(state->page, level);
  while (index < kEntries && state->page <= state->last) {
    const uint64_t entry = frame->entry[index];
    const uint64_t start = state->page & ~(entry_pages - 1);
    if (entry != 0 && Format::IsLeaf(entry, level)) {
      if (state->page != start) return false;  // from the middle of a leaf: see Iommu::Unmap
      TableFrame* writable = memory_.Mutable(table);
      frame = writable;
      // Clear as far as the entries continue one another.
      const uint64_t wanted = (state->last - start) / entry_pages + 1;
      const unsigned most = static_cast<unsigned>(std::min<uint64_t>(wanted, kEntries - index));
      unsigned count = 0;
      uint64_t expected = entry;
      while (count < most && writable->entry[index + count] == expected) {
        writable->entry[index + count] = 0;
        expected += next_leaf;
        ++count;
      }
      state->removed.Add(start, Format::PageOf(entry, level), count * entry_pages,
                         Format::RightsOf(entry));
      state->page = start + count * entry_pages;
      index += count;
      continue;
    }
    const uint64_t child = Format::TableFrameOf(entry);
    if (entry == 0 || memory_.Find(child) == nullptr) {
      if (state->rules.unmap_stops_at_hole) return false;
      state->page = start + entry_pages;
      ++index;
      continue;
    }
    const bool covered = state->first <= start && state->last >= start + entry_pages - 1;
    const bool complete = UnmapTable(state, static_cast<FrameId>(child), level - 1);
    const bool free = state->rules.free_tables == DriverRules::FreeTables::kCovered
                          ? covered && complete
                          : state->rules.free_tables == DriverRules::FreeTables::kEmpty &&
                                IsEmpty(static_cast<FrameId>(child));
    // A table of another owner is there only where the tables are corrupt.
    if (free && memory_.owner(static_cast<FrameId>(child)) == layout_.owner) {
      memory_.Mutable(table)->entry[index] = 0;
      state->freed.push_back(static_cast<FrameId>(child));
    }
    frame = memory_.Find(table);
    if (!complete) return false;
    ++index;
  }
  return true;
}

template <typename Format>
uint64_t PageTable<Format>::Unmap(uint64_t page, uint64_t last, const DriverRules& rules,
                                  sim::Digest* reach) {
  UnmapState state{page, last, page, rules, Subtracter{SubtractReach{reach}}, {}};
  UnmapTable(&state, layout_.root, layout_.levels);
  state.removed.Flush();
  for (const FrameId frame : state.freed) memory_.Free(frame);
  return state.page - page;
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_PAGE_TABLE_H_
