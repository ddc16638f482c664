// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_GOLDEN_H_
#define IOVALID_TRACES_GOLDEN_H_

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "traces/event_source.h"
#include "traces/json_line.h"
#include "traces/line_reader.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

// Golden JSONL, the form in which kernels were recorded: one JSON object a line, first the header
// (docs/trace-format.md, "Golden JSONL"). Lossless both ways: a line that FormatGoldenEvent() would
// write differently keeps its text in `verbatim`.
class GoldenReader : public EventSource {
 public:
  // Errors are one line that begins "path:line: ".
  static absl::StatusOr<std::unique_ptr<GoldenReader>> Open(const std::string& path);

  const Header& header() const override { return header_; }
  absl::StatusOr<bool> Next(Event* event) override;
  std::string Where() const override { return lines_.Where(); }

 private:
  explicit GoldenReader(const std::string& path) : lines_(path) {}

  LineReader lines_;
  Header header_;
  JsonLine json_;
  std::string scratch_;
  bool at_end_ = false;
  absl::Status broken_;
};

// Parses one line (without line end). InvalidArgument says what is wrong. Neither sets `verbatim`.
absl::Status ParseGoldenHeader(std::string_view line, JsonLine* json, Header* header);
absl::Status ParseGoldenEvent(std::string_view line, JsonLine* json, Event* event);

// Appends the line with its line end, from the fields (`verbatim` is not looked at).
void FormatGoldenHeader(const Header& header, std::string* out);
void FormatGoldenEvent(const Event& event, std::string* out);

// Writes the whole of the source. What the JSON keys cannot express (unknown fields, or fields that
// the kind of event does not have in JSONL) goes into a `bytes` key, so that an import gives the
// same trace back. Fails with the source's error, or when `out` does.
absl::Status ExportGolden(EventSource& source, std::ostream& out);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_GOLDEN_H_
