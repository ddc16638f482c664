// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_ARM_LPAE_H_
#define IOVALID_HWMODEL_ARM_LPAE_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// Descriptors of the Arm VMSAv8-64 translation tables that SMMUv3 walks (a format, see format.h):
// Arm Architecture Reference Manual (DDI 0487), section D8.3 "Translation table descriptor
// formats", D8.4 for permissions, D8.7 for the Contiguous bit; SMMUv3 architecture (IHI 0070),
// section 3.13 for hardware updates (HTTU). Our level 1 is Arm's level 3, 2 is 2, 3 is 1, 4 is 0.
// Addresses of up to 48 bits (LPA and LPA2 are refused).
//
//   bits 0-1   0b11 a table, or a page in the last level; 0b01 a block; else a translation fault
//   bits 6-7   stage 1: AP[2:1] (1: unprivileged access; 2: read-only); stage 2: S2AP (read, write)
//   bit 10     AF;  bit 51 DBM;  bit 52 Contiguous;  stage-1 tables: bits 61-62 APTable
//
// Requests are unprivileged data accesses. The Contiguous bit marks groups of 16 (4 KiB granule),
// 128 or, for blocks, 32 (16 KiB), 32 (64 KiB) descriptors; the walker takes a group for one page.
// The kernel's io-pgtable-arm never sets it; the engine does where the bit map of page sizes has
// the size of a group.
template <unsigned kStage, unsigned kGranule>
struct ArmLpae {
  static_assert(kStage == 1 || kStage == 2);
  static_assert(kGranule == 12 || kGranule == 14 || kGranule == 16);
  static constexpr FormatId kId = static_cast<FormatId>(
      static_cast<unsigned>(FormatId::kArm4KStage1) + (kGranule - 12) + (kStage - 1));
  static constexpr unsigned kGranuleLog2 = kGranule;
  static constexpr unsigned kIndexBits = kGranule - 3;
  static constexpr unsigned kMinLevels = 2;
  static constexpr unsigned kMaxLevels = kGranule == 16 ? 3 : 4;
  // Stage 2 may put up to 16 tables side by side (section D8.2, "Concatenated translation tables").
  static constexpr unsigned kMaxRootBits = kIndexBits + (kStage == 2 ? 4 : 0);
  static constexpr bool kReplicated = false;
  static constexpr FaultReason kReservedReason = FaultReason::kAddressSize;
  static constexpr bool kRightsFirst = false;

