// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_CHUNK_H_
#define IOVALID_TRACES_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace iovalid::traces {

// The byte grammar of an .iovt file; docs/trace-format.md is the specification. All integers are
// little-endian.
inline constexpr std::string_view kMagic{"\x89IOVT\r\n\x1a", 8};
inline constexpr uint16_t kVersionMajor = 1;
inline constexpr uint16_t kVersionMinor = 0;
inline constexpr size_t kPrefixBytes = 16;
inline constexpr size_t kChunkHeaderBytes = 40;
inline constexpr size_t kTrailerBytes = 24;

enum class ChunkType : uint32_t {
  kHeader = 0x44414548,   // "HEAD": one Header message
  kEvents = 0x544e5645,   // "EVNT": `count` times varint length, Event message
  kIndex = 0x58444e49,    // "INDX": `count` times u64 first event, u64 file offset of its chunk
  kTrailer = 0x4c494154,  // "TAIL": u64 offset of INDX, u64 events, u64 event chunks
};

// Chunk flags.
inline constexpr uint32_t kFlagZstd = 1u << 0;
// A reader that does not know the type must not skip the chunk.
inline constexpr uint32_t kFlagCritical = 1u << 31;

struct ChunkHeader {
  uint32_t type = 0;
  uint32_t flags = 0;
  uint32_t stored_bytes = 0;
  uint32_t raw_bytes = 0;
  uint32_t count = 0;
  uint64_t first_event = 0;
  uint64_t checksum = 0;
};

struct IndexEntry {
  uint64_t first_event = 0;
  uint64_t offset = 0;
};

// Reads chunks of one file at given offsets. The errors carry no file name or offset: the caller
// adds both.
class ChunkFile {
 public:
  ChunkFile();
  ~ChunkFile();
  ChunkFile(const ChunkFile&) = delete;
  ChunkFile& operator=(const ChunkFile&) = delete;

  absl::Status Open(const std::string& path);
  // Bytes in the file when it was opened.
  uint64_t size() const { return size_; }

  // Checks magic and version. `minor` gets the file's minor version. Unimplemented for a newer
  // major one.
  absl::Status ReadPrefix(uint16_t* minor);

  // Reads the header at `offset` and checks every length in it against the limits and the file's
  // size. OutOfRange when the file ends exactly at `offset`.
  absl::StatusOr<ChunkHeader> ReadHeader(uint64_t offset);

  // Reads, checks and decompresses the payload of the chunk at `offset` into *raw.
  absl::Status ReadPayload(uint64_t offset, const ChunkHeader& header, std::string* raw);

 private:
  absl::Status ReadAt(uint64_t offset, size_t bytes, char* to);

  int fd_ = -1;
  uint64_t size_ = 0;
  std::string stored_;
  ZSTD_DCtx_s* zstd_ = nullptr;
};

// Builds the bytes of chunks.
class ChunkCompressor {
 public:
  ChunkCompressor();
  ~ChunkCompressor();
  ChunkCompressor(const ChunkCompressor&) = delete;
  ChunkCompressor& operator=(const ChunkCompressor&) = delete;

  // Header and payload as they go into the file. The payload is compressed if that makes it smaller
  // and `compress` is set.
  absl::StatusOr<std::string> Encode(ChunkType type, std::string_view raw, uint32_t count,
                                     uint64_t first_event, bool compress, int level);

 private:
  ZSTD_CCtx_s* zstd_ = nullptr;
};

// The first kPrefixBytes of a file.
std::string EncodePrefix(uint16_t major = kVersionMajor, uint16_t minor = kVersionMinor);

// Little-endian fields.
void PutU32(uint32_t value, std::string* out);
void PutU64(uint64_t value, std::string* out);
uint32_t GetU32(const char* from);
uint64_t GetU64(const char* from);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_CHUNK_H_
