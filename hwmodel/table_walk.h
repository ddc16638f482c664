// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_TABLE_WALK_H_
#define IOVALID_HWMODEL_TABLE_WALK_H_

#include <cstdint>

#include "hwmodel/format.h"
#include "hwmodel/formats.h"
#include "hwmodel/walk_cache.h"

namespace iovalid::hwmodel {

// One stage's tables, as a context refers to them.
struct StageTables {
  FormatId format = FormatId::kVtdSecondStage;
  uint8_t levels = 4;
  uint8_t input_bits = 48;     // addresses have no more, or are the sign extension of these
  bool sign_extended = false;  // canonical addresses (VT-d first stage, RISC-V Sv39..57)
  AdMode ad = AdMode::kOff;
  TableShape shape;
  uint64_t root = 0;  // byte address of the top table
  ReservedBits reserved;

  // Whether the tables have a place for `address` at all.
  bool Holds(uint64_t address) const {
    if (!sign_extended) return (address & ~BitsBelow(input_bits)) == 0;
    const uint64_t sign = ~BitsBelow(input_bits - 1);
    return (address & sign) == 0 || (address & sign) == sign;
  }
};

// Tables of `format` with their reserved bits for a unit; shape and, for first-stage formats, the
// sign extension are the format's. VT-d first-stage tables always keep A and D.
StageTables MakeStageTables(FormatId format, unsigned levels, unsigned input_bits, uint64_t root,
                            const HardwareLimits& limits, AdMode ad = AdMode::kOff);

struct WalkResult {
  FaultReason reason = FaultReason::kNone;
  uint8_t level = 0;        // of the table in which it ended
  uint8_t fault_stage = 0;  // 0: this walk's own; 2: a table of it could not be reached
  uint8_t size_log2 = 0;    // of the page
  unsigned rights = 0;      // that may be cached
  uint64_t address = 0;     // of the byte asked for
};

// What a missing right is reported as: where both are missing, the write.
constexpr FaultReason MissingRight(unsigned access, unsigned rights) {
  return (access & kWrite & ~rights) != 0 ? FaultReason::kWriteNotPermitted
                                          : FaultReason::kReadNotPermitted;
}

// The hardware's walk. `from` is the table to start in, with the rights of those above it. `memory`
// has
//   const uint64_t* Read(uint64_t address, WalkResult*)   an entry, or null with what is wrong
//   bool Write(uint64_t address, uint64_t entry, WalkResult*)   for accessed and dirty bits
//   void Reached(const WalkCache::Table&)                 a table on the way
template <typename Format, typename Memory>
WalkResult WalkTables(const StageTables& tables, WalkCache::Table from, uint64_t input,
                      unsigned access, Memory& memory) {
  WalkResult result;
  input &= BitsBelow(tables.input_bits);
  unsigned rights = from.rights;
  uint64_t table = from.address;
  unsigned level = from.level;
  if (Format::kRightsFirst && (access & ~rights) != 0) {
    result.level = static_cast<uint8_t>(level);
    result.reason = MissingRight(access, rights);
    return result;
  }
  for (;;) {
    uint64_t index = input >> Format::EntrySizeLog2(level);
    if (level != tables.levels) index &= BitsBelow(Format::kIndexBits);
    const uint64_t at = table + index * 8;
    result.level = static_cast<uint8_t>(level);
    const uint64_t* read = memory.Read(at, &result);
    if (read == nullptr) return result;
    const uint64_t entry = *read;
    const bool leaf = Format::KindOf(entry, level) == EntryKind::kLeaf;
    if (Format::kRightsFirst) {
      rights &= Format::Grants(entry, leaf, tables.ad);
      if ((access & ~rights) != 0 || !Format::Present(entry, level)) {
        result.reason = MissingRight(access, rights);
        return result;
      }
    } else if (!Format::Present(entry, level)) {
      result.reason = FaultReason::kNotPresent;
      return result;
    }
    const auto& reserved = leaf ? tables.reserved.in_leaf : tables.reserved.in_table;
    if ((entry & reserved[level]) != 0) {
      result.reason = Format::kReservedReason;
      return result;
    }
    result.reason = Format::Check(entry, level, leaf);
    if (result.reason != FaultReason::kNone) return result;
    if (!Format::kRightsFirst) rights &= Format::Grants(entry, leaf, tables.ad);
    if (leaf) {
      // The accessed bit comes before the permissions (Arm DDI 0487, table D8-75 and the like).
      result.reason = Format::AdFault(
          entry, leaf, (access & ~rights & kWrite) == 0 && (access & kWrite) != 0, tables.ad);
      if (result.reason == FaultReason::kNone && (access & ~rights) != 0) {
        result.reason = MissingRight(access, rights);
      }
      if (result.reason != FaultReason::kNone) return result;
    }
    uint64_t updated = entry;
    if (tables.ad == AdMode::kHardware) {
      updated = Format::WithAd(entry, leaf, (access & kWrite) != 0);
      if (updated != entry && !memory.Write(at, updated, &result)) return result;
    }
    if (leaf) {
      const unsigned size_log2 = Format::LeafSizeLog2(entry, level);
      result.size_log2 = static_cast<uint8_t>(size_log2);
      result.address = Format::LeafAddress(entry, level) | (input & BitsBelow(size_log2));
      // A write must come here once more where that sets the dirty bit, or faults for it.
      const bool clean = (tables.ad == AdMode::kHardware && !Format::WriteIsFinal(updated)) ||
                         Format::AdFault(entry, true, true, tables.ad) != FaultReason::kNone;
      result.rights = clean ? rights & ~unsigned{kWrite} : rights;
      return result;
    }
    const unsigned next = Format::NextLevel(entry, level);
    // Skipped levels (AMD): what would select in them must be zero.
    if (next + 1 != level && (input & BitsBelow(Format::EntrySizeLog2(level)) &
                              ~BitsBelow(Format::EntrySizeLog2(next + 1))) != 0) {
      result.reason = FaultReason::kNotPresent;
      return result;
    }
    // A table is aligned to its size, or to a frame where it is smaller.
    table = Format::TableAddress(entry) & ~BitsBelow(12);
    level = next;
    memory.Reached({table, level, rights});
  }
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_TABLE_WALK_H_
