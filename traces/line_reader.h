// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_LINE_READER_H_
#define IOVALID_TRACES_LINE_READER_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace iovalid::traces {

// Reads a file line by line, each at most kMaxLineBytes long. Errors begin "path:line: ".
class LineReader {
 public:
  explicit LineReader(std::string path) : path_(std::move(path)) {}
  // Reads `contents`; `path` is for messages only, and Open() does nothing.
  LineReader(std::string path, std::string contents)
      : path_(std::move(path)), in_memory_(true), buffer_(std::move(contents)) {}
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  absl::Status Open();

  // False at the end of the file. `line()` is without its "\n" and valid until the next call.
  absl::StatusOr<bool> Next();
  const std::string& line() const { return line_; }
  // False for a last line that no "\n" ends.
  bool terminated() const { return terminated_; }
  // Of line(), counting from 1.
  uint64_t number() const { return number_; }
  const std::string& path() const { return path_; }

  // "path:line".
  std::string Where() const;
  absl::Status Error(const std::string& what) const;

 private:
  const std::string path_;
  const bool in_memory_ = false;
  std::FILE* file_ = nullptr;
  std::string line_;
  std::string buffer_;
  size_t buffer_pos_ = 0;
  bool terminated_ = false;
  uint64_t number_ = 0;
};

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_LINE_READER_H_
