// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_STYLE_H_
#define IOVALID_CONFORMANCE_STYLE_H_

#include <string>
#include <string_view>

namespace iovalid::conformance {

// Marks parts of a text for a terminal, or leaves it plain.
class Style {
 public:
  explicit Style(bool colour = false) : colour_(colour) {}

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Dim(std::string_view text) const { return Wrap("2", text); }
  std::string Left(std::string_view text) const { return Wrap("36", text); }
  std::string Right(std::string_view text) const { return Wrap("33", text); }
  std::string Bad(std::string_view text) const { return Wrap("31", text); }
  std::string Good(std::string_view text) const { return Wrap("32", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const {
    if (!colour_ || text.empty()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }

  bool colour_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_STYLE_H_
