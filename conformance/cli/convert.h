// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CLI_CONVERT_H_
#define IOVALID_CONFORMANCE_CLI_CONVERT_H_

#include <string>

#include "absl/status/status.h"

namespace iovalid::conformance::cli {

// Converts a trace of any kind to the kind that the target's name ends in: .iovt, .jsonl,
// .textproto.
// "-" writes to standard output in the form `format` ("jsonl", "textproto"). `archive`: .iovt as
// small as possible. `kernel`: of the models whose answers a C program holds.
absl::Status Convert(const std::string& from, const std::string& to, const std::string& format,
                     bool archive, const std::string& kernel = "7.3");

}  // namespace iovalid::conformance::cli

#endif  // IOVALID_CONFORMANCE_CLI_CONVERT_H_
