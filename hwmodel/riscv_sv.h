// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_RISCV_SV_H_
#define IOVALID_HWMODEL_RISCV_SV_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// RISC-V page-table entries (a format, see format.h): The RISC-V Instruction Set Manual, volume II,
// sections "Sv39", "Sv48", "Sv57" of chapter "Supervisor-Level ISA", chapter "Svnapot", and, for
// the G-stage (Sv39x4, Sv48x4, Sv57x4, whose top table is four times as large), section "Two-Stage
// Address Translation" of chapter "Hypervisor Extension"; RISC-V IOMMU Architecture Specification,
// section "Process to translate an IOVA".
//
//   bit 0 V, 1 R, 2 W, 3 X, 4 U, 5 G, 6 A, 7 D, 8-9 for software, 10-53 PPN, 54-60 reserved,
//   61-62 PBMT, 63 N
//
// A leaf is an entry with R, W or X, in any level; W without R is reserved. Requests are a user's
// data accesses: without U nothing is permitted. In an entry that leads to a table D, A, U, PBMT
// and N are reserved. N marks groups of 16 pages (64 KiB), each of them written in all 16 entries.
template <bool kGStage>
struct RiscvPages {
  static constexpr FormatId kId = kGStage ? FormatId::kRiscvGStage : FormatId::kRiscvSv;
  static constexpr unsigned kGranuleLog2 = 12;
  static constexpr unsigned kIndexBits = 9;
  static constexpr unsigned kMinLevels = 3;
  static constexpr unsigned kMaxLevels = 5;
  static constexpr unsigned kMaxRootBits = kGStage ? 11 : 9;
  static constexpr bool kReplicated = true;
  static constexpr FaultReason kReservedReason = FaultReason::kReservedBit;
  static constexpr bool kRightsFirst = false;

  static constexpr uint64_t kV = uint64_t{1} << 0;
  static constexpr uint64_t kR = uint64_t{1} << 1;
  static constexpr uint64_t kW = uint64_t{1} << 2;
  static constexpr uint64_t kX = uint64_t{1} << 3;
  static constexpr uint64_t kU = uint64_t{1} << 4;
  static constexpr uint64_t kAccessed = uint64_t{1} << 6;
  static constexpr uint64_t kDirty = uint64_t{1} << 7;
  static constexpr uint64_t kPpn = BitRange(10, 53);
  static constexpr uint64_t kPbmt = BitRange(61, 62);
  static constexpr uint64_t kNapot = uint64_t{1} << 63;
  static constexpr uint64_t kNapot64K = uint64_t{8} << 10;  // the low bits of the PPN: 0b1000

  static constexpr unsigned EntrySizeLog2(unsigned level) {
    return kGranuleLog2 + kIndexBits * (level - 1);
  }
  static constexpr uint64_t LeafSizes(unsigned level) {
    return uint64_t{1} << EntrySizeLog2(level) | (level == 1 ? uint64_t{1} << 16 : 0);
  }

  static constexpr EntryKind KindOf(uint64_t entry, unsigned level) {
    if ((entry & kV) == 0) return EntryKind::kEmpty;
    return level == 1 || (entry & (kR | kW | kX)) != 0 ? EntryKind::kLeaf : EntryKind::kTable;
  }
  static constexpr unsigned LeafSizeLog2(uint64_t entry, unsigned level) {
    return level == 1 && (entry & kNapot) != 0 ? 16 : EntrySizeLog2(level);
  }
  static constexpr uint64_t LeafAddress(uint64_t entry, unsigned level) {
    return TableAddress(entry) & ~BitsBelow(LeafSizeLog2(entry, level));
  }
  static constexpr uint64_t TableAddress(uint64_t entry) { return (entry & kPpn) << 2; }
  static constexpr unsigned NextLevel(uint64_t, unsigned level) { return level - 1; }

