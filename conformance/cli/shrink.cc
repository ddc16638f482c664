// SPDX-License-Identifier: Apache-2.0
// iovalid shrink: the shortest program with the same difference.
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/decode.h"
#include "conformance/search/shrink_trace.h"
#include "fmt/format.h"
#include "traces/event_source.h"
#include "traces/open_any.h"
#include "traces/text.h"
#include "traces/writer.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string from, to, left = "type1@7.3", right = "compat@7.3";
  int64_t step = -1;
};

constexpr char kFooter[] =
    "Keeps the first difference that the catalogue does not explain (where there is none, the first\n"
    "one), or that of --step, and drops and simplifies calls as long as it stays the same: the same\n"
    "call, answers, deciding rules and row. Prints what is left.\n"
    "\n"
    "Examples:\n"
    "  iovalid shrink long.iovt -o short.textproto\n"
    "  iovalid shrink --step 412 long.iovt\n"
    "\n"
    "Exit status: 0 shrunk, 2 unusable input, or nothing differs.";

absl::Status WriteEvents(const traces::Header& header, const std::vector<traces::Event>& events,
                         const std::string& path) {
  traces::VectorSource source(header, events);
  const auto ends_in = [&](const std::string& end) {
    return path.size() > end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_in(".iovt")) return traces::WriteTrace(source, path, traces::WriterOptions());
  if (!ends_in(".textproto")) {
    return absl::InvalidArgumentError(path + ": the name must end in .iovt or .textproto");
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  const absl::Status status = traces::WriteText(source, out);
  out.close();
  if (status.ok() && !out) return absl::UnavailableError(path + ": cannot be written");
  return status;
}

int RunShrink(const Options& options) {
  const auto left = ParseSide(options.left), right = ParseSide(options.right);
  if (!left.ok()) return Fail(left.status());
  if (!right.ok()) return Fail(right.status());
  auto source = traces::OpenAny(options.from);
  if (!source.ok()) return Fail(source.status());
  search::ShrinkGoal goal;
  if (options.step >= 0) goal.step = static_cast<uint64_t>(options.step);
  const auto begin = std::chrono::steady_clock::now();
  const auto shrunk = search::ShrinkTrace(**source, *left, *right, goal);
  if (!shrunk.ok()) return Fail(shrunk.status());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  for (const traces::Event& event : shrunk->events) {
    if (event.has_sequence_begin() || event.has_sequence_end()) continue;
    std::cout << "  " << DecodeCall(event) << '\n';
  }
  const int row = shrunk->label.explained() ? shrunk->label.row() : Cause::kUnexplained;
  std::cout << "  -> " << shrunk->signature.ToString() << ": "
            << (row < 0 ? "UNEXPLAINED" : Catalogue::BuiltIn().rows()[row].id()) << '\n'
            << fmt::format("shrink: {} of {} calls, {} programs run\n", shrunk->calls,
                           shrunk->calls_before, shrunk->runs);
  std::cerr << fmt::format("{:.3f} s\n", passed.count());
  if (options.to.empty()) return kClean;
  const absl::Status status = WriteEvents((*source)->header(), shrunk->events, options.to);
  return status.ok() ? static_cast<int>(kClean) : Fail(status);
}

}  // namespace

void AddShrink(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("shrink", "Find the shortest program with the same difference.");
  command->footer(kFooter);
  command->add_option("TRACE", options->from, "a trace of any kind")->required();
  command->add_option("-o,--output", options->to, "write it there: .iovt or .textproto");
  command->add_option("--step", options->step, "the number of the step whose difference is kept")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--left", options->left, "the left side")->capture_default_str();
  command->add_option("--right", options->right, "the right side")->capture_default_str();
  command->callback([options, run] { *run = [options] { return RunShrink(*options); }; });
}

}  // namespace iovalid::conformance::cli
