// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_FD_TABLE_H_
#define IOVALID_SIM_FD_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace iovalid::sim {

// The open file descriptors of a task. A new descriptor gets the lowest free number
// (alloc_fd). Entries are indices that mean something to the layer above, which also counts
// references.
class FdTable {
 public:
  // The default of RLIMIT_NOFILE (hard).
  static constexpr int kMaxFds = 1 << 20;

  // The new descriptor, or -1 where the table is full (EMFILE). `file` must not be 2^32-1.
  int Install(uint32_t file) {
    while (next_ < files_.size() && files_[next_] != kFree) ++next_;
    if (next_ == static_cast<size_t>(kMaxFds)) return -1;
    if (next_ == files_.size()) files_.push_back(kFree);
    files_[next_] = file;
    ++open_;
    return static_cast<int>(next_++);
  }

  std::optional<uint32_t> Get(int fd) const {
    if (fd < 0 || static_cast<size_t>(fd) >= files_.size() || files_[fd] == kFree) {
      return std::nullopt;
    }
    return files_[fd];
  }

  // False where `fd` is not open.
  bool Remove(int fd) {
    if (!Get(fd)) return false;
    files_[fd] = kFree;
    if (static_cast<size_t>(fd) < next_) next_ = static_cast<size_t>(fd);
    --open_;
    return true;
  }

  size_t open_count() const { return open_; }

  // Calls fn(fd, file) for each open descriptor, ascending. fn must not change the table.
  template <typename Fn>
  void ForEach(Fn fn) const {
    for (size_t fd = 0; fd < files_.size(); ++fd) {
      if (files_[fd] != kFree) fn(static_cast<int>(fd), files_[fd]);
    }
  }

 private:
  static constexpr uint32_t kFree = 0xffffffff;

  std::vector<uint32_t> files_;
  size_t next_ = 0;  // no free descriptor below
  size_t open_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_FD_TABLE_H_
