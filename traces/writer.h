// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_WRITER_H_
#define IOVALID_TRACES_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "traces/chunk.h"
#include "traces/event_source.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

struct WriterOptions {
  // An event chunk is closed once it has this many raw bytes (clamped to the format's limit). What
  // a killed writer can lose, and what a seek reads, is one chunk.
  size_t chunk_bytes = 64 << 10;
  // zstd level, 1 to 19.
  int zstd_level = 3;
};

// For the committed corpora: as small as possible, one chunk where it fits.
WriterOptions ArchiveOptions();

// Writes an .iovt file in constant memory. The file appears under its name only in Finish(); until
// then it grows in "<path>.part-XXXXXX" beside it, which a killed writer leaves behind (readable
// with ReaderOptions::salvage) and a destroyed one removes. An existing file is replaced whole or
// not at all. A path that exists and is no regular file (a pipe, /dev/stdout) is written directly.
class TraceWriter {
 public:
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const std::string& path,
                                                             const Header& header,
                                                             const WriterOptions& options = {});
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  // InvalidArgument for an event that ValidateEvent() refuses; the file is then unchanged and more
  // may be appended. Any other error is final.
  absl::Status Append(const Event& event);

  // Writes index and trailer, syncs and renames. Nothing may be appended afterwards.
  absl::Status Finish();

  uint64_t event_count() const { return event_count_; }

 private:
  TraceWriter(std::string path, const WriterOptions& options);

  absl::Status OpenOutput();
  absl::Status WriteChunk(ChunkType type, const std::string& raw, uint32_t count,
                          uint64_t first_event, bool compress);
  absl::Status FlushEvents();
  absl::Status WriteBytes(const std::string& bytes);

  const std::string path_;
  const WriterOptions options_;
  std::string part_path_;  // empty: the output is written directly
  int fd_ = -1;
  bool finished_ = false;
  absl::Status broken_;
  uint64_t offset_ = 0;
  std::string raw_;
  uint32_t raw_count_ = 0;
  uint64_t event_count_ = 0;
  uint64_t chunk_count_ = 0;
  ChunkCompressor compressor_;
  // Every index_stride_-th event chunk; the stride doubles when the index is full, so that its
  // size stays bounded.
  std::vector<IndexEntry> index_;
  uint64_t index_stride_ = 1;
};

// Copies header and events. The writer is finished; on error the target is untouched.
absl::Status WriteTrace(EventSource& source, const std::string& path,
                        const WriterOptions& options = {});

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_WRITER_H_
