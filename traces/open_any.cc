// SPDX-License-Identifier: Apache-2.0
#include "traces/open_any.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "traces/chunk.h"
#include "traces/golden.h"
#include "traces/text.h"
#include "traces/unrecorded_writes.h"

namespace iovalid::traces {
namespace {

constexpr size_t kSniffBytes = 512;

// Enough to tell a text trace from a binary file of another program.
bool LooksLikeText(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenGolden(const std::string& path) {
  auto reader = GoldenReader::Open(path);
  if (!reader.ok()) return reader.status();
  return WithUnrecordedWrites(*std::move(reader));
}

}  // namespace

absl::StatusOr<TraceFileKind> DetectKind(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  char buffer[kSniffBytes];
  const size_t got = std::fread(buffer, 1, sizeof(buffer), file);
  const bool failed = std::ferror(file) != 0;
  const int error = errno;
  std::fclose(file);
  if (failed) return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot read"));
  const std::string_view head(buffer, got);
  if (head.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": the file is empty"));
  // Any damage behind the first bytes is for the reader to report.
  if (head[0] == kMagic[0]) return TraceFileKind::kIovt;
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '{') return TraceFileKind::kGolden;
  if (LooksLikeText(head)) return TraceFileKind::kText;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": byte 0: neither an iovt file nor golden JSONL nor a text trace"));
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenAny(const std::string& path,
                                                     const ReaderOptions& options) {
  auto kind = DetectKind(path);
  if (!kind.ok()) return kind.status();
  switch (*kind) {
    case TraceFileKind::kIovt:
      return TraceReader::Open(path, options);
    case TraceFileKind::kGolden:
      return OpenGolden(path);
    case TraceFileKind::kText:
      return OpenText(path);
  }
  return absl::InternalError("unknown kind of trace");
}

}  // namespace iovalid::traces
