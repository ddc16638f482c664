// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/json_text.h"

#include "conformance/printable.h"

namespace iovalid::conformance::report {

std::string JsonString(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : Printable(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace iovalid::conformance::report
