// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_VALIDATE_H_
#define IOVALID_TRACES_VALIDATE_H_

#include "absl/status/status.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

// What every reader and writer checks beyond the message syntax, so that nothing downstream has to:
// limits of limits.h, fd fields inside their struct, one MemAfter for each UserBuffer where an
// outcome is recorded, `out` as long as `in`, known enum values, and that an event says what it is.
// An event of a kind that only a newer minor version knows passes: it has no `what`, but unknown
// fields; replays skip it. InvalidArgument names the field.
absl::Status ValidateEvent(const Event& event);
absl::Status ValidateHeader(const Header& header);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_VALIDATE_H_
