// SPDX-License-Identifier: Apache-2.0
#include "sim/page_content.h"

#include <cstring>

namespace iovalid::sim {

uint32_t PageContent::Ensure(PageId page) {
  if (const uint32_t slot = Find(page); slot != kNoSlot) return slot;
  uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
    std::memset(bytes(slot), 0, kPageSize);
  } else {
    slot = static_cast<uint32_t>(bytes_.size() / kPageSize);
    bytes_.resize(bytes_.size() + kPageSize);
  }
  slots_.Insert(page, page, slot);
  return slot;
}

void PageContent::Copy(PageId from, PageId to, uint64_t n) {
  auto c = slots_.FirstOverlap(from, from + n - 1);
  while (c && slots_.first(c) <= from + n - 1) {
    const PageId page = slots_.first(c);
    const uint32_t source = slots_.value(c);
    const uint32_t target = Ensure(to + (page - from));
    std::memcpy(bytes(target), bytes(source), kPageSize);
    c = slots_.LowerBound(page + 1);
  }
}

}  // namespace iovalid::sim
