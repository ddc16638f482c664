// SPDX-License-Identifier: Apache-2.0
// iovalid report: what traces show, as pages for a browser.
#include "conformance/report/report.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/gate/gate.h"
#include "conformance/parallel.h"
#include "conformance/report/directory.h"
#include "fmt/format.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "Runs every trace below the paths on type1 of 6.1, 6.12 and 7.3 and on compat of 6.12 and 7.3\n"
    "(native traces on native of 6.12 and 7.3) and writes pages that a browser opens from the disk:\n"
    "the errno matrix, a page for each known divergence, a timeline for each trace with the IOVA\n"
    "space of both sides, and what the traces cover. They need no network.\n"
    "\n"
    "DIR must be new, empty or an earlier report. The same traces give the same bytes. Of a long\n"
    "trace the timeline shows the steps that matter; --steps N says how many.\n"
    "\n"
    "Examples:\n"
    "  iovalid report -o report traces/\n"
    "  iovalid search --budget 60s > search.txt; iovalid report -o report --search search.txt my/\n"
    "\n"
    "Exit status: 0 every difference is explained, 1 some are not, 2 unusable input.";

struct Options {
  std::string directory;
  std::vector<std::string> paths, searches;
  uint64_t steps = 800;
  unsigned jobs = 0;
};

int RunReport(const Options& options) {
  // Before the work, not after it.
  if (const absl::Status status = report::CheckDirectory(options.directory); !status.ok()) {
    return Fail(status);
  }
  report::ReportOptions report_options;
  for (const std::string& name : options.searches) {
    std::ifstream file(name, std::ios::binary);
    if (!file) return Fail(absl::NotFoundError(name + ": cannot open"));
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    auto figures = report::ParseSearchOutput(name, text);
    if (!figures.ok()) return Fail(figures.status());
    report_options.searches.push_back(*std::move(figures));
  }
  auto files = FindTraces(options.paths);
  if (!files.ok()) return Fail(files.status());
  report_options.files = *std::move(files);
  report_options.steps = options.steps;
  report_options.jobs = JobsOrCores(options.jobs);

  Progress progress;
  const auto data = report::CollectReport(report_options, [&](size_t done, size_t of) {
    progress.SetFile(done, of);
    progress.Show("traces", done);
  });
  progress.Clear();
  if (!data.ok()) return Fail(data.status());
  const auto pages = report::ReportFiles(*data);
  if (const absl::Status status = report::WriteDirectory(options.directory, pages); !status.ok()) {
    return Fail(status);
  }

  uint64_t bytes = 0, calls = 0, differing = 0, unexplained = 0;
  for (const auto& [name, contents] : pages) bytes += contents.size();
  for (const report::ReportData::File& file : data->files) {
    if (file.kind != report::ReportData::Kind::kCorpus) continue;
    calls += file.info.calls;
    differing += file.info.differing;
    unexplained += file.info.unexplained;
  }
  std::cout << fmt::format(
      "{} traces, {} calls: {} steps differ by {} rows, {} unexplained\n"
      "{}/index.html ({} files, {:.1f} MB)\n",
      report_options.files.size(), calls, differing, data->survey.rows.size(), unexplained,
      options.directory, pages.size(), static_cast<double>(bytes) / 1e6);
  return unexplained == 0 ? kClean : kDifferent;
}

}  // namespace

void AddReport(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("report", "Write what traces show as pages for a browser.");
  command->footer(kFooter);
  command->add_option("-o,--output", options->directory, "the directory of the report")->required();
  command->add_option("PATH", options->paths, "traces, or directories of them")->required();
  command->add_option("--search", options->searches,
                      "a file with the output of `iovalid search`, for its figures");
  command->add_option("--steps", options->steps, "steps of each trace that are drawn, about")
      ->capture_default_str();
  command->add_option("--jobs", options->jobs, "traces at a time; by default one a core");
  command->callback([options, run] { *run = [options] { return RunReport(*options); }; });
}

}  // namespace iovalid::conformance::cli
