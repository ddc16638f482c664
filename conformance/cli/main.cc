// SPDX-License-Identifier: Apache-2.0
// iovalid: does a program behave the same on VFIO type1 and on iommufd's VFIO compatibility layer?
#include <iostream>
#include <string>

#include "conformance/cli/command.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "Examples:\n"
    "  iovalid replay traces/captures/qemu-11.1-type1-7.3.iovt\n"
    "  iovalid explain traces/problems/U3.textproto\n"
    "  iovalid report -o report traces/\n"
    "  iovalid verify traces/goldens/*.iovt\n"
    "  iovalid show traces/captures/dpdk-24.11-type1-7.3.iovt | less\n"
    "\n"
    "Exit status: 0 nothing differs, 1 a difference or a mismatch, 2 unusable input.\n"
    "`iovalid COMMAND --help` says more about a command.";

int Main(int argc, char** argv) {
  CLI::App app(
      "iovalid replays the system calls of a VFIO user on a model of the kernel, through VFIO "
      "type1\n"
      "and through iommufd's VFIO compatibility layer, and shows every difference.",
      "iovalid");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "iovalid 0.1");
  Run run;
  AddReplay(app, &run);
  AddCatalogue(app, &run);
  AddExplain(app, &run);
  AddGate(app, &run);
  AddDiff(app, &run);
  AddReport(app, &run);
  AddVerify(app, &run);
  AddShow(app, &run);
  AddImport(app, &run);
  AddExport(app, &run);
  AddCut(app, &run);
  AddMerge(app, &run);
  AddStats(app, &run);
  AddSearch(app, &run);
  AddFuzz(app, &run);
  AddShrink(app, &run);
  AddBench(app, &run);
  const auto named = [&](const CLI::App* command) {
    return argc > 1 && command->get_name() == argv[1];
  };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(named).empty()) {
    std::cerr << "iovalid: error: there is no command '" << argv[1] << "'; --help lists them\n";
    return kUnusable;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" that succeed.
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "iovalid: error: " << error.what() << '\n';
    return kUnusable;
  }
  const int code = run();
  std::cout.flush();
  return std::cout.good() ? code : kUnusable;
}

}  // namespace
}  // namespace iovalid::conformance::cli

int main(int argc, char** argv) { return iovalid::conformance::cli::Main(argc, argv); }
