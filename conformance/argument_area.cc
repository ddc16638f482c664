// SPDX-License-Identifier: Apache-2.0
#include "conformance/argument_area.h"

#include <algorithm>
#include <cstring>

namespace iovalid::conformance {

void ArgumentArea::FillAll(sim::SimMm& mm) {
  std::fill(shadow_.begin(), shadow_.end(), kFill);
  mm.Poke(base_, shadow_.data(), shadow_.size());
  dirty_first_ = dirty_last_ = 0;
}

bool ArgumentArea::Clip(uint64_t addr, uint64_t len, uint64_t* first, uint64_t* last) const {
  const uint64_t end = base_ + shadow_.size();
  if (addr >= end || len == 0) return false;
  if (addr < base_ && len <= base_ - addr) return false;
  *first = std::max(addr, base_);
  *last = len >= end - addr ? end : addr + len;
  return *first < *last;
}

void ArgumentArea::Dirty(uint64_t first, uint64_t last) {
  if (dirty_first_ == dirty_last_) {
    dirty_first_ = first;
    dirty_last_ = last;
  } else {
    dirty_first_ = std::min(dirty_first_, first);
    dirty_last_ = std::max(dirty_last_, last);
  }
}

void ArgumentArea::Clear(sim::SimMm& mm, uint64_t keep, uint64_t keep_len) {
  if (dirty_first_ == dirty_last_) return;
  if (keep <= dirty_first_ && dirty_last_ - keep <= keep_len) return;
  uint8_t* from = &shadow_[dirty_first_ - base_];
  const uint64_t bytes = dirty_last_ - dirty_first_;
  std::memset(from, kFill, bytes);
  mm.Poke(dirty_first_, from, bytes);
  dirty_first_ = dirty_last_ = 0;
}

bool ArgumentArea::Place(sim::SimMm& mm, uint64_t addr, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return true;
  const bool placed = mm.Poke(addr, bytes.data(), bytes.size());
  uint64_t first, last;
  if (Clip(addr, bytes.size(), &first, &last)) {
    std::memcpy(&shadow_[first - base_], &bytes[first - addr], last - first);
    Dirty(first, last);
  }
  return placed;
}

void ArgumentArea::CollectSpill(sim::SimMm& mm, uint64_t skip, uint64_t skip_len,
                                std::vector<Expectation::Spill>* spill) {
  spill->clear();
  written_.clear();
  for (const sim::WriteRange& range : mm.write_log()) {
    uint64_t first, last;
    if (!Clip(range.addr, range.len, &first, &last)) continue;
    Dirty(first, last);
    if (first >= skip && last - skip <= skip_len) continue;
    written_.push_back({first, last - first});
  }
  if (written_.empty()) return;
  std::sort(written_.begin(), written_.end(),
            [](const sim::WriteRange& a, const sim::WriteRange& b) { return a.addr < b.addr; });
  uint64_t done = base_;  // everything below was looked at
  for (const sim::WriteRange& range : written_) {
    const uint64_t first = std::max(range.addr, done);
    const uint64_t last = range.addr + range.len;
    if (first >= last) continue;
    now_.resize(last - first);
    mm.Peek(first, now_.data(), now_.size());
    for (uint64_t addr = first; addr < last; ++addr) {
      if (addr >= skip && addr - skip < skip_len) continue;
      const uint8_t byte = now_[addr - first];
      if (byte == shadow_[addr - base_]) continue;
      if (spill->empty() || spill->back().addr + spill->back().after.size() != addr) {
        spill->push_back({addr, {}});
      }
      spill->back().after.push_back(byte);
    }
    done = last;
  }
}

}  // namespace iovalid::conformance
