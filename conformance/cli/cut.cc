// SPDX-License-Identifier: Apache-2.0
// iovalid cut: part of a trace as a trace of its own.
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "traces/open_any.h"
#include "traces/writer.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string from, to;
  std::vector<int64_t> sequences;
  int64_t last_step = -1;
};

constexpr char kFooter[] =
    "Writes the sequences with the given numbers, all of them by default, and of each no step "
    "beyond\n"
    "--until: what is left runs as it stands, because a process's calls depend on those before.\n"
    "\n"
    "Examples:\n"
    "  iovalid cut --seq 88 traces/goldens/edges.c7.3.compat-v2.iovt one.iovt\n"
    "  iovalid cut --until 134 traces/captures/qemu-11.1-type1-7.3.iovt start.iovt";

int RunCut(const Options& options) {
  auto source = traces::OpenAny(options.from);
  if (!source.ok()) return Fail(source.status());
  auto writer = traces::TraceWriter::Create(options.to, (*source)->header());
  if (!writer.ok()) return Fail(writer.status());
  const std::set<int64_t> wanted(options.sequences.begin(), options.sequences.end());
  bool inside = wanted.empty();
  bool beyond = false;
  std::set<int64_t> found;
  absl::Status read;
  for (const traces::Event& event : traces::Events(**source, &read)) {
    if (event.has_sequence_begin()) {
      const int64_t number = event.sequence_begin().seq();
      inside = wanted.empty() || wanted.count(number) != 0;
      beyond = false;
      if (inside) found.insert(number);
    }
    // An observation without a step of its own belongs to the call before it.
    if (event.has_step() && options.last_step >= 0) {
      beyond = static_cast<int64_t>(event.step()) > options.last_step;
    }
    if (!inside || (beyond && !event.has_sequence_end())) continue;
    if (absl::Status status = (*writer)->Append(event); !status.ok()) return Fail(status);
  }
  if (!read.ok()) return Fail(read);
  for (int64_t number : wanted) {
    if (found.count(number) == 0) {
      return Fail(
          absl::NotFoundError(options.from + ": there is no sequence " + std::to_string(number)));
    }
  }
  if (absl::Status status = (*writer)->Finish(); !status.ok()) return Fail(status);
  PrintWarnings(**source);
  return kClean;
}

}  // namespace

void AddCut(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("cut", "Write part of a trace to a new one.");
  command->footer(kFooter);
  command->add_option("FROM", options->from, ".iovt, golden JSONL or .textproto")->required();
  command->add_option("TO", options->to, "the file to write, ending in .iovt")->required();
  command->add_option("--seq", options->sequences, "numbers of the sequences to keep")
      ->delimiter(',');
  command->add_option("--until", options->last_step, "the last step to keep of each sequence")
      ->check(CLI::NonNegativeNumber);
  command->callback([options, run] { *run = [options] { return RunCut(*options); }; });
}

}  // namespace iovalid::conformance::cli
