// SPDX-License-Identifier: Apache-2.0
// iovalid merge: the sequences of several traces in one.
#include <memory>
#include <string>
#include <vector>

#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "traces/open_any.h"
#include "traces/writer.h"

namespace iovalid::conformance::cli {
namespace {

struct Options {
  std::string to;
  std::vector<std::string> from;
};

constexpr char kFooter[] =
    "The traces must be of one machine, kernel and mode: the header is that of the first. "
    "Sequences\n"
    "are numbered anew from 1, in the order given.\n"
    "\n"
    "Example:\n"
    "  iovalid merge all.iovt first.iovt second.iovt";

// What must be the same; names, families and programs may differ.
traces::Header Comparable(traces::Header header) {
  header.clear_family();
  header.clear_program();
  header.clear_verbatim();
  return header;
}

int RunMerge(const Options& options) {
  std::unique_ptr<traces::TraceWriter> writer;
  std::string first;
  int64_t number = 0;
  for (const std::string& path : options.from) {
    auto source = traces::OpenAny(path);
    if (!source.ok()) return Fail(source.status());
    const std::string header = Comparable((*source)->header()).SerializeAsString();
    if (writer == nullptr) {
      auto created = traces::TraceWriter::Create(options.to, (*source)->header());
      if (!created.ok()) return Fail(created.status());
      writer = *std::move(created);
      first = header;
    } else if (header != first) {
      return Fail(absl::InvalidArgumentError(path +
                                             ": the header describes another machine, kernel "
                                             "or mode than that of " +
                                             options.from.front()));
    }
    absl::Status read;
    for (traces::Event& event : traces::Events(**source, &read)) {
      if (event.has_sequence_begin()) {
        event.mutable_sequence_begin()->set_seq(++number);
        event.clear_verbatim();
      } else if (event.has_sequence_end()) {
        event.mutable_sequence_end()->set_seq(number);
        event.clear_verbatim();
      }
      if (absl::Status status = writer->Append(event); !status.ok()) return Fail(status);
    }
    if (!read.ok()) return Fail(read);
    PrintWarnings(**source);
  }
  if (absl::Status status = writer->Finish(); !status.ok()) return Fail(status);
  return kClean;
}

}  // namespace

void AddMerge(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("merge", "Put the sequences of several traces into one.");
  command->footer(kFooter);
  command->add_option("TO", options->to, "the file to write, ending in .iovt")->required();
  command->add_option("FROM", options->from, ".iovt, golden JSONL or .textproto")->required();
  command->callback([options, run] { *run = [options] { return RunMerge(*options); }; });
}

}  // namespace iovalid::conformance::cli
