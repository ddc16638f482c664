// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_PAGE_CONTENT_H_
#define IOVALID_SIM_PAGE_CONTENT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/extent_map.h"
#include "sim/units.h"

namespace iovalid::sim {

// The bytes of pages that were written. All other pages are zero and cost nothing.
class PageContent {
 public:
  static constexpr uint32_t kNoSlot = 0xffffffff;

  size_t size() const { return slots_.size(); }

  // The slot of the page's contents, or kNoSlot where it is all zero. A slot stays the same until
  // the page is dropped.
  uint32_t Find(PageId page) const {
    const auto c = slots_.Find(page);
    return c ? slots_.value(c) : kNoSlot;
  }
  // As Find, but makes (zeroed) contents where there are none.
  uint32_t Ensure(PageId page);

  // kPageSize bytes. The pointer is good until the next Ensure.
  uint8_t* bytes(uint32_t slot) { return bytes_.data() + size_t{slot} * kPageSize; }
  const uint8_t* bytes(uint32_t slot) const { return bytes_.data() + size_t{slot} * kPageSize; }

  // Makes the pages [to, to + n) equal to [from, from + n). The target has no contents before.
  void Copy(PageId from, PageId to, uint64_t n);
  // Drops each page for which live(page) is false.
  template <typename Fn>
  void DropUnless(Fn live) {
    for (auto c = slots_.Begin(); c;) {
      if (live(slots_.first(c))) {
        c = slots_.Next(c);
      } else {
        free_.push_back(slots_.value(c));
        c = slots_.EraseAndNext(c);
      }
    }
  }

 private:
  ExtentMap<uint32_t> slots_;
  std::vector<uint8_t> bytes_;
  std::vector<uint32_t> free_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_PAGE_CONTENT_H_
