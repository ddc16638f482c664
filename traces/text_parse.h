// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_TEXT_PARSE_H_
#define IOVALID_TRACES_TEXT_PARSE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "traces/line_reader.h"

namespace iovalid::traces {

// One `name { ... }` of a text trace, rewritten into plain protobuf text format: bytes fields
// become escaped strings and error names become numbers. Its lines are those of the file.
struct TextBlock {
  std::string name;
  std::string body;        // what stands between the braces
  std::string serialized;  // of the `serialized` field, decoded; empty when there is none
  uint64_t first_line = 0;
};

// Cuts a text trace into its blocks, one at a time. Only the lexical level is checked here.
class TextScanner {
 public:
  explicit TextScanner(const std::string& path) : lines_(path) {}
  // Scans `contents`; `path` is for messages only.
  TextScanner(const std::string& path, std::string contents)
      : lines_(path, std::move(contents)) {}
  absl::Status Open() { return lines_.Open(); }

  // False at the end of the file.
  absl::StatusOr<bool> Next(TextBlock* block);

  const std::string& path() const { return lines_.path(); }

 private:
  // Goes to the next token; false at the end of the file. Comments and blanks are skipped, line
  // ends inside a block are copied to it.
  absl::StatusOr<bool> SkipToToken(TextBlock* block);
  absl::StatusOr<std::string_view> ReadQuoted();
  absl::Status ReadValue(const std::string& field, int depth, TextBlock* block);
  std::string_view ReadWord();

  LineReader lines_;
  size_t pos_ = 0;
  bool have_line_ = false;
};

// Parses the block into a message of its type. Errors begin "path:line: ".
absl::Status ParseBlock(const TextBlock& block, const std::string& path,
                        google::protobuf::Message* message);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_TEXT_PARSE_H_
