// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_ID_ALLOCATOR_H_
#define IOVALID_SIM_ID_ALLOCATOR_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace iovalid::sim {

// Gives out the lowest free number from a base on, as the kernel's ida and xarray do (iommufd
// object ids count from 1).
class IdAllocator {
 public:
  explicit IdAllocator(uint32_t base) : base_(base) {}

  uint32_t Allocate() {
    while (full_ < used_.size() && used_[full_] == ~uint64_t{0}) ++full_;
    if (full_ == used_.size()) used_.push_back(0);
    const unsigned bit = static_cast<unsigned>(std::countr_one(used_[full_]));
    used_[full_] |= uint64_t{1} << bit;
    ++count_;
    return base_ + static_cast<uint32_t>(full_ * 64 + bit);
  }

  bool IsUsed(uint32_t id) const {
    const uint32_t at = id - base_;
    return id >= base_ && at / 64 < used_.size() && (used_[at / 64] >> (at % 64) & 1) != 0;
  }

  // False where `id` is not in use.
  bool Free(uint32_t id) {
    if (!IsUsed(id)) return false;
    const uint32_t at = id - base_;
    used_[at / 64] &= ~(uint64_t{1} << (at % 64));
    if (at / 64 < full_) full_ = at / 64;
    --count_;
    return true;
  }

  size_t count() const { return count_; }

 private:
  uint32_t base_;
  std::vector<uint64_t> used_;  // bit i of word w: base + 64 w + i
  size_t full_ = 0;             // all words below are full
  size_t count_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_ID_ALLOCATOR_H_
