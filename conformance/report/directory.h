// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_DIRECTORY_H_
#define IOVALID_CONFORMANCE_REPORT_DIRECTORY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace iovalid::conformance::report {

// Whether a report may be written there: there is nothing, an empty directory, or a report.
// FailedPrecondition otherwise, in one line.
absl::Status CheckDirectory(const std::string& directory);

// Writes the files ({path below the directory, contents}; a path is a name or data/NAME) and takes
// away those of an earlier report that are not among them. The list of what was written stands in
// "iovalid-report.txt", which tells a report from any other directory.
absl::Status WriteDirectory(const std::string& directory,
                            const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_DIRECTORY_H_
