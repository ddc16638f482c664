// SPDX-License-Identifier: Apache-2.0
#include "traces/line_reader.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "traces/limits.h"

namespace iovalid::traces {
namespace {
constexpr size_t kBufferBytes = 64 << 10;
}  // namespace

LineReader::~LineReader() {
  if (file_ != nullptr) std::fclose(file_);
}

absl::Status LineReader::Open() {
  if (in_memory_) return absl::OkStatus();
  file_ = std::fopen(path_.c_str(), "rb");
  if (file_ == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot open"));
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next() {
  line_.clear();
  terminated_ = false;
  for (;;) {
    if (buffer_pos_ == buffer_.size()) {
      buffer_.resize(in_memory_ ? 0 : kBufferBytes);
      if (!in_memory_) buffer_.resize(std::fread(buffer_.data(), 1, buffer_.size(), file_));
      buffer_pos_ = 0;
      if (buffer_.empty()) {
        if (!in_memory_ && std::ferror(file_))
          return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot read"));
        if (line_.empty()) return false;
        ++number_;
        return true;
      }
    }
    const char* from = buffer_.data() + buffer_pos_;
    const size_t left = buffer_.size() - buffer_pos_;
    const void* end = std::memchr(from, '\n', left);
    const size_t take =
        end != nullptr ? static_cast<size_t>(static_cast<const char*>(end) - from) : left;
    if (line_.size() + take > kMaxLineBytes) {
      ++number_;
      return Error("the line is longer than 4 MiB");
    }
    line_.append(from, take);
    buffer_pos_ += take;
    if (end != nullptr) {
      ++buffer_pos_;
      ++number_;
      terminated_ = true;
      return true;
    }
  }
}

std::string LineReader::Where() const { return absl::StrCat(path_, ":", number_); }

absl::Status LineReader::Error(const std::string& what) const {
  return absl::InvalidArgumentError(absl::StrCat(Where(), ": ", what));
}

}  // namespace iovalid::traces
