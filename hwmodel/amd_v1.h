// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_AMD_V1_H_
#define IOVALID_HWMODEL_AMD_V1_H_

#include <bit>
#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// Entries of AMD I/O page tables for host translations (a format, see format.h): AMD I/O
// Virtualization Technology (IOMMU) Specification, section 2.2.3 "I/O Page Tables for Host
// Translations". Level n is the table that "mode" and "next level" n lead to.
//
//   bit 0 PR, 5 A, 6 D, 9..11 next level, 12..51 address, 60 FC, 61 IR, 62 IW
//   next level 0   a page of the level's own size
//   next level 7   a page whose size, a power of two, is told by the ones at the low end of the
//                  address; the entry stands in each slot that the page covers (tables 14, 15)
//   else           a table of that level; levels between are skipped, and the address bits that
//                  would select in them must be zero
//
// The top level, 6, selects by 7 bits and has no pages. 512 GiB pages are left out, as the kernel
// does on account of a hardware bug. IR and IW count at every level. kGranule 12 is AMD's; 11 is
// the format of the kernel's iommufd selftests, whose pages of 2 KiB stand for an IOMMU page
// smaller than the processor's: addresses in entries count granules.
template <unsigned kGranule>
struct AmdV1Pages {
  static constexpr FormatId kId = kGranule == 12 ? FormatId::kAmdV1 : FormatId::kMock2K;
  static constexpr unsigned kGranuleLog2 = kGranule;
  static constexpr unsigned kIndexBits = 9;
  static constexpr unsigned kMinLevels = kGranule == 12 ? 1 : 2;
  static constexpr unsigned kMaxLevels = kGranule == 12 ? 6 : 5;
  static constexpr unsigned kMaxRootBits = 9;
  static constexpr bool kReplicated = true;
  static constexpr FaultReason kReservedReason = FaultReason::kReservedBit;
  static constexpr bool kRightsFirst = false;

