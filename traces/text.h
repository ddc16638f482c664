// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_TEXT_H_
#define IOVALID_TRACES_TEXT_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "traces/event_source.h"

namespace iovalid::traces {

// The .textproto twin of a trace: one `header { ... }`, then one `event { ... }` for each event, in
// protobuf text format with three eases: bytes are written as quoted hex digits ("2000 0300",
// blanks allowed), `error:` takes a name (EINVAL), addresses are printed in hex.
// docs/trace-format.md has the details. Lossless both ways; errors are one line that begins
// "path:line: ".
absl::StatusOr<std::unique_ptr<EventSource>> OpenText(const std::string& path);

// The same of a text that is in memory; `name` stands for the path in messages.
absl::StatusOr<std::unique_ptr<EventSource>> OpenTextFromString(const std::string& name,
                                                                std::string contents);

// Writes the whole of the source, one event at a time.
absl::Status WriteText(EventSource& source, std::ostream& out);

// One event or header as it stands in the file, with line ends.
std::string EventToText(const Event& event);
std::string HeaderToText(const Header& header);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_TEXT_H_
