// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_FORMAT_H_
#define IOVALID_HWMODEL_FORMAT_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "hwmodel/access.h"
#include "hwmodel/fault_log.h"

namespace iovalid::hwmodel {

// The page-table formats. A format is a class of static members that says what an entry looks like;
// the engine (PageTable) and the hardware's walk (TableWalk) are templates over it. What the
// members mean:
//
//   kGranuleLog2, kIndexBits   the smallest page in bytes, and the entries of a table, as log2
//   kMinLevels, kMaxLevels     levels are counted from 1, the table whose entries map the granule
//   kMaxRootBits               the top table may be larger than the others: index bits at most
//   kReplicated                the entries of a leaf that fills several are equal (else each has
//   its
//                              own part of the address)
//   kRightsFirst               hardware looks at the rights of an entry before its reserved bits
//   LeafSizes(level)           sizes in bytes that leaves in such a table can have, as a bit map
//   KindOf(entry, level)       what a driver takes an entry for
//   LeafSizeLog2, LeafAddress  of a leaf: bytes as log2, and the output address of its start
//   TableAddress, NextLevel    of an entry that leads to a table; NextLevel 0: not a legal level
//   MakeTable, MakeLeaf, AddressStep   what a driver writes; AddressStep(bytes) added to a leaf
//                              moves its address
//   Attributes(rights, more)   the bits of a leaf besides address, size and presence
//   RightsOf(leaf)             what a driver granted
//   AttributesOf(leaf, level)  what it keeps when it is split into smaller leaves
//   IsDirty, MakeClean         written since it was last clean
//   Present(entry, level)      hardware goes on from here
//   Grants(entry, leaf, ad)    rights that hardware lets through at this entry
//   Limits(parameters)         reserved bits
//   Check(entry, level, leaf)  what is wrong with it beyond reserved bits
//   AdFault, WithAd            accessed and dirty bits, see AdMode
enum class FormatId : uint8_t {
  kVtdSecondStage,
  kVtdFirstStage,
  kAmdV1,
  kArm4KStage1,
  kArm4KStage2,
  kArm16KStage1,
  kArm16KStage2,
  kArm64KStage1,
  kArm64KStage2,
  kRiscvSv,      // Sv39, Sv48, Sv57 by the number of levels
  kRiscvGStage,  // Sv39x4, Sv48x4, Sv57x4
  kMock2K,       // the format of the kernel's iommufd selftests
};
inline constexpr unsigned kFormats = 12;

enum class EntryKind : uint8_t { kEmpty, kLeaf, kTable };

// Accessed and dirty bits.
enum class AdMode : uint8_t {
  kOff,       // hardware neither looks at them nor sets them, unless the format demands it
  kHardware,  // hardware sets them in the tables
};

inline constexpr unsigned kMaxTableLevels = 6;

// What a leaf is made of besides address and rights.
struct PageAttributes {
  bool force_snoop = false;     // VT-d SNP, AMD FC
  bool dirty_tracking = false;  // Arm DBM: hardware may make it writable-dirty
};

// The unit's properties that reserved bits depend on.
struct HardwareLimits {
  unsigned host_address_bits = 52;
  uint64_t page_sizes = ~uint64_t{0};  // that the unit can walk, in bytes, as a bit map
  bool snoop_control = true;
};

// Bits that must be zero, by level, in an entry that leads to a table and in a leaf.
struct ReservedBits {
  std::array<uint64_t, kMaxTableLevels + 1> in_table{};
  std::array<uint64_t, kMaxTableLevels + 1> in_leaf{};
};

// "vtd-second-stage" and the like.
std::string_view FormatName(FormatId format);

constexpr uint64_t BitsBelow(unsigned n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

// Bits first..last, both included; last >= first.
constexpr uint64_t BitRange(unsigned first, unsigned last) {
  return BitsBelow(last + 1) & ~BitsBelow(first);
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_FORMAT_H_
