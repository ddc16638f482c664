// SPDX-License-Identifier: Apache-2.0
// iovalid gate and iovalid diff: many traces at once.
#include "conformance/gate/gate.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conformance/catalogue/catalogue.h"
#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/gate/gate_formats.h"
#include "fmt/format.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kGateFooter[] =
    "Replays every trace below the paths through type1 and compat, and fails on a difference that "
    "no\n"
    "row of the catalogue accounts for. With a baseline it fails as well on a row that a trace "
    "shows\n"
    "and the baseline does not have for it, and on one that it no longer shows. The kernel is that "
    "of\n"
    "the recording where it is known to have iommufd, else 7.3.\n"
    "\n"
    "Examples:\n"
    "  iovalid gate traces/\n"
    "  iovalid gate --baseline gate.baseline --update-baseline traces/\n"
    "  iovalid gate --baseline gate.baseline --format github traces/\n"
    "\n"
    "Exit status: 0 passed, 1 failed, 2 unusable input.";

constexpr char kDiffFooter[] =
    "What changed between two sides for these traces, by the row of the catalogue.\n"
    "\n"
    "Examples:\n"
    "  iovalid diff type1@6.1 type1@7.3 traces/captures\n"
    "  iovalid diff compat@6.12 compat@7.3 my.iovt\n"
    "\n"
    "Exit status: 0 every difference is explained, 1 some are not, 2 unusable input.";

struct GateOptions {
  std::vector<std::string> paths;
  std::string baseline, format = "text", output, left, right;
  bool update = false;
};

absl::StatusOr<GateResult> RunAll(const std::vector<std::string>& paths, const std::string& left,
                                  const std::string& right) {
  const auto files = FindTraces(paths);
  if (!files.ok()) return files.status();
  GateResult result;
  Progress progress;
  for (size_t i = 0; i < files->size(); ++i) {
    const std::string& file = (*files)[i];
    progress.SetFile(i + 1, files->size());
    progress.Show(file, 0);
    const auto kernel = GateKernel(file);
    if (!kernel.ok()) return kernel.status();
    const auto a = ParseSide(left.empty() ? "type1" : left, *kernel);
    if (!a.ok()) return a.status();
    const auto b = ParseSide(right.empty() ? "compat" : right, *kernel);
    if (!b.ok()) return b.status();
    auto trace = RunGate(file, *a, *b);
    if (!trace.ok()) return trace.status();
    result.traces.push_back(*std::move(trace));
  }
  return result;
}

int RunGateCommand(const GateOptions& options) {
  auto result = RunAll(options.paths, options.left, options.right);
  if (!result.ok()) return Fail(result.status());
  if (options.update) {
    std::ofstream file(options.baseline, std::ios::binary);
    file << BaselineToText(result->ToBaseline());
    file.close();
    if (!file) return Fail(absl::UnknownError(options.baseline + ": cannot write"));
  } else if (!options.baseline.empty()) {
    std::ifstream file(options.baseline, std::ios::binary);
    if (!file) return Fail(absl::NotFoundError(options.baseline + ": cannot open"));
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const auto baseline = ParseBaseline(text, options.baseline);
    if (!baseline.ok()) return Fail(baseline.status());
    CompareWithBaseline(*baseline, &*result);
  }
  std::ofstream file;
  if (!options.output.empty()) file.open(options.output, std::ios::binary);
  std::ostream& out = options.output.empty() ? std::cout : file;
  WriteGate(options.format, *result, out);
  out.flush();
  if (!out) return Fail(absl::UnknownError(options.output + ": cannot write"));
  return result->passed() ? kClean : kDifferent;
}

int RunDiff(const std::string& left, const std::string& right,
            const std::vector<std::string>& paths) {
  auto result = RunAll(paths, left, right);
  if (!result.ok()) return Fail(result.status());
  const Style style = StdoutStyle();
  struct Tally {
    uint64_t steps = 0;
    std::vector<std::string> files;
  };
  std::map<std::string, Tally> rows;
  uint64_t calls = 0, differing = 0, unexplained = 0;
  for (const GateTrace& trace : result->traces) {
    calls += trace.calls;
    differing += trace.differing;
    unexplained += trace.findings.size();
    for (const auto& [row, count] : trace.rows) {
      rows[row].steps += count;
      rows[row].files.push_back(trace.file);
    }
  }
  const Catalogue& catalogue = Catalogue::BuiltIn();
  for (const auto& [id, tally] : rows) {
    const catalogue::Row& row = catalogue.rows()[catalogue.FindRow(id)];
    std::cout << style.Bold(id) << " (" << ClassName(row.class_()) << "): " << row.title() << '\n'
              << fmt::format("  {} steps in {} traces, first {}\n", tally.steps, tally.files.size(),
                             tally.files[0])
              << "  " << row.advice() << '\n';
  }
  // The same difference in many traces is told once.
  struct Unexplained {
    uint64_t count = 0;
    std::string first;
  };
  std::map<std::string, Unexplained> kinds;
  for (const GateTrace& trace : result->traces) {
    for (const GateFinding& finding : trace.findings) {
      Unexplained& kind = kinds[finding.message];
      if (kind.count++ == 0) {
        kind.first = fmt::format("{} {}#{}", trace.file, finding.seq, finding.step);
      }
    }
  }
  for (const auto& [message, kind] : kinds) {
    std::cout << style.Bad("UNEXPLAINED") << ' ' << message << '\n'
              << fmt::format("  {} times, first {}\n", kind.count, kind.first);
  }
  std::cout << fmt::format("{} traces, {} calls: {} differ by {} rows, {} unexplained\n",
                           result->traces.size(), calls, differing, rows.size(), unexplained);
  return unexplained == 0 ? kClean : kDifferent;
}

}  // namespace

void AddGate(CLI::App& app, Run* run) {
  auto options = std::make_shared<GateOptions>();
  CLI::App* command = app.add_subcommand(
      "gate", "Replay all traces, and fail on a difference that is not known (for CI).");
  command->footer(kGateFooter);
  command->add_option("PATH", options->paths, "traces, or directories of them")->required();
  CLI::Option* baseline =
      command->add_option("--baseline", options->baseline, "the rows that each trace may show");
  command->add_flag("--update-baseline", options->update, "write the baseline instead")
      ->needs(baseline);
  command->add_option("--format", options->format, "how to say it")
      ->check(CLI::IsMember({"text", "json", "junit", "ktap", "github", "sarif"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "a file instead of standard output");
  command->add_option("--left", options->left, "the left side (default: type1)");
  command->add_option("--right", options->right, "the right side (default: compat)");
  command->callback([options, run] { *run = [options] { return RunGateCommand(*options); }; });
}

void AddDiff(CLI::App& app, Run* run) {
  struct Options {
    std::string left, right;
    std::vector<std::string> paths;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("diff", "What changed between two sides, by row of the catalogue.");
  command->footer(kDiffFooter);
  command->add_option("LEFT", options->left, "MODE@KERNEL")->required();
  command->add_option("RIGHT", options->right, "MODE@KERNEL")->required();
  command->add_option("PATH", options->paths, "traces, or directories of them")->required();
  command->callback([options, run] {
    *run = [options] { return RunDiff(options->left, options->right, options->paths); };
  });
}

}  // namespace iovalid::conformance::cli
