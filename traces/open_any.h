// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_OPEN_ANY_H_
#define IOVALID_TRACES_OPEN_ANY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "traces/event_source.h"
#include "traces/reader.h"

namespace iovalid::traces {

enum class TraceFileKind { kIovt, kGolden, kText };

// Tells by the content, never by the name: the magic of .iovt, '{' for golden JSONL, anything else
// that is text is taken for a .textproto. InvalidArgument when it is none of them.
absl::StatusOr<TraceFileKind> DetectKind(const std::string& path);

// Opens a trace of any kind. `options` concern .iovt files only.
absl::StatusOr<std::unique_ptr<EventSource>> OpenAny(const std::string& path,
                                                     const ReaderOptions& options = {});

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_OPEN_ANY_H_
