// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_INFO_CAPS_H_
#define IOVALID_COMPAT_INFO_CAPS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "compat/abi/vfio.h"

namespace iovalid::compat {

// A capability chain as vfio_info_cap_add and vfio_info_cap_shift build it. On the stack: a chain
// never holds more than kMaxBytes, which is enough for thousands of IOVA ranges.
class InfoCaps {
 public:
  static constexpr size_t kMaxBytes = 65536;

  // `base`: bytes of the struct before the chain, which `next` offsets count from. `aligned`: each
  // capability is padded with zeroes to a multiple of 8 bytes.
  InfoCaps(uint32_t base, bool aligned) : base_(base), aligned_(aligned) {}

  // Appends a capability, which starts with a VfioInfoCapHeader, and optionally its array. What no
  // longer fits is left out.
  void Add(const void* cap, size_t bytes, const void* array = nullptr, size_t array_bytes = 0) {
    const size_t total = bytes + array_bytes;
    const size_t padded = aligned_ ? (total + 7) & ~size_t{7} : total;
    if (size_ + padded > kMaxBytes) return;
    if (size_ != 0) {
      const uint32_t next = base_ + static_cast<uint32_t>(size_);
      std::memcpy(&data_[last_ + offsetof(abi::VfioInfoCapHeader, next)], &next, sizeof(next));
    }
    last_ = size_;
    std::memcpy(&data_[size_], cap, bytes);
    if (array_bytes != 0) std::memcpy(&data_[size_ + bytes], array, array_bytes);
    std::memset(&data_[size_ + total], 0, padded - total);
    size_ += padded;
  }

  const void* data() const { return data_.data(); }
  size_t size() const { return size_; }

 private:
  uint32_t base_;
  bool aligned_;
  size_t size_ = 0;
  size_t last_ = 0;
  std::array<char, kMaxBytes> data_;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_INFO_CAPS_H_
