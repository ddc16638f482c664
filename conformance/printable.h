// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_PRINTABLE_H_
#define IOVALID_CONFORMANCE_PRINTABLE_H_

#include <string>
#include <string_view>

namespace iovalid::conformance {

// Text from a trace as it may reach a terminal or a one-line message: control characters (line ends
// and escape sequences with them) and bytes that are not ASCII become \x1b, printable ASCII stays.
inline std::string Printable(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out.push_back(c);
    } else {
      out += "\\x";
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_PRINTABLE_H_
