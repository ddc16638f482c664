// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/naive_walk.h"

#include "hwmodel/naive_bits.h"

namespace iovalid::hwmodel {
namespace {

using naive::AnySet;
using naive::Bit;
using naive::Field;

NaiveWalkResult Failed(int reason) {
  NaiveWalkResult result;
  result.reason = reason;
  return result;
}

}  // namespace

NaiveWalkResult NaiveWalk(const NaiveUnit& unit, uint64_t input, bool is_read, bool is_write) {
  for (int bit = unit.input_width; bit < 64; ++bit) {
    if (Bit(input, bit)) return Failed(0x4);
  }
  uint64_t table = unit.top_table_address;
  int level = unit.levels;
  while (true) {
    // Which bits of the input select the entry, and how large a page this level could map.
    int high = 0;
    int low = 0;
    uint64_t page_bytes = 0;
    switch (level) {
      case 5:
        high = 56;
        low = 48;
        break;
      case 4:
        high = 47;
        low = 39;
        break;
      case 3:
        high = 38;
        low = 30;
        page_bytes = 1024 * 1024 * 1024;
        break;
      case 2:
        high = 29;
        low = 21;
        page_bytes = 2 * 1024 * 1024;
        break;
      case 1:
        high = 20;
        low = 12;
        page_bytes = 4096;
        break;
    }
    uint64_t entry = 0;
    if (!unit.read(table + 8 * Field(input, high, low), &entry)) return Failed(0x7);

    const bool readable = Bit(entry, 0);
    const bool writable = Bit(entry, 1);
    if (is_write && !writable) return Failed(0x5);
    if (is_read && !readable) return Failed(0x6);

    if (unit.host_width < 52 && AnySet(entry, 51, unit.host_width)) return Failed(0xc);
    bool maps_page = level == 1;
    if (level >= 4 && Bit(entry, 7)) return Failed(0xc);
    if (level == 3 && Bit(entry, 7)) {
      if (!unit.can_1g || AnySet(entry, 29, 12)) return Failed(0xc);
      maps_page = true;
    }
    if (level == 2 && Bit(entry, 7)) {
      if (!unit.can_2m || AnySet(entry, 20, 12)) return Failed(0xc);
      maps_page = true;
    }
    const uint64_t address = Field(entry, 51, 12) * 4096;
    if (maps_page) {
      if (!unit.snoop_control && Bit(entry, 11)) return Failed(0xc);
      NaiveWalkResult result;
      result.page_bytes = page_bytes;
      result.address = address + input % page_bytes;
      return result;
    }
    table = address;
    --level;
  }
}

}  // namespace iovalid::hwmodel
