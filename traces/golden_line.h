// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_GOLDEN_LINE_H_
#define IOVALID_TRACES_GOLDEN_LINE_H_

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "traces/json_line.h"
#include "traces/spelling.h"

namespace iovalid::traces {

// Appends members to an object under construction.
class GoldenLine {
 public:
  explicit GoldenLine(std::string* out) : out_(out) { out_->push_back('{'); }
  void End(std::string_view tail = "}\n") { out_->append(tail); }

  void Key(std::string_view key) {
    if (!first_) out_->push_back(',');
    first_ = false;
    out_->push_back('"');
    out_->append(key);
    out_->append("\":");
  }
  template <typename Int>
  void Number(std::string_view key, Int value) {
    Key(key);
    Raw(value);
  }
  void Str(std::string_view key, std::string_view value) {
    Key(key);
    AppendJsonString(value, out_);
  }
  // Leaves an empty string out.
  void OptStr(std::string_view key, std::string_view value) {
    if (!value.empty()) Str(key, value);
  }
  void Bool(std::string_view key, bool value) {
    Key(key);
    out_->append(value ? "true" : "false");
  }
  void Hex(std::string_view key, uint64_t value) {
    Key(key);
    RawHex(value);
  }
  void Bytes(std::string_view key, std::string_view bytes) {
    Key(key);
    RawBytes(bytes);
  }

  template <typename Int>
  void Raw(Int value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value);
    out_->append(digits, static_cast<size_t>(end.ptr - digits));
  }
  void RawHex(uint64_t value) {
    out_->push_back('"');
    AppendHexNumber(value, out_);
    out_->push_back('"');
  }
  void RawBytes(std::string_view bytes) {
    out_->push_back('"');
    AppendHex(bytes, out_);
    out_->push_back('"');
  }
  std::string* out() { return out_; }

 private:
  std::string* out_;
  bool first_ = true;
};

// "[row,row,...]": `each` writes what stands between the brackets of one row.
template <typename Items, typename Each>
void WriteRows(GoldenLine* line, std::string_view key, const Items& items, Each each) {
  line->Key(key);
  line->out()->push_back('[');
  bool first = true;
  for (const auto& item : items) {
    if (!first) line->out()->push_back(',');
    first = false;
    line->out()->push_back('[');
    each(item);
    line->out()->push_back(']');
  }
  line->out()->push_back(']');
}

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_GOLDEN_LINE_H_
