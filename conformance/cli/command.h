// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CLI_COMMAND_H_
#define IOVALID_CONFORMANCE_CLI_COMMAND_H_

#include <functional>

#include "CLI/CLI.hpp"

namespace iovalid::conformance::cli {

// Exit codes of the program.
enum ExitCode : int {
  kClean = 0,      // nothing differs
  kDifferent = 1,  // a difference, or a call that is not as recorded
  kUnusable = 2,   // unusable input
};

// What the chosen subcommand does once the command line is parsed. Returns an exit code.
using Run = std::function<int()>;

// Each adds one subcommand to `app`; parsing it sets *run.
void AddReplay(CLI::App& app, Run* run);
void AddCatalogue(CLI::App& app, Run* run);
void AddExplain(CLI::App& app, Run* run);
void AddGate(CLI::App& app, Run* run);
void AddDiff(CLI::App& app, Run* run);
void AddReport(CLI::App& app, Run* run);
void AddVerify(CLI::App& app, Run* run);
void AddShow(CLI::App& app, Run* run);
void AddImport(CLI::App& app, Run* run);
void AddExport(CLI::App& app, Run* run);
void AddCut(CLI::App& app, Run* run);
void AddMerge(CLI::App& app, Run* run);
void AddStats(CLI::App& app, Run* run);
void AddSearch(CLI::App& app, Run* run);
void AddFuzz(CLI::App& app, Run* run);
void AddShrink(CLI::App& app, Run* run);
void AddBench(CLI::App& app, Run* run);

}  // namespace iovalid::conformance::cli

#endif  // IOVALID_CONFORMANCE_CLI_COMMAND_H_
