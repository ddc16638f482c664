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
  std::string from, to = "-", format = "jsonl", kernel = "7.3";
};

constexpr char kFooter[] =
    "The form is told by the target's name: .jsonl (golden JSONL, as it was imported), .textproto\n"
    "(to read and edit), .iovt, .c. Without a target it goes to standard output.\n"
    "\n"
    "The C program makes the calls of one scripted sequence on a real kernel, `PROGRAM "
    "type1|compat\n"
    "BDF...`, and says of each answer whether the models of type1 and compat give it. Without\n"
    "arguments it runs both modes with all devices that are bound to vfio-pci.\n"
    "\n"
    "Examples:\n"
    "  iovalid export trace.iovt trace.textproto\n"
    "  iovalid export trace.iovt | head\n"
    "  iovalid export --format textproto trace.iovt | less\n"
    "  iovalid export found.textproto found.c && cc -O1 -static -o found found.c";

}  // namespace

void AddExport(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("export", "Convert a trace to golden JSONL, .textproto or a C program.");
  command->footer(kFooter);
  command->add_option("TRACE", options->from, "a trace of any kind")->required();
  command->add_option("TO", options->to, "the file to write; - is standard output")
      ->capture_default_str();
  command->add_option("--format", options->format, "of standard output: jsonl, textproto or c")
      ->check(CLI::IsMember({"jsonl", "textproto", "c"}))
      ->capture_default_str();
  command->add_option("--kernel", options->kernel, "of a C program: whose answers it expects")
      ->capture_default_str();
  command->callback([options, run] {
    *run = [options] {
      const absl::Status status =
          Convert(options->from, options->to, options->format, /*archive=*/false, options->kernel);
      return status.ok() ? static_cast<int>(kClean) : Fail(status);
    };
  });
}

}  // namespace iovalid::conformance::cli
