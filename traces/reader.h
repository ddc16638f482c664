// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_READER_H_
#define IOVALID_TRACES_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/stubs/logging.h"
#include "traces/chunk.h"
#include "traces/event_source.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

struct ReaderOptions {
  // Take what is intact before the first damage instead of failing there. The loss is a warning.
  bool salvage = false;
};

// Reads an .iovt file (docs/trace-format.md) in constant memory: one chunk at a time. Errors are
// one line that names the file and the byte offset: DataLoss for a broken file, Unimplemented for
// one that needs a newer reader, NotFound and the like when it cannot be opened.
class TraceReader : public EventSource {
 public:
  static absl::StatusOr<std::unique_ptr<TraceReader>> Open(const std::string& path,
                                                           const ReaderOptions& options = {});
  ~TraceReader() override = default;

  const Header& header() const override { return header_; }
  absl::StatusOr<bool> Next(Event* event) override;
  std::string Where() const override;

  // The number of the event that Next() will give, counting from 0 over the whole file.
  uint64_t event_index() const { return next_event_; }

  // Makes Next() go on at that event; one past the last is allowed, beyond is OutOfRange. Reads
  // the index and at most the chunks between two index entries.
  absl::Status Seek(uint64_t event_index);

  // How many events the file has: from the trailer, or in a salvaged file by a walk over the chunk
  // headers up to the damage (the position of Next() does not change).
  absl::StatusOr<uint64_t> EventCount();

 private:
  TraceReader(std::string path, const ReaderOptions& options)
      : path_(std::move(path)), options_(options) {}

  absl::Status ReadPreamble();
  // Loads the next event chunk; false at the proper end of the file.
  absl::StatusOr<bool> NextChunk();
  absl::Status LoadTrailer();
  absl::Status At(uint64_t offset, absl::StatusCode code, const std::string& what) const;
  // Turns an error into the end of the trace when salvaging.
  absl::StatusOr<bool> Fail(absl::Status status);

  const std::string path_;
  const ReaderOptions options_;
  ChunkFile file_;
  Header header_;
  uint64_t first_chunk_offset_ = 0;  // of the chunk after HEAD
  uint64_t next_chunk_offset_ = 0;
  std::string raw_;            // the current chunk, decompressed
  uint64_t chunk_offset_ = 0;  // of the current chunk
  size_t raw_pos_ = 0;
  uint32_t left_in_chunk_ = 0;
  uint64_t next_event_ = 0;
  bool at_end_ = false;
  absl::Status broken_;  // the error that every further Next() repeats

  bool trailer_loaded_ = false;
  uint64_t event_count_ = 0;
  std::vector<IndexEntry> index_;
  // protobuf writes complaints about bad UTF-8 to stderr; ours is the one line.
  google::protobuf::LogSilencer silence_;
};

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_READER_H_
