// SPDX-License-Identifier: Apache-2.0
#include "traces/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "traces/limits.h"
#include "traces/validate.h"

namespace iovalid::traces {
namespace {

using google::protobuf::io::CodedOutputStream;

// Fields in the order of their numbers and maps sorted: the same trace gives the same bytes.
bool AppendSerialized(const google::protobuf::MessageLite& message, std::string* out) {
  const size_t size = message.ByteSizeLong();
  const size_t start = out->size();
  out->resize(start + size);
  return message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out->data() + start)) ==
         reinterpret_cast<uint8_t*>(out->data() + out->size());
}

void AppendVarint(uint32_t value, std::string* out) {
  uint8_t bytes[5];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(value, bytes);
  out->append(reinterpret_cast<char*>(bytes), static_cast<size_t>(end - bytes));
}

}  // namespace

WriterOptions ArchiveOptions() {
  WriterOptions options;
  options.chunk_bytes = kMaxChunkBytes;
  options.zstd_level = 19;
  return options;
}

TraceWriter::TraceWriter(std::string path, const WriterOptions& options)
    : path_(std::move(path)), options_(options) {}

TraceWriter::~TraceWriter() {
  if (fd_ >= 0) close(fd_);
  if (!finished_ && !part_path_.empty()) unlink(part_path_.c_str());
}

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(const std::string& path,
                                                                 const Header& header,
                                                                 const WriterOptions& options) {
  if (auto status = ValidateHeader(header); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::string(status.message())));
  }
  std::unique_ptr<TraceWriter> writer(new TraceWriter(path, options));
  if (auto status = writer->OpenOutput(); !status.ok()) return status;
  if (auto status = writer->WriteBytes(EncodePrefix()); !status.ok()) return status;
  std::string raw;
  AppendSerialized(header, &raw);
  if (auto status = writer->WriteChunk(ChunkType::kHeader, raw, 1, 0, true); !status.ok()) {
    return status;
  }
  return writer;
}

absl::Status TraceWriter::OpenOutput() {
  struct stat st;
  if (stat(path_.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) {
    fd_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot write"));
    return absl::OkStatus();
  }
  std::string part = path_ + ".part-XXXXXX";
  fd_ = mkostemp(part.data(), O_CLOEXEC);
  if (fd_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot write"));
  part_path_ = std::move(part);
  // mkostemp makes private files; a trace has the rights that any new file has.
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd_, 0666 & ~mask);
  return absl::OkStatus();
}

absl::Status TraceWriter::WriteBytes(const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t wrote = write(fd_, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      broken_ = absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot write"));
      return broken_;
    }
    done += static_cast<size_t>(wrote);
  }
  offset_ += bytes.size();
  return absl::OkStatus();
}

absl::Status TraceWriter::WriteChunk(ChunkType type, const std::string& raw, uint32_t count,
                                     uint64_t first_event, bool compress) {
  auto bytes = compressor_.Encode(type, raw, count, first_event, compress, options_.zstd_level);
  if (!bytes.ok()) {
    broken_ = absl::Status(bytes.status().code(),
                           absl::StrCat(path_, ": ", std::string(bytes.status().message())));
    return broken_;
  }
  return WriteBytes(*bytes);
}

absl::Status TraceWriter::FlushEvents() {
  if (raw_count_ == 0) return absl::OkStatus();
  const uint64_t first = event_count_ - raw_count_;
  if (chunk_count_ % index_stride_ == 0) {
    if (index_.size() == kMaxIndexEntries) {
      for (size_t i = 0; i < index_.size() / 2; ++i) index_[i] = index_[2 * i];
      index_.resize(index_.size() / 2);
      index_stride_ *= 2;
    }
    if (chunk_count_ % index_stride_ == 0) index_.push_back({first, offset_});
  }
  auto status = WriteChunk(ChunkType::kEvents, raw_, raw_count_, first, true);
  ++chunk_count_;
  raw_.clear();
  raw_count_ = 0;
  return status;
}

absl::Status TraceWriter::Append(const Event& event) {
  if (!broken_.ok()) return broken_;
  if (finished_) return absl::FailedPreconditionError(absl::StrCat(path_, ": already finished"));
  auto refuse = [&](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": event ", event_count_, ": ", what));
  };
  if (auto status = ValidateEvent(event); !status.ok())
    return refuse(std::string(status.message()));
  const size_t size = event.ByteSizeLong();
  if (size > kMaxEventBytes) return refuse(absl::StrCat(size, " bytes, the limit is 1 MiB"));
  const size_t goal = std::min<size_t>(options_.chunk_bytes, kMaxChunkBytes);
  constexpr size_t kMostLengthBytes = 5;
  if (raw_count_ > 0 && raw_.size() + kMostLengthBytes + size > goal) {
    if (auto status = FlushEvents(); !status.ok()) return status;
  }
  const size_t start = raw_.size();
  AppendVarint(static_cast<uint32_t>(size), &raw_);
  if (!AppendSerialized(event, &raw_)) {
    raw_.resize(start);
    return refuse("does not serialise");
  }
  ++raw_count_;
  ++event_count_;
  return absl::OkStatus();
}

absl::Status TraceWriter::Finish() {
  if (!broken_.ok()) return broken_;
  if (finished_) return absl::FailedPreconditionError(absl::StrCat(path_, ": already finished"));
  if (auto status = FlushEvents(); !status.ok()) return status;
  uint64_t index_offset = 0;
  if (!index_.empty()) {
    index_offset = offset_;
    std::string raw;
    raw.reserve(index_.size() * 16);
    for (const IndexEntry& entry : index_) {
      PutU64(entry.first_event, &raw);
      PutU64(entry.offset, &raw);
    }
    if (auto status =
            WriteChunk(ChunkType::kIndex, raw, static_cast<uint32_t>(index_.size()), 0, true);
        !status.ok()) {
      return status;
    }
  }
  std::string trailer;
  PutU64(index_offset, &trailer);
  PutU64(event_count_, &trailer);
  PutU64(chunk_count_, &trailer);
  if (auto status = WriteChunk(ChunkType::kTrailer, trailer, 0, event_count_, false);
      !status.ok()) {
    return status;
  }
  auto failed = [&](const char* what) {
    broken_ = absl::ErrnoToStatus(errno, absl::StrCat(path_, ": ", what));
    return broken_;
  };
  if (!part_path_.empty() && fsync(fd_) != 0) return failed("cannot sync");
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0) return failed("cannot close");
  if (!part_path_.empty() && std::rename(part_path_.c_str(), path_.c_str()) != 0) {
    return failed("cannot rename");
  }
  finished_ = true;
  return absl::OkStatus();
}

absl::Status WriteTrace(EventSource& source, const std::string& path,
                        const WriterOptions& options) {
  auto writer = TraceWriter::Create(path, source.header(), options);
  if (!writer.ok()) return writer.status();
  absl::Status read;
  for (const Event& event : Events(source, &read)) {
    if (auto status = (*writer)->Append(event); !status.ok()) return status;
  }
  if (!read.ok()) return read;
  return (*writer)->Finish();
}

}  // namespace iovalid::traces
