// SPDX-License-Identifier: Apache-2.0
// iovalid verify
#include "conformance/verify.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "fmt/format.h"
#include "traces/open_any.h"

namespace iovalid::conformance::cli {
namespace {

constexpr uint64_t kMostMismatches = 20;

struct Options {
  std::vector<std::string> files;
  bool all = false;
};

constexpr char kFooter[] =
    "Runs the model of the recorded kernel and mode and compares every recorded answer: return\n"
    "value, errno, struct, other memory, VmLck and VmPin, and what devices reach (dma_view).\n"
    "Counted are open, close, dup, ioctl and each dma_view that says something.\n"
    "\n"
    "Examples:\n"
    "  iovalid verify traces/captures/*.iovt\n"
    "  iovalid verify --all traces/goldens/edges.c7.3.type1-v2.iovt\n"
    "\n"
    "Exit status: 0 all calls match, 1 some do not, 2 unusable input.";

struct Row {
  std::string file, side, digest;
  VerifyCounts counts;
  uint64_t skipped;
};

void PrintLines(const std::string& label, const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    std::cout << "    " << fmt::format("{:<8}", i == 0 ? label : "") << "  " << lines[i] << '\n';
  }
}

void Print(const std::string& file, const Mismatch& mismatch, const Style& style) {
  std::cout << file << ": sequence " << mismatch.seq << " \"" << mismatch.sequence_name << "\" #"
            << mismatch.step << ": " << style.Bad(MismatchText(mismatch.bits)) << '\n'
            << "  " << style.Bold(mismatch.call) << '\n';
  PrintLines("expected", mismatch.expected);
  PrintLines("actual", mismatch.actual);
  if (!mismatch.rule.empty()) {
    std::cout << "              " << style.Dim(mismatch.rule) << '\n';
  }
  std::cout << '\n';
}

void PrintTable(const std::vector<Row>& rows, const Style& style) {
  size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.file.size());
  std::cout << style.Dim(fmt::format("{:<{}}  {:<12}  {:>8}  {:>8}  {:>8}  {:>10}  {:>8}  {}",
                                     "file", width, "model", "calls", "match", "mismatch",
                                     "unmodelled", "percent", "digest"))
            << '\n';
  for (const Row& row : rows) {
    const double percent = row.counts.calls == 0 ? 100.0
                                                 : 100.0 * static_cast<double>(row.counts.match) /
                                                       static_cast<double>(row.counts.calls);
    std::cout << fmt::format("{:<{}}  {:<12}  {:>8}  {:>8}  {:>8}  {:>10}  {:>7.2f}%  {}\n",
                             row.file, width, row.side, row.counts.calls, row.counts.match,
                             row.counts.mismatch, row.counts.unmodelled, percent, row.digest);
  }
  for (const Row& row : rows) {
    if (row.skipped != 0) {
      std::cout << row.file << ": " << row.skipped
                << " events of kinds that are not modelled were passed over\n";
    }
  }
}

int RunVerify(const Options& options) {
  const Style style = StdoutStyle();
  Progress progress;
  std::vector<Row> rows;
  VerifyCounts total;
  uint64_t printed = 0;
  for (size_t i = 0; i < options.files.size(); ++i) {
    const std::string& file = options.files[i];
    progress.SetFile(i + 1, options.files.size());
    auto source = traces::OpenAny(file);
    if (!source.ok()) return Fail(source.status());
    const auto on_mismatch = [&](const Mismatch& mismatch) {
      if (printed == kMostMismatches && !options.all) return;
      ++printed;
      progress.Clear();
      Print(file, mismatch, style);
    };
    const absl::StatusOr<VerifyResult> result =
        Verify(**source, file, on_mismatch, [&](uint64_t events) { progress.Show(file, events); });
    progress.Clear();
    PrintWarnings(**source);
    if (!result.ok()) return Fail(result.status());
    total += result->counts;
    rows.push_back(
        {file, result->side.Name(), result->digest.ToString(), result->counts, result->skipped});
  }
  if (total.mismatch > printed) {
    std::cout << "and " << total.mismatch - printed << " more mismatches (--all prints them)\n\n";
  }
  PrintTable(rows, style);
  std::cout << fmt::format("verify: {} calls, {} match, {} mismatch\n", total.calls, total.match,
                           total.mismatch);
  return total.mismatch == 0 ? kClean : kDifferent;
}

}  // namespace

void AddVerify(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "verify", "Compare what was recorded on a real kernel with the model of that kernel.");
  command->footer(kFooter);
  command->add_option("FILE", options->files, "traces with recorded answers")->required();
  command->add_flag("--all", options->all, "print every mismatch, not only the first 20");
  command->callback([options, run] { *run = [options] { return RunVerify(*options); }; });
}

}  // namespace iovalid::conformance::cli
