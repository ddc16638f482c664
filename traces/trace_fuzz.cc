// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a trace file of any kind: it is read to its end, once strictly and once salvaging,
// and what could be read is written in every form and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

#include "traces/golden.h"
#include "traces/open_any.h"
#include "traces/text.h"
#include "traces/trace_test_files.h"

namespace iovalid::traces {
namespace {

// A file in memory that has a path.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : fd_(memfd_create("trace", MFD_CLOEXEC)) {
    if (fd_ < 0 || write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void CheckMessage(const absl::Status& status) {
  if (status.ok()) return;
  if (status.message().find('\n') != absl::string_view::npos) {
    std::fprintf(stderr, "more than one line: %s\n", std::string(status.message()).c_str());
    std::abort();
  }
}

void CheckFormIsLossless(const Header& header, const std::vector<Event>& events, bool golden) {
  VectorSource source(header, events);
  std::ostringstream out;
  const absl::Status written = golden ? ExportGolden(source, out) : WriteText(source, out);
  if (!written.ok()) std::abort();
  MemoryFile file(out.str());
  auto back = OpenAny(file.path());
  // A verbatim line is whatever the trace says it is.
  if (golden && !back.ok()) return;
  if (!back.ok()) std::abort();
  const Drained drained = Drain(**back);
  if (golden) return;
  if (!drained.status.ok() || drained.events.size() != events.size()) std::abort();
  for (size_t i = 0; i < events.size(); ++i) {
    if (!SameMessage(drained.events[i], events[i])) std::abort();
  }
}

void ReadAllForms(const std::string& bytes) {
  MemoryFile file(bytes);
  for (const bool salvage : {false, true}) {
    auto source = OpenAny(file.path(), {.salvage = salvage});
    CheckMessage(source.status());
    if (!source.ok()) continue;
    const Drained drained = Drain(**source);
    CheckMessage(drained.status);
    if (!drained.status.ok()) continue;
    CheckFormIsLossless((*source)->header(), drained.events, true);
    CheckFormIsLossless((*source)->header(), drained.events, false);
  }
}

}  // namespace
}  // namespace iovalid::traces

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  iovalid::traces::ReadAllForms(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
