// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_VTD_FIRST_STAGE_H_
#define IOVALID_HWMODEL_VTD_FIRST_STAGE_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// Entries of VT-d first-stage page tables (a format, see format.h): Intel VT-d specification,
// revision 4, section 3.6 "First-Stage Translation" and section 9.7 "First-Stage Paging Entries".
// Levels as in VtdSecondStage, four or five. Addresses are canonical (section 3.6.1).
//
//   bit 0 P, 1 R/W, 2 U/S, 5 A, 6 D, 7 PS, 12.. address, 63 XD
//
// A request is a user's read or write: without U/S nothing is permitted, and XD is ignored.
// Accessed and dirty bits are always kept by hardware (section 3.6.3); the driver sets them in
// advance (generic_pt's x86_64 format), since it does not track dirty pages with this format.
struct VtdFirstStage {
  static constexpr FormatId kId = FormatId::kVtdFirstStage;
  static constexpr unsigned kGranuleLog2 = 12;
  static constexpr unsigned kIndexBits = 9;
  static constexpr unsigned kMinLevels = 4;
  static constexpr unsigned kMaxLevels = 5;
  static constexpr unsigned kMaxRootBits = 9;
  static constexpr unsigned kMaxLeafLevel = 3;
  static constexpr bool kReplicated = false;
  static constexpr FaultReason kReservedReason = FaultReason::kReservedBit;
  static constexpr bool kRightsFirst = false;

  static constexpr uint64_t kP = uint64_t{1} << 0;
  static constexpr uint64_t kRW = uint64_t{1} << 1;
  static constexpr uint64_t kUser = uint64_t{1} << 2;
  static constexpr uint64_t kAccessed = uint64_t{1} << 5;
  static constexpr uint64_t kDirty = uint64_t{1} << 6;
  static constexpr uint64_t kPageSizeBit = uint64_t{1} << 7;
  static constexpr uint64_t kAddress = BitRange(12, 51);

  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleLog2 + kIndexBits * (level - 1);
  }
  static constexpr uint64_t LeafSizes(unsigned level) {
    return level <= kMaxLeafLevel ? uint64_t{1} << EntrySizeLog2(level) : 0;
  }

  static constexpr EntryKind KindOf(uint64_t entry, unsigned level) {
    if ((entry & kP) == 0) return EntryKind::kEmpty;
    return level == 1 || (level <= kMaxLeafLevel && (entry & kPageSizeBit) != 0)
               ? EntryKind::kLeaf
               : EntryKind::kTable;
  }
  static constexpr unsigned LeafSizeLog2(uint64_t, unsigned level) { return EntrySizeLog2(level); }
  static constexpr uint64_t LeafAddress(uint64_t entry, unsigned level) {
    return entry & kAddress & ~BitsBelow(EntrySizeLog2(level));
  }
  static constexpr uint64_t TableAddress(uint64_t entry) { return entry & kAddress; }
  static constexpr unsigned NextLevel(uint64_t, unsigned level) { return level - 1; }

  static constexpr uint64_t MakeTable(uint64_t address, unsigned) {
    return address | kP | kRW | kUser | kAccessed;
  }
  static constexpr uint64_t MakeLeaf(uint64_t address, unsigned level, unsigned,
                                     uint64_t attributes) {
    return address | (level > 1 ? kPageSizeBit : 0) | attributes;
  }
  static constexpr uint64_t AddressStep(uint64_t bytes) { return bytes; }
  // There is no write-only page: every present one can be read.
  static constexpr uint64_t Attributes(unsigned rights, PageAttributes) {
    return kP | kUser | kAccessed | ((rights & kWrite) != 0 ? kRW | kDirty : 0);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    if ((entry & kUser) == 0) return 0;
    return kRead | ((entry & kRW) != 0 ? unsigned{kWrite} : 0u);
  }
  // What smaller leaves keep when they take this one's place.
  static constexpr uint64_t AttributesOf(uint64_t leaf, unsigned) {
    return leaf & ~(kAddress | kPageSizeBit);
  }
  static constexpr bool IsDirty(uint64_t entry) { return (entry & kDirty) != 0; }
  static constexpr uint64_t MakeClean(uint64_t entry) { return entry & ~kDirty; }

  static constexpr bool Present(uint64_t entry, unsigned) { return (entry & kP) != 0; }
  static constexpr unsigned Grants(uint64_t entry, bool, AdMode) { return RightsOf(entry); }

  // Address bits from the host address width up; PS in levels 4 and 5 and where the unit lacks the
  // size; address bits of a large leaf below its size, but for bit 12 (PAT).
  static ReservedBits Limits(const HardwareLimits& limits);
  static constexpr FaultReason Check(uint64_t, unsigned, bool) { return FaultReason::kNone; }

  static constexpr FaultReason AdFault(uint64_t, bool, bool, AdMode) { return FaultReason::kNone; }
  static constexpr uint64_t WithAd(uint64_t entry, bool leaf, bool write) {
    return entry | kAccessed | (leaf && write ? kDirty : 0);
  }
  static constexpr bool WriteIsFinal(uint64_t leaf) { return IsDirty(leaf); }
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_VTD_FIRST_STAGE_H_
