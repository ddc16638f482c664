// SPDX-License-Identifier: Apache-2.0
#include "traces/golden.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "traces/limits.h"
#include "traces/spelling.h"
#include "traces/validate.h"

namespace iovalid::traces {
namespace {

// The line as it stands in the file, where the formatter would write another one.
template <typename Message>
void KeepVerbatim(const LineReader& lines, const std::string& formatted, Message* message) {
  const std::string_view line = lines.line();
  const bool same = lines.terminated() && formatted.size() == line.size() + 1 &&
                    std::string_view(formatted).substr(0, line.size()) == line;
  if (same) return;
  std::string verbatim(line);
  if (lines.terminated()) verbatim.push_back('\n');
  message->set_verbatim(std::move(verbatim));
}

std::string_view WithoutCarriageReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool SameBytes(const google::protobuf::MessageLite& a, const google::protobuf::MessageLite& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

template <typename Message>
std::string WholeMessage(std::string_view head, const Message& message) {
  std::string out(head);
  AppendHex(message.SerializeAsString(), &out);
  return out + "\"}\n";
}

}  // namespace

absl::StatusOr<std::unique_ptr<GoldenReader>> GoldenReader::Open(const std::string& path) {
  std::unique_ptr<GoldenReader> reader(new GoldenReader(path));
  if (auto status = reader->lines_.Open(); !status.ok()) return status;
  auto more = reader->lines_.Next();
  if (!more.ok()) return more.status();
  if (!*more) return absl::InvalidArgumentError(absl::StrCat(path, ":1: the file is empty"));
  const std::string_view line = WithoutCarriageReturn(reader->lines_.line());
  auto status = ParseGoldenHeader(line, &reader->json_, &reader->header_);
  if (status.ok()) status = ValidateHeader(reader->header_);
  if (!status.ok()) return reader->lines_.Error(std::string(status.message()));
  FormatGoldenHeader(reader->header_, &reader->scratch_);
  if (reader->json_.Find(reader->json_.root(), "bytes") == nullptr) {
    KeepVerbatim(reader->lines_, reader->scratch_, &reader->header_);
  }
  return reader;
}

absl::StatusOr<bool> GoldenReader::Next(Event* event) {
  if (at_end_) {
    if (!broken_.ok()) return broken_;
    return false;
  }
  auto fail = [&](absl::Status status) -> absl::StatusOr<bool> {
    at_end_ = true;
    broken_ = std::move(status);
    return broken_;
  };
  auto more = lines_.Next();
  if (!more.ok()) return fail(more.status());
  if (!*more) {
    at_end_ = true;
    return false;
  }
  auto status = ParseGoldenEvent(WithoutCarriageReturn(lines_.line()), &json_, event);
  if (status.ok()) status = ValidateEvent(*event);
  if (!status.ok()) return fail(lines_.Error(std::string(status.message())));
  if (json_.Find(json_.root(), "bytes") == nullptr) {
    scratch_.clear();
    FormatGoldenEvent(*event, &scratch_);
    KeepVerbatim(lines_, scratch_, event);
  }
  if (lines_.line().size() > kMaxEventBytes && event->ByteSizeLong() > kMaxEventBytes) {
    return fail(lines_.Error("the event is larger than 1 MiB"));
  }
  return true;
}

absl::Status ExportGolden(EventSource& source, std::ostream& out) {
  JsonLine json;
  std::string line;
  if (!source.header().verbatim().empty()) {
    line = source.header().verbatim();
  } else {
    FormatGoldenHeader(source.header(), &line);
    Header back;
    Header original = source.header();
    original.set_golden(1);
    if (!ParseGoldenHeader(std::string_view(line).substr(0, line.size() - 1), &json, &back).ok() ||
        !SameBytes(back, original)) {
      line = WholeMessage("{\"golden\":1,\"bytes\":\"", source.header());
    }
  }
  out << line;
  Event back;
  absl::Status status;
  for (const Event& event : Events(source, &status)) {
    if (event.has_touch() && event.touch().inferred()) continue;
    line.clear();
    if (!event.verbatim().empty()) {
      line = event.verbatim();
    } else {
      FormatGoldenEvent(event, &line);
      if (!ParseGoldenEvent(std::string_view(line).substr(0, line.size() - 1), &json, &back).ok() ||
          !SameBytes(back, event)) {
        line = WholeMessage("{\"call\":\"event\",\"bytes\":\"", event);
      }
    }
    out << line;
    if (!out) return absl::UnavailableError("cannot write the golden JSONL");
  }
  if (!status.ok()) return status;
  out.flush();
  if (!out) return absl::UnavailableError("cannot write the golden JSONL");
  return absl::OkStatus();
}

}  // namespace iovalid::traces
