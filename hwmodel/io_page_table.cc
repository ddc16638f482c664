// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/io_page_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "hwmodel/formats.h"
#include "hwmodel/leaf_walk.h"
#include "hwmodel/page_table.h"

namespace iovalid::hwmodel {

std::string_view ConfigError(const IoPageTableConfig& config) {
  return VisitFormat(config.format, [&config](auto f) -> std::string_view {
    using Format = decltype(f);
    if (config.levels < Format::kMinLevels || config.levels > Format::kMaxLevels) {
      return "levels that the format does not have";
    }
    const unsigned top = Format::EntrySizeLog2(config.levels);
    if (config.input_bits <= top || config.input_bits > 64 ||
        config.input_bits > top + Format::kMaxRootBits) {
      return "address width that the levels do not translate";
    }
    if ((config.page_sizes >> Format::kGranuleLog2 & 1) == 0)
      return "page sizes without the granule";
    if (config.hardware.host_address_bits < 13 || config.hardware.host_address_bits > 56) {
      return "host address width not in 13..56 bits";
    }
    return {};
  });
}

IoPageTable::IoPageTable(TableMemory& memory, const IoPageTableConfig& config, uint32_t owner)
    : config_(config), owner_(owner) {
  if (const std::string_view error = ConfigError(config); !error.empty()) {
    std::fprintf(stderr, "hwmodel: broken invariant: %.*s\n", static_cast<int>(error.size()),
                 error.data());
    std::abort();
  }
  VisitFormat(config.format, [&](auto f) {
    using Format = decltype(f);
    root_bits_ = config.input_bits - Format::EntrySizeLog2(config.levels);
    root_ = memory.AllocateRun(owner, PageTable<Format>::TableFramesLog2(root_bits_));
    sizes_ = PageTable<Format>::UsableSizes(config.page_sizes & config.hardware.page_sizes,
                                            config.levels);
  });
  const StageTables tables = stage();
  aperture_last_ = BitsBelow(config.input_bits - (tables.sign_extended ? 1 : 0));
}

StageTables IoPageTable::stage() const {
  return MakeStageTables(config_.format, config_.levels, config_.input_bits, uint64_t{root_} << 12,
                         config_.hardware, config_.ad);
}

sim::Errno IoPageTable::Map(TableMemory& memory, uint64_t iova, uint64_t address, uint64_t bytes,
                            unsigned rights) {
  const DriverRules& rules = config_.rules;
  rights &= kRead | kWrite;
  if (rights == 0) return rules.map_no_rights;
  if (bytes == 0) return rules.map_empty;
  return VisitFormat(config_.format, [&](auto f) {
    using Format = decltype(f);
    constexpr unsigned kShift = Format::kGranuleLog2;
    // The format itself holds no more than its address field.
    const uint64_t field = Format::TableAddress(~uint64_t{0}) | BitsBelow(kShift);
    const uint64_t limit = field & BitsBelow(config_.hardware.host_address_bits);
    if (address > limit || bytes - 1 > limit - address) return rules.map_frame_too_high;
    if (((iova | address | bytes) & BitsBelow(kShift)) != 0) return rules.map_misaligned;
    if (bytes - 1 > ~iova) return rules.map_wraps;
    if (iova + (bytes - 1) > aperture_last_) return rules.map_outside;
    if (rights == kWrite && rules.write_implies_read) rights |= kRead;
    PageTable<Format> table(memory, {root_, config_.levels, owner_, root_bits_});
    uint64_t done = 0;
    const sim::Errno error =
        table.Map(iova >> kShift, address >> kShift, bytes >> kShift,
                  Format::Attributes(rights, config_.attributes), sizes_, rules, &reach_, &done);
    freed_tables_ = table.freed_tables();
    if (error != sim::Errno::kOk && done != 0) {
      table.Unmap(iova >> kShift, (iova >> kShift) + done - 1, sizes_, rules, &reach_);
      freed_tables_ |= table.freed_tables();
    }
    return error;
  });
}

uint64_t IoPageTable::Unmap(TableMemory& memory, uint64_t iova, uint64_t bytes) {
  return VisitFormat(config_.format, [&](auto f) -> uint64_t {
    using Format = decltype(f);
    constexpr unsigned kShift = Format::kGranuleLog2;
    if (bytes == 0 || ((iova | bytes) & BitsBelow(kShift)) != 0) return 0;
    if (bytes - 1 > ~iova || iova + (bytes - 1) > aperture_last_) return 0;
    PageTable<Format> table(memory, {root_, config_.levels, owner_, root_bits_});
    const uint64_t unmapped =
        table.Unmap(iova >> kShift, (iova + (bytes - 1)) >> kShift, sizes_, config_.rules, &reach_);
    freed_tables_ = table.freed_tables();
    return unmapped << kShift;
  });
}

void IoPageTable::ReadDirty(TableMemory& memory, uint64_t iova, uint64_t last, bool clear,
                            absl::FunctionRef<void(uint64_t iova, uint64_t bytes)> dirty) {
  last = std::min(last, aperture_last_);
  if (iova > last) return;
  VisitFormat(config_.format, [&](auto f) {
    using Format = decltype(f);
    constexpr unsigned kShift = Format::kGranuleLog2;
    PageTable<Format> table(memory, {root_, config_.levels, owner_, root_bits_});
    table.ReadDirty(iova >> kShift, last >> kShift, clear, [&dirty](uint64_t page, uint64_t pages) {
      dirty(page << kShift, pages << kShift);
    });
  });
}

void IoPageTable::ForEachLeaf(const TableMemory& memory, uint64_t iova, uint64_t last,
                              absl::FunctionRef<bool(const Leaf&)> visit) const {
  last = std::min(last, aperture_last_);
  if (iova > last) return;
  VisitFormat(config_.format, [&](auto f) {
    using Format = decltype(f);
    constexpr unsigned kShift = Format::kGranuleLog2;
    auto each = [&visit](uint64_t entry, unsigned level, uint64_t page) {
      return visit({page << kShift, Format::LeafAddress(entry, level),
                    uint64_t{1} << Format::LeafSizeLog2(entry, level), Format::RightsOf(entry)});
    };
    hwmodel::ForEachLeaf<Format>(memory, root_, config_.levels, iova >> kShift, last >> kShift,
                                 each, root_bits_);
  });
}

bool IoPageTable::Lookup(const TableMemory& memory, uint64_t iova, uint64_t* address) const {
  bool found = false;
  ForEachLeaf(memory, iova, iova, [&](const Leaf& leaf) {
    *address = leaf.address + (iova - leaf.iova);
    found = true;
    return false;
  });
  return found;
}

void IoPageTable::Free(TableMemory& memory) {
  memory.FreeOwnedBy(owner_);
  root_ = kNoFrame;
  reach_ = {};
}

}  // namespace iovalid::hwmodel
