// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_
#define IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_

#include <string>
#include <string_view>
#include <type_traits>

namespace iovalid::conformance::report {

// A JSON string literal that is also one of JavaScript and may stand in a <script>: whatever is not
// printable ASCII is written as its bytes (\x1b, as text), and < > & as \u003c and the like.
std::string JsonString(std::string_view text);

// Writes JSON values one after the other, with the commas between them.
class JsonText {
 public:
  JsonText& Begin(char bracket) {
    Comma();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonText& End(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  JsonText& Key(std::string_view name) {
    Comma();
    out_ += JsonString(name);
    out_ += ':';
    first_ = true;
    return *this;
  }
  JsonText& Add(std::string_view text) {
    Comma();
    out_ += JsonString(text);
    return *this;
  }
  JsonText& Add(const char* text) { return Add(std::string_view(text)); }
  template <typename T>
    requires std::is_integral_v<T>
  JsonText& Add(T number) {
    Comma();
    out_ += std::to_string(number);
    return *this;
  }
  // JSON that is ready.
  JsonText& Raw(std::string_view json) {
    Comma();
    out_ += json;
    return *this;
  }
  template <typename T>
  JsonText& Add(std::string_view name, const T& value) {
    return Key(name).Add(value);
  }
  // A line end for readers and diffs.
  JsonText& Break() {
    breaks_ = true;
    return *this;
  }

  const std::string& text() const { return out_; }

 private:
  void Comma() {
    if (!first_) out_ += ',';
    if (breaks_) out_ += '\n';
    first_ = breaks_ = false;
  }

  std::string out_;
  bool first_ = true, breaks_ = false;
};

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_
