// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/naive_formats.h"

#include <vector>

#include "hwmodel/naive_bits.h"

namespace iovalid::hwmodel {
namespace {

using naive::AnySet;
using naive::Bit;
using naive::Field;

uint64_t Power(int n) { return n == 0 ? 1 : 2 * Power(n - 1); }

NaiveAnswer Failed(NaiveFault fault) {
  NaiveAnswer answer;
  answer.fault = fault;
  return answer;
}

NaiveAnswer Page(uint64_t base, uint64_t bytes, uint64_t input) {
  NaiveAnswer answer;
  answer.address = base + input % bytes;
  answer.page_bytes = bytes;
  return answer;
}

NaiveFault Permission(bool may_read, bool may_write, bool read, bool write) {
  if (write && !may_write) return NaiveFault::kWrite;
  if (read && !may_read) return NaiveFault::kRead;
  return NaiveFault::kNone;
}

bool Canonical(uint64_t input, int width) {
  for (int bit = width; bit < 64; ++bit) {
    if (Bit(input, bit) != Bit(input, width - 1)) return false;
  }
  return true;
}

}  // namespace

NaiveAnswer NaiveVtdFirstStage(const NaiveTables& tables, uint64_t input, bool read, bool write) {
  if (!Canonical(input, tables.input_width)) return Failed(NaiveFault::kWidth);
  uint64_t table = tables.top_table_address;
  bool may_write = true;
  bool user = true;
  for (int level = tables.levels;; --level) {
    const int low = 12 + 9 * (level - 1);
    uint64_t entry = 0;
    if (!tables.read(table + 8 * Field(input, low + 8, low), &entry)) {
      return Failed(NaiveFault::kNoAnswer);
    }
    if (!Bit(entry, 0)) return Failed(NaiveFault::kNotPresent);
    may_write = may_write && Bit(entry, 1);
    user = user && Bit(entry, 2);
    for (int bit = tables.host_width; bit < 52; ++bit) {
      if (Bit(entry, bit)) return Failed(NaiveFault::kReserved);
    }
    const bool large = level > 1 && Bit(entry, 7);
    if (large && level > 3) return Failed(NaiveFault::kReserved);
    if (large && level == 3 && (!tables.can_1g || AnySet(entry, 29, 13))) {
      return Failed(NaiveFault::kReserved);
    }
    if (large && level == 2 && (!tables.can_2m || AnySet(entry, 20, 13))) {
      return Failed(NaiveFault::kReserved);
    }
    if (level == 1 || large) {
      const NaiveFault fault = Permission(user, user && may_write, read, write);
      if (fault != NaiveFault::kNone) return Failed(fault);
      return Page(Field(entry, 51, low) * Power(low), Power(low), input);
    }
    table = Field(entry, 51, 12) * 4096;
  }
}

NaiveAnswer NaiveAmdV1(const NaiveTables& tables, uint64_t page, uint64_t input, bool read,
                       bool write) {
  const int page_bits = page == 4096 ? 12 : 11;
  for (int bit = tables.input_width; bit < 64; ++bit) {
    if (Bit(input, bit)) return Failed(NaiveFault::kWidth);
  }
  uint64_t table = tables.top_table_address;
  int level = tables.levels;
  bool may_read = true;
  bool may_write = true;
  while (true) {
    const int low = page_bits + 9 * (level - 1);
    const int high = low + 8 > 63 ? 63 : low + 8;
    uint64_t entry = 0;
    if (!tables.read(table + 8 * Field(input, high, low), &entry)) {
      return Failed(NaiveFault::kNoAnswer);
    }
    if (!Bit(entry, 0)) return Failed(NaiveFault::kNotPresent);
    if (AnySet(entry, 58, 52)) return Failed(NaiveFault::kReserved);
    // Address bits beyond the host's; the field counts pages.
    for (int bit = tables.host_width + 12 - page_bits; bit < 52; ++bit) {
      if (bit >= 12 && Bit(entry, bit)) return Failed(NaiveFault::kReserved);
    }
    may_read = may_read && Bit(entry, 61);
    may_write = may_write && Bit(entry, 62);
    const uint64_t field = Field(entry, 51, 12);
    const int next = static_cast<int>(Field(entry, 11, 9));
    if (level == 1 || next == 0 || next == 7) {
      if (level == 6) return Failed(NaiveFault::kReserved);
      if (next != 0 && next != 7) return Failed(NaiveFault::kReserved);
      int size = low;
      uint64_t base = field * page;
      if (next == 7) {
        int ones = 0;
        while (ones < 40 && Bit(field, ones)) ++ones;
        size = page_bits + ones + 1;
        if (size <= low || size > low + 8) return Failed(NaiveFault::kReserved);
        base = base / Power(size) * Power(size);
      } else if (base % Power(low) != 0) {
        return Failed(NaiveFault::kReserved);
      }
      const NaiveFault fault = Permission(may_read, may_write, read, write);
      if (fault != NaiveFault::kNone) return Failed(fault);
      return Page(base, Power(size), input);
    }
    if (next >= level) return Failed(NaiveFault::kReserved);
    // The address bits of the levels that are skipped.
    for (int skipped = next + 1; skipped < level; ++skipped) {
      const int from = page_bits + 9 * (skipped - 1);
      if (AnySet(input, from + 8, from)) return Failed(NaiveFault::kNotPresent);
    }
    table = field * page / 4096 * 4096;
    level = next;
  }
}

NaiveAnswer NaiveArm(const NaiveTables& tables, int stage, uint64_t granule, uint64_t input,
                     bool read, bool write) {
  for (int bit = tables.input_width; bit < 64; ++bit) {
    if (Bit(input, bit)) return Failed(NaiveFault::kWidth);
  }
  const int page_bits = granule == 4096 ? 12 : granule == 16384 ? 14 : 16;
  const int stride = page_bits - 3;
  const int start = 4 - tables.levels;  // Arm counts from 0 at the top to 3
  uint64_t table = tables.top_table_address;
  bool may_read = true;
  bool may_write = true;
  for (int level = start; level <= 3; ++level) {
    const int low = page_bits + stride * (3 - level);
    const int high = level == start ? tables.input_width - 1 : low + stride - 1;
    uint64_t descriptor = 0;
    if (!tables.read(table + 8 * Field(input, high, low), &descriptor)) {
      return Failed(NaiveFault::kNoAnswer);
    }
    const int type = static_cast<int>(Field(descriptor, 1, 0));
    const bool block_here =
        granule == 4096 ? level == 1 || level == 2 : level == 2;  // without LPA2 and LPA
    if (type == 0 || type == 2) return Failed(NaiveFault::kNotPresent);
    if (type == 1 && !block_here) return Failed(NaiveFault::kNotPresent);
    for (int bit = tables.host_width; bit < 48; ++bit) {
      if (bit >= page_bits && Bit(descriptor, bit)) return Failed(NaiveFault::kAddressSize);
    }
    if (type == 3 && level < 3) {
      if (stage == 1 && Bit(descriptor, 61)) may_read = may_write = false;
      if (stage == 1 && Bit(descriptor, 62)) may_write = false;
      table = Field(descriptor, 47, page_bits) * granule;
      continue;
    }
    if (!tables.updates && !Bit(descriptor, 10)) return Failed(NaiveFault::kAccessFlag);
    const bool dirty_managed = tables.updates && Bit(descriptor, 51);
    if (stage == 1) {
      const bool unprivileged = Bit(descriptor, 6);
      const bool read_only = Bit(descriptor, 7) && !dirty_managed;
      may_read = may_read && unprivileged;
      may_write = may_write && unprivileged && !read_only;
    } else {
      may_read = Bit(descriptor, 6);
      may_write = Bit(descriptor, 7) || dirty_managed;
    }
    const NaiveFault fault = Permission(may_read, may_write, read, write);
    if (fault != NaiveFault::kNone) return Failed(fault);
    int size = low;
    if (Bit(descriptor, 52)) {
      if (granule == 4096) {
        size += 4;
      } else if (granule == 16384) {
        size += level == 3 ? 7 : 5;
      } else {
        size += 5;
      }
    }
    return Page(Field(descriptor, 47, size) * Power(size), Power(size), input);
  }
  return Failed(NaiveFault::kNotPresent);
}

NaiveAnswer NaiveRiscv(const NaiveTables& tables, bool g_stage, uint64_t input, bool read,
                       bool write) {
  if (g_stage) {
    for (int bit = tables.input_width; bit < 64; ++bit) {
      if (Bit(input, bit)) return Failed(NaiveFault::kWidth);
    }
  } else if (!Canonical(input, tables.input_width)) {
    return Failed(NaiveFault::kWidth);
  }
  // The steps of the address translation algorithm: a is the table, i the level.
  uint64_t a = tables.top_table_address;
  int i = tables.levels - 1;
  while (true) {
    const bool top = i == tables.levels - 1;
    const int low = 12 + 9 * i;
    const int high = top && g_stage ? low + 10 : low + 8;
    uint64_t pte = 0;
    if (!tables.read(a + 8 * Field(input, high, low), &pte)) return Failed(NaiveFault::kNoAnswer);
    const bool v = Bit(pte, 0);
    const bool r = Bit(pte, 1);
    const bool w = Bit(pte, 2);
    const bool x = Bit(pte, 3);
    const bool u = Bit(pte, 4);
    if (!v) return Failed(NaiveFault::kNotPresent);
    if (!r && w) return Failed(NaiveFault::kReserved);
    if (AnySet(pte, 60, 54)) return Failed(NaiveFault::kReserved);
    for (int bit = tables.host_width - 2; bit < 54; ++bit) {
      if (Bit(pte, bit)) return Failed(NaiveFault::kReserved);
    }
    if (!r && !w && !x) {
      // A pointer: D, A, U, PBMT and N are for future use, and there must be a next level.
      if (i == 0 || Bit(pte, 7) || Bit(pte, 6) || u || AnySet(pte, 63, 61)) {
        return Failed(NaiveFault::kReserved);
      }
      a = Field(pte, 53, 10) * 4096;
      i -= 1;
      continue;
    }
    if (Bit(pte, 62) && Bit(pte, 61)) return Failed(NaiveFault::kReserved);
    int size = low;
    if (Bit(pte, 63)) {
      if (i != 0 || Field(pte, 13, 10) != 8) return Failed(NaiveFault::kReserved);
      size = 16;
    }
    if (i > 0 && AnySet(pte, low - 3, 10)) return Failed(NaiveFault::kReserved);
    if (!tables.updates && !Bit(pte, 6)) return Failed(NaiveFault::kAccessFlag);
    if (!tables.updates && write && u && w && !Bit(pte, 7)) return Failed(NaiveFault::kDirtyFlag);
    const NaiveFault fault = Permission(u && r, u && w, read, write);
    if (fault != NaiveFault::kNone) return Failed(fault);
    return Page(Field(pte, 53, size - 2) * Power(size), Power(size), input);
  }
}

}  // namespace iovalid::hwmodel
