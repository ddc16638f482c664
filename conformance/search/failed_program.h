// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_FAILED_PROGRAM_H_
#define IOVALID_CONFORMANCE_SEARCH_FAILED_PROGRAM_H_

#include <string>
#include <utility>
#include <vector>

#include "conformance/search/drop_pieces.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance::search {

// A program that a test failed with. For tests only.
struct FailedProgram {
  std::string broken{};  // what is wrong
  std::string seed{};    // where the program comes from: "rapidcheck seed 7"; empty for a fixed one
  // For the test's environment, to get that seed again: "RC_PARAMS=seed=7"; may be empty.
  std::string environment{};
  traces::Header header{};
  std::vector<traces::Event> events{};  // one sequence from its begin
};

// The message of the failed test: what is wrong, the seed, the command that runs the same test
// again, the calls in the style of strace, and the program as a trace in text form, which every
// command of iovalid reads.
std::string FailureText(const FailedProgram& failed);

// The command that runs the current test again: ./test with the target, as Bazel names it in the
// environment, and the case. `environment` is "NAME=VALUE", or empty.
std::string RerunCommand(const std::string& environment);

// Leaves out events as long as something is still wrong, which `broken_by(events)` tells in words;
// the last event stays, and so does the begin.
template <typename BrokenBy>
void ShrinkFailed(FailedProgram* failed, BrokenBy broken_by) {
  const auto keeps = [&](const std::vector<traces::Event>& fewer) {
    std::string broken = broken_by(fewer);
    if (broken.empty()) return false;
    failed->broken = std::move(broken);
    return true;
  };
  DropPieces(&failed->events, 1, keeps,
             [](const traces::Event& event) { return event.has_sequence_begin(); });
}

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_FAILED_PROGRAM_H_
