// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/json_text.h"

#include "absl/strings/str_replace.h"
#include "conformance/printable.h"

namespace iovalid::conformance::report {
namespace {

void MakePrintable(Json* value) {
  if (value->is_string()) {
    auto& text = value->get_ref<std::string&>();
    text = Printable(text);
  } else if (value->is_structured()) {
    for (Json& member : *value) MakePrintable(&member);
  }
}

// The members of `value` on lines of their own, those of theirs too, down to `depth`.
void AppendLines(const Json& value, int depth, std::string* out) {
  if (depth == 0 || !value.is_structured() || value.empty()) {
    *out += value.dump();
    return;
  }
  char before = value.is_object() ? '{' : '[';
  for (const auto& [key, member] : value.items()) {
    *out += before;
    *out += '\n';
    if (value.is_object()) *out += Json(key).dump() + ':';
    AppendLines(member, depth - 1, out);
    before = ',';
  }
  *out += value.is_object() ? '}' : ']';
}

std::string Text(Json* value, int depth) {
  MakePrintable(value);
  std::string out;
  AppendLines(*value, depth, &out);
  // In JSON these stand in strings only.
  return absl::StrReplaceAll(out, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

}  // namespace

std::string JsonText(Json value) { return Text(&value, 0); }

std::string JsonLines(Json value) { return Text(&value, 2); }

}  // namespace iovalid::conformance::report
