// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_VTD_SECOND_STAGE_H_
#define IOVALID_HWMODEL_VTD_SECOND_STAGE_H_

#include <array>
#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/table_memory.h"
#include "sim/units.h"

namespace iovalid::hwmodel {

// Entries of VT-d second-stage page tables, a format description for PageTable<>: Intel VT-d
// specification, revision 4, section 3.7 "Second-Stage Translation" and section 9.8 "Second-Stage
// Paging Entries". Levels are counted as there: 1 is the table whose entries map 4 KiB (SS-PTE),
// 2 = SS-PDE, 3 = SS-PDPE, 4 = SS-PML4E, 5 = SS-PML5E.
//
//   bit 0 R, bit 1 W                    not present where both are clear
//   bit 7 PS                            in levels 2 and 3: a leaf of 2 MiB or 1 GiB
//   bit 11 SNP                          in leaves: force snooping
//   bits 12.. up to the host width      frame of the next table, or of the page
//   everything else                     ignored, or reserved: see Limits
struct VtdSecondStage {
  static constexpr unsigned kGranuleShift = 12;
  static constexpr unsigned kIndexBits = 9;
  static constexpr unsigned kMaxLevels = 5;
  static constexpr unsigned kMaxLeafLevel = 3;

  static constexpr uint64_t kR = uint64_t{1} << 0;
  static constexpr uint64_t kW = uint64_t{1} << 1;
  static constexpr uint64_t kPageSizeBit = uint64_t{1} << 7;
  static constexpr uint64_t kSnoop = uint64_t{1} << 11;
  static constexpr uint64_t kAddress = ((uint64_t{1} << 52) - 1) & ~uint64_t{0xfff};

  // 4 KiB pages that one entry of a table of this level covers.
  static constexpr uint64_t EntryPages(unsigned level) {
    return uint64_t{1} << (kIndexBits * (level - 1));
  }
  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleShift + kIndexBits * (level - 1);
  }

  // What hardware takes for an entry that leads somewhere. A driver takes every non-zero entry so.
  static constexpr bool Present(uint64_t entry) { return (entry & (kR | kW)) != 0; }
  static constexpr bool IsLeaf(uint64_t entry, unsigned level) {
    return level == 1 || (level <= kMaxLeafLevel && (entry & kPageSizeBit) != 0);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    return static_cast<unsigned>(entry & (kR | kW));  // the same two bits as Rights
  }

  // The frame number of the next table, of up to 40 bits.
  static constexpr uint64_t TableFrameOf(uint64_t entry) {
    return (entry & kAddress) >> kGranuleShift;
  }
  // The first 4 KiB frame of the page that a leaf of this level maps.
  static constexpr sim::PageId PageOf(uint64_t entry, unsigned level) {
    return ((entry & kAddress) >> kGranuleShift) & ~(EntryPages(level) - 1);
  }

  static constexpr uint64_t MakeTable(FrameId frame) {
    return (uint64_t{frame} << kGranuleShift) | kR | kW;
  }
  // `attributes` from Attributes().
  static constexpr uint64_t MakeLeaf(sim::PageId page, unsigned level, uint64_t attributes) {
    return (page << kGranuleShift) | (level > 1 ? kPageSizeBit : 0) | attributes;
  }
  // What the entry of the next page in the same table differs by.
  static constexpr uint64_t NextLeaf(unsigned level) { return EntryPages(level) << kGranuleShift; }

  static constexpr uint64_t Attributes(unsigned rights, bool force_snoop) {
    return (rights & (kR | kW)) | (force_snoop ? kSnoop : 0);
  }

  // Reserved bits by level, which depend on the unit: address bits from the host address width up;
  // PS where the level has no leaves; in a large leaf the address bits below its size; SNP in a
  // leaf without snoop control. Bits 2..6, 8..10 and 52..63 are ignored in legacy mode.
  struct Limits {
    std::array<uint64_t, kMaxLevels + 1> reserved_in_table{};
    std::array<uint64_t, kMaxLevels + 1> reserved_in_leaf{};
  };
  // `page_sizes`: a bit map in bytes.
  static Limits MakeLimits(unsigned host_address_bits, uint64_t page_sizes, bool snoop_control);
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_VTD_SECOND_STAGE_H_