  static constexpr uint64_t kPresent = uint64_t{1} << 0;
  static constexpr uint64_t kAccessed = uint64_t{1} << 5;
  static constexpr uint64_t kDirty = uint64_t{1} << 6;
  static constexpr unsigned kNextLevelShift = 9;
  static constexpr uint64_t kNextLevel = uint64_t{7} << kNextLevelShift;
  static constexpr uint64_t kAddress = BitRange(12, 51);
  static constexpr uint64_t kForceCoherent = uint64_t{1} << 60;
  static constexpr uint64_t kIR = uint64_t{1} << 61;
  static constexpr uint64_t kIW = uint64_t{1} << 62;
  static constexpr unsigned kOutputBits = kGranule == 12 ? 52 : 51;

  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleLog2 + kIndexBits * (level - 1);
  }
  static constexpr uint64_t LeafSizes(unsigned level) {
    const unsigned entry = EntrySizeLog2(level);
    if (level > 5 || (level == kMaxLevels && kGranule == 12) || entry > 51) return 0;
    const unsigned last = entry + kIndexBits - 1;
    return BitRange(entry, last < 51 ? last : 51) & ~(uint64_t{1} << 39);
  }

  static constexpr unsigned NextLevelField(uint64_t entry) {
    return static_cast<unsigned>((entry & kNextLevel) >> kNextLevelShift);
  }
  static constexpr EntryKind KindOf(uint64_t entry, unsigned level) {
    if ((entry & kPresent) == 0) return EntryKind::kEmpty;
    const unsigned next = NextLevelField(entry);
    return level == 1 || next == 0 || next == 7 ? EntryKind::kLeaf : EntryKind::kTable;
  }
  // Of a page with next level 7: the ones at the low end of the address, and what they say.
  static constexpr unsigned EncodedSizeLog2(uint64_t entry) {
    return static_cast<unsigned>(std::countr_one((entry & kAddress) >> 12)) + kGranuleLog2 + 1;
  }
  static constexpr unsigned LeafSizeLog2(uint64_t entry, unsigned level) {
    if (NextLevelField(entry) != 7) return EntrySizeLog2(level);
    const unsigned encoded = EncodedSizeLog2(entry);
    // What does not fit the level is Check's to report; a driver stays within the table.
    const unsigned low = EntrySizeLog2(level);
    return encoded < low ? low : encoded > low + kIndexBits - 1 ? low + kIndexBits - 1 : encoded;
  }
  static constexpr uint64_t LeafAddress(uint64_t entry, unsigned level) {
    return TableAddress(entry) & ~BitsBelow(LeafSizeLog2(entry, level));
  }
  static constexpr uint64_t TableAddress(uint64_t entry) {
    return (entry & kAddress) >> (12 - kGranuleLog2);
  }
  static constexpr unsigned NextLevel(uint64_t entry, unsigned level) {
    const unsigned next = NextLevelField(entry);
    return next < level ? next : 0;
  }

  static constexpr uint64_t MakeTable(uint64_t address, unsigned level) {
    return address << (12 - kGranuleLog2) | uint64_t{level - 1} << kNextLevelShift | kPresent |
           kIR | kIW;
  }
  static constexpr uint64_t MakeLeaf(uint64_t address, unsigned level, unsigned size_log2,
                                     uint64_t attributes) {
    const uint64_t entry = address << (12 - kGranuleLog2) | kPresent | attributes;
    if (size_log2 == EntrySizeLog2(level)) return entry;
    return entry | kNextLevel | BitsBelow(size_log2 - kGranuleLog2 - 1) << 12;
  }
  static constexpr uint64_t AddressStep(uint64_t bytes) { return bytes << (12 - kGranuleLog2); }
  static constexpr uint64_t Attributes(unsigned rights, PageAttributes more) {
    return ((rights & kRead) != 0 ? kIR : 0) | ((rights & kWrite) != 0 ? kIW : 0) |
           (more.force_snoop ? kForceCoherent : 0);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    return ((entry & kIR) != 0 ? unsigned{kRead} : 0u) |
           ((entry & kIW) != 0 ? unsigned{kWrite} : 0u);
  }
  // What smaller leaves keep when they take this one's place.
  static constexpr uint64_t AttributesOf(uint64_t leaf, unsigned) {
    return leaf & ~(kAddress | kNextLevel);
  }
  static constexpr bool IsDirty(uint64_t entry) { return (entry & kDirty) != 0; }
  static constexpr uint64_t MakeClean(uint64_t entry) { return entry & ~kDirty; }

  static constexpr bool Present(uint64_t entry, unsigned) { return (entry & kPresent) != 0; }
  static constexpr unsigned Grants(uint64_t entry, bool, AdMode) { return RightsOf(entry); }

  // Bits 52..58, and address bits from the host address width up. In a page of the level's own size
  // the address bits below the size.
  static ReservedBits Limits(const HardwareLimits& limits) {
    ReservedBits reserved;
    const uint64_t common =
        BitRange(52, 58) | (kAddress & ~BitsBelow(limits.host_address_bits + (12 - kGranuleLog2)));
    for (unsigned level = 1; level <= kMaxLevels; ++level) {
      reserved.in_table[level] = reserved.in_leaf[level] = common;
    }
    return reserved;
  }
  static constexpr FaultReason Check(uint64_t entry, unsigned level, bool leaf) {
    if (!leaf) return NextLevel(entry, level) == 0 ? FaultReason::kReservedBit : FaultReason::kNone;
    if (level == 6) return FaultReason::kReservedBit;
    const unsigned low = EntrySizeLog2(level);
    if (NextLevelField(entry) == 7) {
      const unsigned size = EncodedSizeLog2(entry);
      if (size <= low || size >= low + kIndexBits) return FaultReason::kReservedBit;
    } else if (level > 1 && (TableAddress(entry) & BitsBelow(low)) != 0) {
      return FaultReason::kReservedBit;
    } else if (NextLevelField(entry) != 0) {
      return FaultReason::kReservedBit;  // a table below the last level
    }
    return FaultReason::kNone;
  }

  static constexpr FaultReason AdFault(uint64_t, bool, bool, AdMode) { return FaultReason::kNone; }
  // With DTE.HAD (section 2.2.2.1): accessed in the pages, and dirty on a write, in the slot that
  // the walk went through.
  static constexpr uint64_t WithAd(uint64_t entry, bool leaf, bool write) {
    return leaf ? entry | kAccessed | (write ? kDirty : 0) : entry;
  }
  static constexpr bool WriteIsFinal(uint64_t leaf) { return IsDirty(leaf); }
};

using AmdV1 = AmdV1Pages<12>;
using Mock2K = AmdV1Pages<11>;

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_AMD_V1_H_
