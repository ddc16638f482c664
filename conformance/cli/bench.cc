// SPDX-License-Identifier: Apache-2.0
// iovalid bench: only says how. The ./iovalid script at the top of the tree takes the command
// before it comes here: it builds //bench:<NAME>_bench and runs that, so that this program does not
// carry the benchmarks.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "conformance/cli/command.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "The ./iovalid script at the top of the tree builds and runs the benchmark program\n"
    "bench/NAME_bench with the flags of Google Benchmark that follow.\n"
    "\n"
    "Examples:\n"
    "  ./iovalid bench replay\n"
    "  ./iovalid bench replay --benchmark_filter=BM_DifferentialCalls --benchmark_format=json";

}  // namespace

void AddBench(CLI::App& app, Run* run) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("bench", "Measure (through the ./iovalid script).");
  command->footer(kFooter);
  command->add_option("NAME", *names, "the benchmark, and flags of Google Benchmark");
  command->allow_extras();
  command->callback([names, run] {
    *run = [names] {
      std::cerr << "iovalid: error: bench runs through the ./iovalid script: ./iovalid bench "
                << (names->empty() ? "replay" : names->front()) << '\n';
      return static_cast<int>(kUnusable);
    };
  });
}

}  // namespace iovalid::conformance::cli
