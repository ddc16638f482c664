// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_
#define IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_

#include <string>

#include "nlohmann/json.hpp"

namespace iovalid::conformance::report {

// Keys keep the order in which they are written.
using Json = nlohmann::ordered_json;

// A value as text that is also JavaScript and may stand in a <script>: bytes of strings that are
// not printable ASCII are spelt out (\x1b, as text), and < > & are \u003c and the like.
std::string JsonText(Json value);

// The same with a line for each member, and for each member of a member: for readers and diffs.
std::string JsonLines(Json value);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_JSON_TEXT_H_