  static constexpr uint64_t kValid = uint64_t{1} << 0;
  static constexpr uint64_t kTableOrPage = uint64_t{1} << 1;
  static constexpr uint64_t kUnprivileged = uint64_t{1} << 6;  // stage 1, AP[1]
  static constexpr uint64_t kReadOnly = uint64_t{1} << 7;      // stage 1, AP[2]
  static constexpr uint64_t kS2Read = uint64_t{1} << 6;        // stage 2, S2AP[0]
  static constexpr uint64_t kS2Write = uint64_t{1} << 7;       // stage 2, S2AP[1]
  static constexpr uint64_t kAccessFlag = uint64_t{1} << 10;
  static constexpr uint64_t kDbm = uint64_t{1} << 51;
  static constexpr uint64_t kContiguous = uint64_t{1} << 52;
  static constexpr uint64_t kTableNoUnprivileged = uint64_t{1} << 61;  // APTable[0]
  static constexpr uint64_t kTableReadOnly = uint64_t{1} << 62;        // APTable[1]
  static constexpr uint64_t kAddress = BitRange(kGranule, 47);
  // Inner shareable; stage 1 not global, stage 2 normal write-back (what io-pgtable-arm writes for
  // IOMMU_CACHE).
  static constexpr uint64_t kMemory =
      kStage == 1 ? uint64_t{3} << 8 | 1 << 11 | 1 << 2 : uint64_t{3} << 8 | 0xf << 2;

  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleLog2 + kIndexBits * (level - 1);
  }
  // The levels that may have blocks: Arm's 1 and 2 with 4 KiB, only 2 with the larger granules.
  static constexpr unsigned kMaxLeafLevel = kGranule == 12 ? 3 : 2;
  static constexpr unsigned GroupLog2(unsigned level) {
    if (kGranule == 12) return 4;
    return kGranule == 14 && level == 1 ? 7 : 5;
  }
  static constexpr uint64_t LeafSizes(unsigned level) {
    if (level > kMaxLeafLevel) return 0;
    return uint64_t{1} << EntrySizeLog2(level) | uint64_t{1}
                                                     << (EntrySizeLog2(level) + GroupLog2(level));
  }

  static constexpr EntryKind KindOf(uint64_t entry, unsigned level) {
    if ((entry & kValid) == 0) return EntryKind::kEmpty;
    if (level == 1 || (entry & kTableOrPage) == 0) return EntryKind::kLeaf;
    return EntryKind::kTable;
  }
  static constexpr unsigned LeafSizeLog2(uint64_t entry, unsigned level) {
    return EntrySizeLog2(level) + ((entry & kContiguous) != 0 ? GroupLog2(level) : 0);
  }
  static constexpr uint64_t LeafAddress(uint64_t entry, unsigned level) {
    return entry & kAddress & ~BitsBelow(LeafSizeLog2(entry, level));
  }
  static constexpr uint64_t TableAddress(uint64_t entry) { return entry & kAddress; }
  static constexpr unsigned NextLevel(uint64_t, unsigned level) { return level - 1; }

  static constexpr uint64_t MakeTable(uint64_t address, unsigned) {
    return address | kValid | kTableOrPage;
  }
  static constexpr uint64_t MakeLeaf(uint64_t address, unsigned level, unsigned size_log2,
                                     uint64_t attributes) {
    return address | attributes | (level == 1 ? kTableOrPage : 0) |
           (size_log2 > EntrySizeLog2(level) ? kContiguous : 0);
  }
  static constexpr uint64_t AddressStep(uint64_t bytes) { return bytes; }
  // Stage 1 has no write-only page, and with dirty tracking a page is writable, so clean or dirty.
  static constexpr uint64_t Attributes(unsigned rights, PageAttributes more) {
    uint64_t bits = kValid | kMemory | kAccessFlag;
    if (kStage == 1) {
      bits |= kUnprivileged;
      if ((rights & kWrite) == 0) return bits | kReadOnly;
      return bits | (more.dirty_tracking ? kDbm | kReadOnly : 0);
    }
    bits |= (rights & kRead) != 0 ? kS2Read : 0;
    if ((rights & kWrite) == 0) return bits;
    return bits | (more.dirty_tracking ? kDbm : kS2Write);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    return Grants(entry, true, AdMode::kHardware);
  }
  // What smaller leaves keep when they take this one's place.
  static constexpr uint64_t AttributesOf(uint64_t leaf, unsigned) {
    return leaf & ~(kAddress | kContiguous | kTableOrPage);
  }
  // DBM with the right to write: dirty.
  static constexpr bool IsDirty(uint64_t entry) {
    return (entry & kDbm) != 0 &&
           (kStage == 1 ? (entry & kReadOnly) == 0 : (entry & kS2Write) != 0);
  }
  static constexpr uint64_t MakeClean(uint64_t entry) {
    if ((entry & kDbm) == 0) return entry;
    return kStage == 1 ? entry | kReadOnly : entry & ~kS2Write;
  }

  static constexpr bool Present(uint64_t entry, unsigned level) {
    if ((entry & kValid) == 0) return false;
    if ((entry & kTableOrPage) != 0) return true;
    return level > 1 && level <= kMaxLeafLevel;  // a block
  }
  static constexpr unsigned Grants(uint64_t entry, bool leaf, AdMode ad) {
    if (!leaf) {
      if (kStage == 2) return kRead | kWrite;
      if ((entry & kTableNoUnprivileged) != 0) return 0;
      return (entry & kTableReadOnly) != 0 ? unsigned{kRead} : kRead | kWrite;
    }
    const bool dbm = ad == AdMode::kHardware && (entry & kDbm) != 0;
    if (kStage == 2) {
      return ((entry & kS2Read) != 0 ? unsigned{kRead} : 0u) |
             ((entry & kS2Write) != 0 || dbm ? unsigned{kWrite} : 0u);
    }
    if ((entry & kUnprivileged) == 0) return 0;
    return (entry & kReadOnly) == 0 || dbm ? kRead | kWrite : unsigned{kRead};
  }

  // No bit is checked for zero but the output address, whose excess is an address size fault.
  static ReservedBits Limits(const HardwareLimits& limits) {
    ReservedBits reserved;
    const uint64_t beyond = kAddress & ~BitsBelow(limits.host_address_bits);
    for (unsigned level = 1; level <= kMaxLevels; ++level) {
      reserved.in_table[level] = reserved.in_leaf[level] = beyond;
    }
    return reserved;
  }
  static constexpr FaultReason Check(uint64_t, unsigned, bool) { return FaultReason::kNone; }

  // Without HTTU a clear access flag is software's to set.
  static constexpr FaultReason AdFault(uint64_t entry, bool leaf, bool, AdMode ad) {
    return leaf && ad == AdMode::kOff && (entry & kAccessFlag) == 0 ? FaultReason::kAccessFlag
                                                                    : FaultReason::kNone;
  }
  static constexpr uint64_t WithAd(uint64_t entry, bool leaf, bool write) {
    if (!leaf) return entry;
    entry |= kAccessFlag;
    if (!write || (entry & kDbm) == 0) return entry;
    return kStage == 1 ? entry & ~kReadOnly : entry | kS2Write;
  }
  static constexpr bool WriteIsFinal(uint64_t leaf) {
    return kStage == 1 ? (leaf & kReadOnly) == 0 : (leaf & kS2Write) != 0;
  }
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_ARM_LPAE_H_
