// SPDX-License-Identifier: Apache-2.0
// iovalid replay
#include "conformance/replay.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/report_json.h"
#include "conformance/report_text.h"
#include "traces/open_any.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string left = "type1@7.3", right = "compat@7.3", format = "text";
  uint32_t iommu_type = 0;
  bool all = false;
};

constexpr char kFooter[] =
    "A side is MODE or MODE@KERNEL. Modes:\n"
    "  type1        /dev/vfio/vfio with vfio_iommu_type1\n"
    "  compat       an iommufd (/dev/iommu) in place of the container\n"
    "  compat-node  iommufd's own /dev/vfio/vfio (CONFIG_IOMMUFD_VFIO_CONTAINER)\n"
    "  native       the paths as recorded\n"
    "Kernels: 6.1 (without iommufd), 6.12, 7.3 (the default).\n"
    "\n"
    "A difference of state is shown at the call that brings it about, not again while it stays "
    "the\n"
    "same. While a device is attached on one side only, what follows from that is not listed.\n"
    "\n"
    "--format json prints one object a line for each differing call:\n"
    "  seq, i, call, left and right {ret, errno, out, rule}, outcome_differs, state_differs\n"
    "`out` is the struct after the call in hexadecimal, \"=\" where the call did not change it.\n"
    "\n"
    "Examples:\n"
    "  iovalid replay traces/captures/qemu-11.1-type1-7.3.iovt\n"
    "  iovalid replay --left type1@6.12 --right type1@7.3 my.iovt\n"
    "  iovalid replay --iommu-type 1 --format json my.jsonl | jq .call\n"
    "\n"
    "Each difference is labelled with the row of the divergence catalogue that accounts for it\n"
    "(`iovalid catalogue list`).\n"
    "\n"
    "Exit status: 0 nothing differs, or every difference is explained by the catalogue;\n"
    "1 something is UNEXPLAINED; 2 unusable input.";

int RunReplay(const Options& options) {
  absl::StatusOr<Side> left = ParseSide(options.left);
  if (!left.ok()) return Fail(left.status());
  absl::StatusOr<Side> right = ParseSide(options.right);
  if (!right.ok()) return Fail(right.status());
  if (options.iommu_type != 0) left->iommu_type = right->iommu_type = options.iommu_type;

  std::unique_ptr<ReplayReporter> reporter;
  const bool json = options.format == "json";
  if (json) {
    reporter = std::make_unique<JsonReporter>(std::cout, options.all, options.files.size() > 1);
  } else {
    reporter = std::make_unique<TextReporter>(std::cout, StdoutStyle(), options.all);
  }
  Progress progress;
  int code = kClean;
  for (size_t i = 0; i < options.files.size(); ++i) {
    const std::string& file = options.files[i];
    if (i != 0 && !json) std::cout << '\n';
    progress.SetFile(i + 1, options.files.size());
    absl::StatusOr<std::unique_ptr<traces::EventSource>> source = traces::OpenAny(file);
    if (!source.ok()) return Fail(source.status());
    const absl::StatusOr<ReplayCounts> counts =
        Replay(**source, file, *left, *right, reporter.get(),
               [&](uint64_t events) { progress.Show(file, events); });
    progress.Clear();
    PrintWarnings(**source);
    if (!counts.ok()) return Fail(counts.status());
    if (json) std::cerr << file << ": digest " << counts->digest.ToString() << '\n';
    if (counts->unexplained != 0) code = kDifferent;
  }
  return code;
}

}  // namespace

void AddReplay(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "replay", "Run a trace on two simulated kernels and show every call that differs.");
  command->footer(kFooter);
  command->add_option("TRACE", options->files, ".iovt, golden JSONL or .textproto")->required();
  command->add_option("--left", options->left, "the left side")->capture_default_str();
  command->add_option("--right", options->right, "the right side")->capture_default_str();
  command
      ->add_option("--iommu-type", options->iommu_type,
                   "replace the IOMMU type of the trace's SET_IOMMU: 1 (v1) or 3 (v2)")
      ->check(CLI::IsMember({1, 3}));
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--all", options->all, "print every call, not only those that differ");
  command->callback([options, run] { *run = [options] { return RunReplay(*options); }; });
}

}  // namespace iovalid::conformance::cli
