// SPDX-License-Identifier: Apache-2.0
// iovalid show
#include <iostream>
#include <memory>
#include <string>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"
#include "fmt/format.h"
#include "traces/open_any.h"
#include "traces/reader.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string file;
  uint64_t from = 0;
  uint64_t count = ~uint64_t{0};
  bool salvage = false;
};

constexpr char kFooter[] =
    "One line for each recorded event, in the style of strace, with what the recorded kernel\n"
    "answered: fields that the call changed, capabilities, devices' reach.\n"
    "\n"
    "Examples:\n"
    "  iovalid show traces/captures/qemu-11.1-type1-7.3.iovt | less\n"
    "  iovalid show --from 8000 --count 20 traces/captures/dpdk-24.11-type1-7.3.iovt";

// At event number options.from: an .iovt file is not read up to there, the others are.
absl::StatusOr<std::unique_ptr<traces::EventSource>> OpenAt(const Options& options) {
  const traces::ReaderOptions reader_options{.salvage = options.salvage};
  const auto kind = traces::DetectKind(options.file);
  if (!kind.ok()) return kind.status();
  if (*kind == traces::TraceFileKind::kIovt) {
    auto reader = traces::TraceReader::Open(options.file, reader_options);
    if (!reader.ok()) return reader.status();
    if (options.from != 0) {
      if (absl::Status status = (*reader)->Seek(options.from); !status.ok()) return status;
    }
    return *std::move(reader);
  }
  auto source = traces::OpenAny(options.file, reader_options);
  if (!source.ok()) return source.status();
  traces::Event skipped;
  for (uint64_t i = 0; i < options.from; ++i) {
    const absl::StatusOr<bool> more = (*source)->Next(&skipped);
    if (!more.ok()) return more.status();
    if (!*more) {
      return absl::OutOfRangeError(options.file + ": there are only " + std::to_string(i) +
                                   " events");
    }
  }
  return source;
}

void PrintHeader(const traces::Header& header, const Style& style) {
  std::cout << style.Bold(DecodeOrigin(header)) << ", kernel " << Printable(header.kernel())
            << ", mode " << traces::Mode_Name(header.mode()) << '\n';
  for (const traces::Device& device : header.devices()) {
    std::cout << "  "
              << Printable(device.name() + ' ' + device.bdf() + " in group " + device.group() +
                           (device.model().empty() ? "" : ", " + device.model()))
              << '\n';
  }
}

void PrintEvent(const traces::Event& event, const Expectation& expected,
                const StepCompiler& compiler, const traces::Header& header, const Style& style) {
  std::string line =
      event.has_step() ? style.Dim("#" + std::to_string(event.step())) + ' ' : std::string("  ");
  line += DecodeCall(event);
  if (event.has_sequence_begin()) line = '\n' + style.Bold(DecodeCall(event));
  if (!expected.recorded) {
    std::cout << line << '\n';
    if (!expected.view) return;
    for (const ViewRun& run : *expected.view) {
      std::cout << "      " << RunText(run, compiler.handles(), header) << '\n';
    }
    return;
  }
  const std::vector<std::string> lines = AnswerOf(event, expected).Lines();
  std::cout << line << ' ' << lines[0] << '\n';
  for (size_t i = 1; i < lines.size(); ++i) std::cout << "      " << lines[i] << '\n';
}

int RunShow(const Options& options) {
  absl::StatusOr<std::unique_ptr<traces::EventSource>> source = OpenAt(options);
  if (!source.ok()) return Fail(source.status());
  const traces::Header& header = (*source)->header();
  const Style style = StdoutStyle();
  StepCompiler compiler(header);
  PrintHeader(header, style);
  traces::Event event;
  Step step;
  Expectation expected;
  for (uint64_t shown = 0; shown < options.count; ++shown) {
    const absl::StatusOr<bool> more = (*source)->Next(&event);
    if (!more.ok()) return Fail(more.status());
    if (!*more) break;
    // What cannot be replayed can still be shown.
    (void)compiler.Compile(event, &step, &expected);
    PrintEvent(event, expected, compiler, header, style);
  }
  PrintWarnings(**source);
  return kClean;
}

}  // namespace

void AddShow(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("show", "List a trace in the style of strace.");
  command->footer(kFooter);
  command->add_option("TRACE", options->file, ".iovt, golden JSONL or .textproto")->required();
  command->add_option("--from", options->from, "the number of the first event, counted from 0");
  command->add_option("--count", options->count, "how many events");
  command->add_flag("--salvage", options->salvage, "show what a damaged .iovt file still holds");
  command->callback([options, run] { *run = [options] { return RunShow(*options); }; });
}

}  // namespace iovalid::conformance::cli
