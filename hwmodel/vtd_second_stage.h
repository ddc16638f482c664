// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_VTD_SECOND_STAGE_H_
#define IOVALID_HWMODEL_VTD_SECOND_STAGE_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// Entries of VT-d second-stage page tables (a format, see format.h): Intel VT-d specification,
// revision 4, section 3.7 "Second-Stage Translation" and section 9.8 "Second-Stage Paging Entries".
// Level 1 is the table whose entries map 4 KiB (SS-PTE), 2 = SS-PDE, 3 = SS-PDPE, 4 = SS-PML4E,
// 5 = SS-PML5E.
//
//   bit 0 R, bit 1 W                    not present where both are clear
//   bit 7 PS                            in levels 2 and 3: a leaf of 2 MiB or 1 GiB
//   bit 8 A, bit 9 D                    in scalable mode with accessed/dirty enabled
//   (section 3.7.2) bit 11 SNP                          in leaves: force snooping bits 12.. up to
//   the host width      frame of the next table, or of the page everything else ignored, or
//   reserved: see Limits
struct VtdSecondStage {
  static constexpr FormatId kId = FormatId::kVtdSecondStage;
  static constexpr unsigned kGranuleLog2 = 12;
  static constexpr unsigned kIndexBits = 9;
  static constexpr unsigned kMinLevels = 3;
  static constexpr unsigned kMaxLevels = 5;
  static constexpr unsigned kMaxRootBits = 9;
  static constexpr unsigned kMaxLeafLevel = 3;
  static constexpr bool kReplicated = false;
  static constexpr FaultReason kReservedReason = FaultReason::kReservedBit;
  static constexpr bool kRightsFirst = true;

  static constexpr uint64_t kR = uint64_t{1} << 0;
  static constexpr uint64_t kW = uint64_t{1} << 1;
  static constexpr uint64_t kPageSizeBit = uint64_t{1} << 7;
  static constexpr uint64_t kAccessed = uint64_t{1} << 8;
  static constexpr uint64_t kDirty = uint64_t{1} << 9;
  static constexpr uint64_t kSnoop = uint64_t{1} << 11;
  static constexpr uint64_t kAddress = BitRange(12, 51);

  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleLog2 + kIndexBits * (level - 1);
  }
  static constexpr uint64_t LeafSizes(unsigned level) {
    return level <= kMaxLeafLevel ? uint64_t{1} << EntrySizeLog2(level) : 0;
  }

  // A driver takes every non-zero entry for present.
  static constexpr EntryKind KindOf(uint64_t entry, unsigned level) {
    if (entry == 0) return EntryKind::kEmpty;
    return IsLeaf(entry, level) ? EntryKind::kLeaf : EntryKind::kTable;
  }
  static constexpr bool IsLeaf(uint64_t entry, unsigned level) {
    return level == 1 || (level <= kMaxLeafLevel && (entry & kPageSizeBit) != 0);
  }
  static constexpr unsigned LeafSizeLog2(uint64_t, unsigned level) { return EntrySizeLog2(level); }
  static constexpr uint64_t LeafAddress(uint64_t entry, unsigned level) {
    return entry & kAddress & ~BitsBelow(EntrySizeLog2(level));
  }
  static constexpr uint64_t TableAddress(uint64_t entry) { return entry & kAddress; }
  static constexpr unsigned NextLevel(uint64_t, unsigned level) { return level - 1; }

  static constexpr uint64_t MakeTable(uint64_t address, unsigned) { return address | kR | kW; }
  static constexpr uint64_t MakeLeaf(uint64_t address, unsigned level, unsigned,
                                     uint64_t attributes) {
    return address | (level > 1 ? kPageSizeBit : 0) | attributes;
  }
  static constexpr uint64_t AddressStep(uint64_t bytes) { return bytes; }
  static constexpr uint64_t Attributes(unsigned rights, PageAttributes more) {
    return (rights & (kR | kW)) | (more.force_snoop ? kSnoop : 0);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    return static_cast<unsigned>(entry & (kR | kW));  // the same two bits as Rights
  }
  // What smaller leaves keep when they take this one's place.
  static constexpr uint64_t AttributesOf(uint64_t leaf, unsigned) {
    return leaf & ~(kAddress | kPageSizeBit);
  }
  static constexpr bool IsDirty(uint64_t entry) { return (entry & kDirty) != 0; }
  static constexpr uint64_t MakeClean(uint64_t entry) { return entry & ~kDirty; }

  static constexpr bool Present(uint64_t entry, unsigned) { return (entry & (kR | kW)) != 0; }
  static constexpr unsigned Grants(uint64_t entry, bool, AdMode) { return RightsOf(entry); }

  // Address bits from the host address width up; PS where the level has no leaves; in a large leaf
  // the address bits below its size; SNP in a leaf without snoop control. Bits 2..6, 8..10 and
  // 52..63 are ignored in legacy mode.
  static ReservedBits Limits(const HardwareLimits& limits);
  static constexpr FaultReason Check(uint64_t, unsigned, bool) { return FaultReason::kNone; }

  static constexpr FaultReason AdFault(uint64_t, bool, bool, AdMode) { return FaultReason::kNone; }
  static constexpr uint64_t WithAd(uint64_t entry, bool leaf, bool write) {
    return entry | kAccessed | (leaf && write ? kDirty : 0);
  }
  // Whether hardware may cache the right to write: not before D is set, or it would never be.
  static constexpr bool WriteIsFinal(uint64_t leaf) { return IsDirty(leaf); }
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_VTD_SECOND_STAGE_H_
