// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_PAGE_DATA_H_
#define IOVALID_SIM_PAGE_DATA_H_

#include <cstddef>
#include <cstdint>

#include "sim/units.h"

namespace iovalid::sim {

// The contents of physical pages, as a device moves them. Page-table frames are not among them.
class PageData {
 public:
  virtual ~PageData() = default;

  // Copies `len` bytes at byte `offset` of page `page`; offset + len <= kPageSize. False where no
  // such page exists (a bus error for the device); then nothing is copied.
  virtual bool ReadPage(PageId page, uint64_t offset, void* to, size_t len) = 0;
  virtual bool WritePage(PageId page, uint64_t offset, const void* from, size_t len) = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_PAGE_DATA_H_
