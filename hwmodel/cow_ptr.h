// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_COW_PTR_H_
#define IOVALID_HWMODEL_COW_PTR_H_

#include <atomic>
#include <utility>

namespace iovalid::hwmodel {

// An owning pointer to a value that copies of the owner share until one of them writes to it.
//
// Threads: each copy belongs to one thread at a time, and different copies may be used by different
// threads at once, as with std::shared_ptr. The count is atomic for that; it is touched only by
// copying and destroying, while the check before a write is a plain load.
template <typename T>
class CowPtr {
 public:
  CowPtr() = default;
  CowPtr(const CowPtr& o) : box_(o.box_) {
    if (box_ != nullptr) box_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  CowPtr(CowPtr&& o) noexcept : box_(std::exchange(o.box_, nullptr)) {}
  CowPtr& operator=(const CowPtr& o) {
    CowPtr copy(o);
    std::swap(box_, copy.box_);
    return *this;
  }
  CowPtr& operator=(CowPtr&& o) noexcept {
    std::swap(box_, o.box_);
    return *this;
  }
  ~CowPtr() { Reset(); }

  // A value-initialised T.
  static CowPtr Make() {
    CowPtr p;
    p.box_ = new Box();
    return p;
  }

  explicit operator bool() const { return box_ != nullptr; }
  const T& operator*() const { return box_->value; }
  const T* operator->() const { return &box_->value; }
  const T* get() const { return box_ == nullptr ? nullptr : &box_->value; }

  // The value for writing; copies it first where it is shared. Must not be null. The address stays
  // valid until this owner is copied, reset or destroyed.
  T& Mutable() {
    if (box_->refs.load(std::memory_order_acquire) != 1) Unshare();
    return box_->value;
  }

  void Reset() {
    Box* box = std::exchange(box_, nullptr);
    if (box != nullptr && box->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete box;
  }

 private:
  struct Box {
    Box() = default;
    explicit Box(const T& v) : value(v) {}
    T value{};
    std::atomic<unsigned> refs{1};
  };

  void Unshare() {
    Box* copy = new Box(box_->value);
    Reset();
    box_ = copy;
  }

  Box* box_ = nullptr;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_COW_PTR_H_
