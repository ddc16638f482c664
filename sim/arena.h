// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_ARENA_H_
#define IOVALID_SIM_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace iovalid::sim {

// Records that name one another by index. Copying an arena is two block copies, so that a simulated
// kernel made of arenas is cheap to copy. The index that was freed last is given out first; the
// indices that calls return depend on nothing but the calls.
template <typename T>
class Arena {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr uint32_t kNone = 0xffffffff;

  uint32_t Alloc(const T& value = T()) {
    if (free_.empty()) {
      slots_.push_back(value);
      return static_cast<uint32_t>(slots_.size() - 1);
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    slots_[index] = value;
    return index;
  }

  // `index` must be in use.
  void Free(uint32_t index) { free_.push_back(index); }

  void clear() {
    slots_.clear();
    free_.clear();
  }

  // References are good until the next Alloc.
  T& operator[](uint32_t index) { return slots_[index]; }
  const T& operator[](uint32_t index) const { return slots_[index]; }

  // Records in use, and the end of the indices ever used.
  size_t size() const { return slots_.size() - free_.size(); }
  size_t capacity() const { return slots_.size(); }

 private:
  std::vector<T> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_ARENA_H_
