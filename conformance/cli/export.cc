// SPDX-License-Identifier: Apache-2.0
// iovalid export
#include <memory>
#include <string>

#include "conformance/cli/command.h"
#include "conformance/cli/convert.h"
#include "conformance/cli/terminal.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string from, to = "-", format = "jsonl";
};

constexpr char kFooter[] =
    "The form is told by the target's name: .jsonl (golden JSONL, as it was imported), .textproto\n"
    "(to read and edit), .iovt. Without a target it goes to standard output.\n"
    "\n"
    "Examples:\n"
    "  iovalid export trace.iovt trace.textproto\n"
    "  iovalid export trace.iovt | head\n"
    "  iovalid export --format textproto trace.iovt | less";

}  // namespace

void AddExport(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("export", "Convert a trace to golden JSONL or .textproto.");
  command->footer(kFooter);
  command->add_option("TRACE", options->from, "a trace of any kind")->required();
  command->add_option("TO", options->to, "the file to write; - is standard output")
      ->capture_default_str();
  command->add_option("--format", options->format, "of standard output: jsonl or textproto")
      ->check(CLI::IsMember({"jsonl", "textproto"}))
      ->capture_default_str();
  command->callback([options, run] {
    *run = [options] {
      const absl::Status status =
          Convert(options->from, options->to, options->format, /*archive=*/false);
      return status.ok() ? static_cast<int>(kClean) : Fail(status);
    };
  });
}

}  // namespace iovalid::conformance::cli
