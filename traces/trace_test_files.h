// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_TRACE_TEST_FILES_H_
#define IOVALID_TRACES_TRACE_TEST_FILES_H_

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "traces/event_source.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

// For tests: a file name of this test program alone, in the directory that the runner cleans up.
inline std::string TempPath(const std::string& name) {
  const char* directory = std::getenv("TEST_TMPDIR");
  return std::string(directory != nullptr ? directory : "/var/tmp") + "/" +
         std::to_string(getpid()) + "-" + name;
}

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline std::string WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// All events, and how the source ended.
struct Drained {
  std::vector<Event> events;
  absl::Status status;
};

inline Drained Drain(EventSource& source) {
  Drained drained;
  for (const Event& event : Events(source, &drained.status)) drained.events.push_back(event);
  return drained;
}

inline bool SameMessage(const google::protobuf::MessageLite& a,
                        const google::protobuf::MessageLite& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_TRACE_TEST_FILES_H_
