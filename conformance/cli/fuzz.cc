// SPDX-License-Identifier: Apache-2.0
// iovalid fuzz: only says how, as bench does. The ./iovalid script takes the command before it comes
// here: clang builds the fuzzer, //conformance/fuzz:program_fuzz.
#include <iostream>

#include "conformance/cli/command.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "The ./iovalid script at the top of the tree builds the fuzzer with clang and runs it:\n"
    "  --time T    how long: 90s, 10m, 2h (60s)\n"
    "  --jobs N    fuzzers side by side (1)\n"
    "  --out DIR   where findings go (fuzz-findings)\n"
    "  --plain     without ASan and UBSan: several times as fast\n"
    "\n"
    "Programs of the search's calls, with changed arguments, run on type1 and compat of 7.3 and 6.12.\n"
    "A finding is a difference that no row of the catalogue accounts for, a state that breaks an\n"
    "invariant, or a sanitizer's report. It is shrunk and saved as a trace.\n"
    "\n"
    "Examples:\n"
    "  ./iovalid fuzz --time 10m --jobs 2\n"
    "  ./iovalid explain fuzz-findings/finding-0123456789abcdef.iovt\n"
    "\n"
    "Exit status: 0 nothing was found, 1 something was, 2 unusable arguments.";

}  // namespace

void AddFuzz(CLI::App& app, Run* run) {
  CLI::App* command =
      app.add_subcommand("fuzz", "Look for the unexpected by mutation (through the ./iovalid script).");
  command->footer(kFooter);
  command->allow_extras();
  command->callback([run] {
    *run = [] {
      std::cerr << "iovalid: error: fuzz runs through the ./iovalid script: ./iovalid fuzz\n";
      return static_cast<int>(kUnusable);
    };
  });
}

}  // namespace iovalid::conformance::cli
