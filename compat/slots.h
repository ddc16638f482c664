// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_SLOTS_H_
#define IOVALID_COMPAT_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace iovalid::compat {

// Objects that name one another by index: a new object gets the lowest free index. For the few,
// large objects of a kernel (containers, contexts); records that come by the thousand live in
// sim::Arena.
template <typename T>
class Slots {
 public:
  template <typename... Args>
  uint32_t Add(Args&&... args) {
    uint32_t index = 0;
    while (index < slots_.size() && slots_[index]) ++index;
    if (index == slots_.size()) slots_.emplace_back();
    slots_[index].emplace(std::forward<Args>(args)...);
    return index;
  }
  void Remove(uint32_t index) { slots_[index].reset(); }

  T& operator[](uint32_t index) { return *slots_[index]; }
  const T& operator[](uint32_t index) const { return *slots_[index]; }

  // Calls f(index, object) for each object, in index order.
  template <typename F>
  void ForEach(F&& f) const {
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i]) f(i, *slots_[i]);
    }
  }
  // f must not add objects.
  template <typename F>
  void ForEachMutable(F&& f) {
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i]) f(i, *slots_[i]);
    }
  }

 private:
  std::vector<std::optional<T>> slots_;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_SLOTS_H_