  static constexpr uint64_t MakeTable(uint64_t address, unsigned) { return address >> 2 | kV; }
  static constexpr uint64_t MakeLeaf(uint64_t address, unsigned level, unsigned size_log2,
                                     uint64_t attributes) {
    return address >> 2 | attributes | (level == 1 && size_log2 == 16 ? kNapot | kNapot64K : 0);
  }
  static constexpr uint64_t AddressStep(uint64_t bytes) { return bytes >> 2; }
  // There is no write-only page. A, and in a writable page D, are set in advance, as generic_pt
  // does; with dirty tracking D is left to the hardware. X is not set: no request executes.
  static constexpr uint64_t Attributes(unsigned rights, PageAttributes more) {
    const uint64_t bits = kV | kU | kAccessed | kR;
    if ((rights & kWrite) == 0) return bits;
    return bits | kW | (more.dirty_tracking ? 0 : kDirty);
  }
  static constexpr unsigned RightsOf(uint64_t entry) {
    if ((entry & kU) == 0) return 0;
    return ((entry & kR) != 0 ? unsigned{kRead} : 0u) | ((entry & kW) != 0 ? unsigned{kWrite} : 0u);
  }
  // What smaller leaves keep when they take this one's place.
  static constexpr uint64_t AttributesOf(uint64_t leaf, unsigned) {
    return leaf & ~(kPpn | kNapot);
  }
  static constexpr bool IsDirty(uint64_t entry) { return (entry & kDirty) != 0; }
  static constexpr uint64_t MakeClean(uint64_t entry) { return entry & ~kDirty; }

  static constexpr bool Present(uint64_t entry, unsigned) { return (entry & kV) != 0; }
  static constexpr unsigned Grants(uint64_t entry, bool leaf, AdMode) {
    return leaf ? RightsOf(entry) : kRead | kWrite;
  }

  static ReservedBits Limits(const HardwareLimits& limits) {
    ReservedBits reserved;
    const unsigned bits = limits.host_address_bits < 56 ? limits.host_address_bits : 56;
    const uint64_t common = BitRange(54, 60) | (kPpn & ~BitsBelow(bits - 2));
    for (unsigned level = 1; level <= kMaxLevels; ++level) {
      reserved.in_table[level] = common | kDirty | kAccessed | kU | kPbmt | kNapot;
      reserved.in_leaf[level] = common;
      if (level > 1) {
        reserved.in_leaf[level] |= BitRange(10, EntrySizeLog2(level) - 3) | kNapot;
      }
    }
    return reserved;
  }
  static constexpr FaultReason Check(uint64_t entry, unsigned level, bool leaf) {
    const uint64_t rwx = entry & (kR | kW | kX);
    if (leaf && (rwx == 0 || (entry & (kR | kW)) == kW)) return FaultReason::kReservedBit;
    if ((entry & kPbmt) == kPbmt) return FaultReason::kReservedBit;
    if (leaf && level == 1 && (entry & kNapot) != 0 && (entry & uint64_t{15} << 10) != kNapot64K) {
      return FaultReason::kReservedBit;
    }
    return FaultReason::kNone;
  }

  // Without hardware updates (SADE, GADE) a clear A, or a clear D on a write, is a page fault.
  static constexpr FaultReason AdFault(uint64_t entry, bool leaf, bool write, AdMode ad) {
    if (!leaf || ad == AdMode::kHardware) return FaultReason::kNone;
    if ((entry & kAccessed) == 0) return FaultReason::kAccessFlag;
    return write && (entry & kDirty) == 0 ? FaultReason::kDirtyFlag : FaultReason::kNone;
  }
  static constexpr uint64_t WithAd(uint64_t entry, bool leaf, bool write) {
    return leaf ? entry | kAccessed | (write ? kDirty : 0) : entry;
  }
  static constexpr bool WriteIsFinal(uint64_t leaf) { return IsDirty(leaf); }
};

using RiscvSv = RiscvPages<false>;
using RiscvGStage = RiscvPages<true>;

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_RISCV_SV_H_
