// SPDX-License-Identifier: Apache-2.0
// iovalid import
#include <memory>
#include <string>

#include "conformance/cli/command.h"
#include "conformance/cli/convert.h"
#include "conformance/cli/terminal.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string from, to;
  bool archive = false;
};

constexpr char kFooter[] =
    "Reads golden JSONL or .textproto (told by the content) and writes a trace file. Nothing is\n"
    "lost: `iovalid export` gives the same bytes back.\n"
    "\n"
    "Examples:\n"
    "  iovalid import recording.jsonl recording.iovt\n"
    "  iovalid import --archive recording.jsonl traces/captures/recording.iovt";

}  // namespace

void AddImport(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("import", "Convert a recording to a trace file (.iovt).");
  command->footer(kFooter);
  command->add_option("FROM", options->from, "golden JSONL or .textproto")->required();
  command->add_option("TO", options->to, "the file to write, ending in .iovt")->required();
  command->add_flag("--archive", options->archive, "as small as possible");
  command->callback([options, run] {
    *run = [options] {
      const absl::Status status = Convert(options->from, options->to, "", options->archive);
      return status.ok() ? static_cast<int>(kClean) : Fail(status);
    };
  });
}

}  // namespace iovalid::conformance::cli
