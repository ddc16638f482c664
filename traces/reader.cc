// SPDX-License-Identifier: Apache-2.0
#include "traces/reader.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "traces/limits.h"
#include "traces/validate.h"

namespace iovalid::traces {
namespace {

constexpr size_t kIndexEntryBytes = 16;

// Reads a varint of at most five bytes at *pos. False when it does not end there or is too large.
bool ReadLength(const std::string& from, size_t* pos, uint32_t* length) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (*pos >= from.size()) return false;
    unsigned char byte = static_cast<unsigned char>(from[(*pos)++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) {
      if (value > UINT32_MAX) return false;
      *length = static_cast<uint32_t>(value);
      return true;
    }
  }
  return false;
}

bool IsType(const ChunkHeader& header, ChunkType type) {
  return header.type == static_cast<uint32_t>(type);
}

uint64_t EndOf(uint64_t offset, const ChunkHeader& header) {
  return offset + kChunkHeaderBytes + header.stored_bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceReader>> TraceReader::Open(const std::string& path,
                                                               const ReaderOptions& options) {
  std::unique_ptr<TraceReader> reader(new TraceReader(path, options));
  if (auto status = reader->ReadPreamble(); !status.ok()) return status;
  return reader;
}

absl::Status TraceReader::At(uint64_t offset, absl::StatusCode code,
                             const std::string& what) const {
  return absl::Status(code, absl::StrCat(path_, ": byte ", offset, ": ", what));
}

absl::Status TraceReader::ReadPreamble() {
  if (auto status = file_.Open(path_); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(path_, ": ", std::string(status.message())));
  }
  uint16_t minor = 0;
  if (auto status = file_.ReadPrefix(&minor); !status.ok()) {
    return At(0, status.code(), std::string(status.message()));
  }
  if (minor > kVersionMinor) {
    Warn(absl::StrCat(path_, ": written in version ", kVersionMajor, ".", minor,
                      " of the format, read as ", kVersionMajor, ".", kVersionMinor,
                      ": what is new in it is ignored"));
  }
  const uint64_t offset = kPrefixBytes;
  auto chunk = file_.ReadHeader(offset);
  if (!chunk.ok()) {
    return At(offset, absl::StatusCode::kDataLoss, std::string(chunk.status().message()));
  }
  if (!IsType(*chunk, ChunkType::kHeader)) {
    return At(offset, absl::StatusCode::kDataLoss, "the first chunk is not the header");
  }
  if (chunk->raw_bytes > kMaxHeaderBytes) {
    return At(offset, absl::StatusCode::kDataLoss, "the header is larger than 1 MiB");
  }
  if (auto status = file_.ReadPayload(offset, *chunk, &raw_); !status.ok()) {
    return At(offset, status.code(), std::string(status.message()));
  }
  if (!header_.ParseFromString(raw_)) {
    return At(offset, absl::StatusCode::kDataLoss, "the header is not a Header message");
  }
  if (auto status = ValidateHeader(header_); !status.ok()) {
    return At(offset, absl::StatusCode::kDataLoss, std::string(status.message()));
  }
  first_chunk_offset_ = next_chunk_offset_ = EndOf(offset, *chunk);
  raw_.clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> TraceReader::NextChunk() {
  for (;;) {
    const uint64_t offset = next_chunk_offset_;
    auto chunk = file_.ReadHeader(offset);
    if (!chunk.ok()) {
      if (absl::IsOutOfRange(chunk.status())) {
        return At(offset, absl::StatusCode::kDataLoss, "the file ends without its trailer");
      }
      return At(offset, chunk.status().code(), std::string(chunk.status().message()));
    }
    if (auto status = file_.ReadPayload(offset, *chunk, &raw_); !status.ok()) {
      return At(offset, status.code(), std::string(status.message()));
    }
    next_chunk_offset_ = EndOf(offset, *chunk);
    if (IsType(*chunk, ChunkType::kHeader)) {
      return At(offset, absl::StatusCode::kDataLoss, "a second header");
    }
    if (IsType(*chunk, ChunkType::kTrailer)) {
      if (raw_.size() < kTrailerBytes) {
        return At(offset, absl::StatusCode::kDataLoss, "the trailer is too short");
      }
      if (GetU64(raw_.data() + 8) != next_event_) {
        return At(offset, absl::StatusCode::kDataLoss,
                  absl::StrCat("the trailer counts ", GetU64(raw_.data() + 8),
                               " events, there are ", next_event_));
      }
      if (next_chunk_offset_ != file_.size()) {
        return At(next_chunk_offset_, absl::StatusCode::kDataLoss, "bytes after the trailer");
      }
      return false;
    }
    if (!IsType(*chunk, ChunkType::kEvents)) continue;
    if (chunk->first_event != next_event_) {
      return At(offset, absl::StatusCode::kDataLoss,
                absl::StrCat("the chunk begins with event ", chunk->first_event, ", expected is ",
                             next_event_));
    }
    if (chunk->count > raw_.size()) {
      return At(offset, absl::StatusCode::kDataLoss, "the chunk counts more events than bytes");
    }
    if (chunk->count == 0) {
      if (!raw_.empty()) {
        return At(offset, absl::StatusCode::kDataLoss, "a chunk of no events with bytes");
      }
      continue;
    }
    chunk_offset_ = offset;
    raw_pos_ = 0;
    left_in_chunk_ = chunk->count;
    return true;
  }
}

absl::StatusOr<bool> TraceReader::Fail(absl::Status status) {
  at_end_ = true;
  if (options_.salvage && absl::IsDataLoss(status)) {
    Warn(absl::StrCat(std::string(status.message()), "; salvaged the ", next_event_,
                      " events before it"));
    return false;
  }
  broken_ = std::move(status);
  return broken_;
}

absl::StatusOr<bool> TraceReader::Next(Event* event) {
  if (at_end_) {
    if (!broken_.ok()) return broken_;
    return false;
  }
  if (left_in_chunk_ == 0) {
    auto more = NextChunk();
    if (!more.ok()) return Fail(more.status());
    if (!*more) {
      at_end_ = true;
      return false;
    }
  }
  uint32_t length = 0;
  auto bad = [&](const std::string& what) {
    return Fail(At(chunk_offset_, absl::StatusCode::kDataLoss,
                   absl::StrCat("event ", next_event_, ": ", what)));
  };
  if (!ReadLength(raw_, &raw_pos_, &length)) return bad("its length is not a length");
  if (length > kMaxEventBytes) return bad(absl::StrCat(length, " bytes, the limit is 1 MiB"));
  if (length > raw_.size() - raw_pos_) return bad("it is longer than the rest of the chunk");
  if (!event->ParseFromArray(raw_.data() + raw_pos_, static_cast<int>(length))) {
    return bad("not an Event message");
  }
  if (auto status = ValidateEvent(*event); !status.ok()) return bad(std::string(status.message()));
  raw_pos_ += length;
  --left_in_chunk_;
  if (left_in_chunk_ == 0 && raw_pos_ != raw_.size()) return bad("bytes after the last event");
  ++next_event_;
  return true;
}

std::string TraceReader::Where() const {
  return absl::StrCat(path_, ": event ", next_event_ == 0 ? 0 : next_event_ - 1);
}

absl::Status TraceReader::LoadTrailer() {
  if (trailer_loaded_) return absl::OkStatus();
  const uint64_t trailer_bytes = kChunkHeaderBytes + kTrailerBytes;
  if (file_.size() < first_chunk_offset_ + trailer_bytes) {
    return At(file_.size(), absl::StatusCode::kDataLoss, "the file ends without its trailer");
  }
  const uint64_t offset = file_.size() - trailer_bytes;
  std::string raw;
  auto chunk = file_.ReadHeader(offset);
  if (!chunk.ok() || !IsType(*chunk, ChunkType::kTrailer) ||
      !file_.ReadPayload(offset, *chunk, &raw).ok() || raw.size() != kTrailerBytes) {
    return At(offset, absl::StatusCode::kDataLoss, "the file ends without its trailer");
  }
  const uint64_t index_offset = GetU64(raw.data());
  event_count_ = GetU64(raw.data() + 8);
  index_.clear();
  if (index_offset != 0) {
    auto index = index_offset >= first_chunk_offset_ && index_offset < offset
                     ? file_.ReadHeader(index_offset)
                     : absl::DataLossError("the trailer points outside the file");
    if (!index.ok()) {
      return At(offset, absl::StatusCode::kDataLoss, std::string(index.status().message()));
    }
    if (!IsType(*index, ChunkType::kIndex) || index->count > kMaxIndexEntries ||
        index->raw_bytes != index->count * kIndexEntryBytes) {
      return At(index_offset, absl::StatusCode::kDataLoss, "not an index");
    }
    if (auto status = file_.ReadPayload(index_offset, *index, &raw); !status.ok()) {
      return At(index_offset, status.code(), std::string(status.message()));
    }
    index_.reserve(index->count);
    for (size_t at = 0; at < raw.size(); at += kIndexEntryBytes) {
      IndexEntry entry{GetU64(raw.data() + at), GetU64(raw.data() + at + 8)};
      if (entry.offset < first_chunk_offset_ || entry.offset >= index_offset ||
          (!index_.empty() && (entry.first_event <= index_.back().first_event ||
                               entry.offset <= index_.back().offset))) {
        return At(index_offset, absl::StatusCode::kDataLoss,
                  absl::StrCat("index entry ", at / kIndexEntryBytes, " is out of order"));
      }
      index_.push_back(entry);
    }
  }
  trailer_loaded_ = true;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> TraceReader::EventCount() {
  auto status = LoadTrailer();
  if (status.ok()) return event_count_;
  if (!options_.salvage) return status;
  uint64_t count = 0;
  uint64_t offset = first_chunk_offset_;
  for (;;) {
    auto chunk = file_.ReadHeader(offset);
    if (!chunk.ok()) return count;
    if (IsType(*chunk, ChunkType::kEvents)) {
      if (chunk->first_event != count) return count;
      count += chunk->count;
    }
    offset = EndOf(offset, *chunk);
  }
}

absl::Status TraceReader::Seek(uint64_t event_index) {
  // Without a trailer (salvage) the walk starts at the first chunk.
  IndexEntry from{0, first_chunk_offset_};
  if (auto status = LoadTrailer(); status.ok()) {
    if (event_index > event_count_) {
      return absl::OutOfRangeError(
          absl::StrCat(path_, ": event ", event_index, " of ", event_count_));
    }
    auto after = std::upper_bound(
        index_.begin(), index_.end(), event_index,
        [](uint64_t event, const IndexEntry& entry) { return event < entry.first_event; });
    if (after != index_.begin()) from = *std::prev(after);
  } else if (!options_.salvage) {
    return status;
  }
  at_end_ = false;
  broken_ = absl::OkStatus();
  left_in_chunk_ = 0;
  next_event_ = from.first_event;
  next_chunk_offset_ = from.offset;
  // Skip whole chunks by their headers, then single events of the one that holds the target.
  for (;;) {
    auto chunk = file_.ReadHeader(next_chunk_offset_);
    if (!chunk.ok() || IsType(*chunk, ChunkType::kTrailer)) break;
    if (IsType(*chunk, ChunkType::kEvents)) {
      if (chunk->first_event != next_event_ || event_index - next_event_ < chunk->count) break;
      next_event_ += chunk->count;
    }
    next_chunk_offset_ = EndOf(next_chunk_offset_, *chunk);
  }
  if (event_index == next_event_) return absl::OkStatus();
  auto more = NextChunk();
  if (!more.ok()) return Fail(more.status()).status();
  if (!*more) {
    at_end_ = true;
    return absl::OutOfRangeError(absl::StrCat(path_, ": event ", event_index, " of ", next_event_));
  }
  while (next_event_ < event_index && left_in_chunk_ > 0) {
    uint32_t length = 0;
    if (!ReadLength(raw_, &raw_pos_, &length) || length > raw_.size() - raw_pos_) {
      return Fail(At(chunk_offset_, absl::StatusCode::kDataLoss,
                     absl::StrCat("event ", next_event_,
                                  ": it is longer than the rest of the "
                                  "chunk")))
          .status();
    }
    raw_pos_ += length;
    --left_in_chunk_;
    ++next_event_;
  }
  return absl::OkStatus();
}

}  // namespace iovalid::traces
