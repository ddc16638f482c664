// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_IO_PAGE_TABLE_H_
#define IOVALID_HWMODEL_IO_PAGE_TABLE_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "hwmodel/driver_rules.h"
#include "hwmodel/format.h"
#include "hwmodel/table_memory.h"
#include "hwmodel/table_walk.h"
#include "sim/digest.h"
#include "sim/errno.h"

namespace iovalid::hwmodel {

struct IoPageTableConfig {
  FormatId format = FormatId::kVtdSecondStage;
  unsigned levels = 4;
  // Bits of the addresses that the top table translates. The lower half only is mapped where the
  // format extends the sign (VT-d first stage, RISC-V Sv39..57).
  unsigned input_bits = 48;
  // Leaf sizes that Map may use, in bytes, as a bit map; those that the format lacks are left out.
  uint64_t page_sizes = ~uint64_t{0};
  // What the hardware can do: reserved bits, and the most bits of an output address.
  HardwareLimits hardware;
  AdMode ad = AdMode::kOff;
  PageAttributes attributes;
  DriverRules rules;
};

// What is wrong with it, in a few words; empty where it can be built.
std::string_view ConfigError(const IoPageTableConfig& config);

// One page table of any format, as the driver keeps it: the engine (PageTable) with the format
// chosen at run time. Iommu does the same for VT-d with the kernel's domains around it. The tables
// live in the memory that each call is given, always the same one; a value besides.
class IoPageTable {
 public:
  // Aborts on a bad configuration. `owner` marks the frames (TableMemory::FreeOwnedBy).
  // root() is kNoFrame where memory has no frame left; then nothing else may be called.
  IoPageTable(TableMemory& memory, const IoPageTableConfig& config, uint32_t owner);

  const IoPageTableConfig& config() const { return config_; }
  FrameId root() const { return root_; }
  uint64_t page_sizes() const { return sizes_; }
  // In bytes, inclusive.
  uint64_t aperture_last() const { return aperture_last_; }
  // What a context refers to.
  StageTables stage() const;

  // Maps bytes [iova, iova+bytes) to [address, address+bytes) with the largest leaves that fit.
  // Errors are those of config().rules; see Iommu::Map. Nothing stays mapped on an error.
  sim::Errno Map(TableMemory& memory, uint64_t iova, uint64_t address, uint64_t bytes,
                 unsigned rights);

  // Returns the bytes unmapped from `iova` on; see DriverRules for what large leaves and holes do.
  uint64_t Unmap(TableMemory& memory, uint64_t iova, uint64_t bytes);

  // Calls dirty(iova, bytes) for what of [iova, last] lies in dirty leaves, ascending; makes them
  // clean if `clear`. The caller invalidates, or later writes are not seen.
  void ReadDirty(TableMemory& memory, uint64_t iova, uint64_t last, bool clear,
                 absl::FunctionRef<void(uint64_t iova, uint64_t bytes)> dirty);

  struct Leaf {
    uint64_t iova = 0;  // where it begins
    uint64_t address = 0;
    uint64_t bytes = 0;
    unsigned rights = 0;
  };
  // Calls visit(leaf) for each leaf that covers a byte of [iova, last], ascending, until it returns
  // false. Through table memory.
  void ForEachLeaf(const TableMemory& memory, uint64_t iova, uint64_t last,
                   absl::FunctionRef<bool(const Leaf&)> visit) const;

  // iova_to_phys; false where nothing is mapped.
  bool Lookup(const TableMemory& memory, uint64_t iova, uint64_t* address) const;

  // Gives all tables back.
  void Free(TableMemory& memory);

  // The sum of sim::HashReach over the leaves, in granules of the format.
  const sim::Digest& reach() const { return reach_; }
  // A table went with the last Map or Unmap: hardware may hold its entries.
  bool freed_tables() const { return freed_tables_; }

 private:
  IoPageTableConfig config_;
  uint32_t owner_;
  FrameId root_ = kNoFrame;
  unsigned root_bits_ = 0;
  uint64_t sizes_ = 0;
  uint64_t aperture_last_ = 0;
  sim::Digest reach_;
  bool freed_tables_ = false;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_IO_PAGE_TABLE_H_
