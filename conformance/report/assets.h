// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_ASSETS_H_
#define IOVALID_CONFORMANCE_REPORT_ASSETS_H_

#include <string>
#include <utility>
#include <vector>

namespace iovalid::conformance::report {

// The page, its style and its scripts (the directory assets/), as they were when the program was
// built: {name, contents}, by name.
std::vector<std::pair<std::string, std::string>> Assets();

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_ASSETS_H_
