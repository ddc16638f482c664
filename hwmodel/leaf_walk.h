// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_LEAF_WALK_H_
#define IOVALID_HWMODEL_LEAF_WALK_H_

#include <algorithm>
#include <cstdint>

#include "hwmodel/format.h"
#include "hwmodel/table_memory.h"

namespace iovalid::hwmodel {

// Pages here are granules of the format: addresses / 2^kGranuleLog2.

// Granules that one entry of a table of this level covers.
template <typename Format>
constexpr uint64_t EntryPages(unsigned level) {
  return uint64_t{1} << (Format::kIndexBits * (level - 1));
}

// Granules that a leaf covers.
template <typename Format>
constexpr uint64_t LeafPages(uint64_t entry, unsigned level) {
  return uint64_t{1} << (Format::LeafSizeLog2(entry, level) - Format::kGranuleLog2);
}

// The granule that a leaf begins with at the other side.
template <typename Format>
constexpr uint64_t LeafPage(uint64_t entry, unsigned level) {
  return Format::LeafAddress(entry, level) >> Format::kGranuleLog2;
}

// The frame of the next table, which may be of any number.
template <typename Format>
constexpr uint64_t TableFrameOf(uint64_t entry) {
  return Format::TableAddress(entry) >> 12;
}

// Calls visit(entry, level, page) for each leaf that covers a page of [page, last], ascending,
// where `page` is the first page of the leaf; visit returns false to end. Reads table memory only.
// Returns false where it was ended. `index_bits`: of this table.
template <typename Format, typename Visit>
bool ForEachLeaf(const TableMemory& memory, uint64_t frame, unsigned level, uint64_t page,
                 uint64_t last, Visit& visit, unsigned index_bits = Format::kIndexBits) {
  const unsigned entries = 1u << index_bits;
  const uint64_t entry_pages = EntryPages<Format>(level);
  for (;;) {
    const unsigned index = static_cast<unsigned>(page / entry_pages) & (entries - 1);
    const TableFrame* table = memory.Find(frame + index / kFrameEntries);
    if (table == nullptr) return true;
    const uint64_t entry = table->entry[index % kFrameEntries];
    uint64_t next = (page & ~(entry_pages - 1)) + entry_pages;
    const EntryKind kind = Format::KindOf(entry, level);
    if (kind == EntryKind::kLeaf) {
      const uint64_t pages = LeafPages<Format>(entry, level);
      const uint64_t start = page & ~(pages - 1);
      if (!visit(entry, level, start)) return false;
      next = start + pages;
    } else if (kind == EntryKind::kTable && level > 1) {
      if (!ForEachLeaf<Format>(memory, TableFrameOf<Format>(entry), level - 1, page,
                               std::min(last, next - 1), visit)) {
        return false;
      }
    }
    if (next > last || (static_cast<unsigned>(next / entry_pages) & (entries - 1)) == 0) {
      return true;
    }
    page = next;
  }
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_LEAF_WALK_H_
