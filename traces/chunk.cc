// SPDX-License-Identifier: Apache-2.0
#include "traces/chunk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "traces/limits.h"
#include "xxhash.h"

namespace iovalid::traces {
namespace {

constexpr uint32_t kKnownFlags = kFlagZstd | kFlagCritical;
constexpr size_t kChecksumOffset = kChunkHeaderBytes - 8;
constexpr size_t kPrefixChecksumOffset = kPrefixBytes - 4;

bool IsKnownType(uint32_t type) {
  switch (static_cast<ChunkType>(type)) {
    case ChunkType::kHeader:
    case ChunkType::kEvents:
    case ChunkType::kIndex:
    case ChunkType::kTrailer:
      return true;
  }
  return false;
}

// A fuzzer cannot guess checksums: its build takes any, so that it reaches what lies behind them.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
constexpr bool kVerifyChecksums = false;
#else
constexpr bool kVerifyChecksums = true;
#endif

// The header's digest is the seed of the payload's: no byte of a chunk is unguarded.
uint64_t Checksum(const char* chunk_header, std::string_view stored) {
  return XXH64(stored.data(), stored.size(), XXH64(chunk_header, kChecksumOffset, 0));
}

void EncodeHeader(const ChunkHeader& header, std::string* out) {
  PutU32(header.type, out);
  PutU32(header.flags, out);
  PutU32(header.stored_bytes, out);
  PutU32(header.raw_bytes, out);
  PutU32(header.count, out);
  PutU32(0, out);
  PutU64(header.first_event, out);
}

uint32_t PrefixChecksum(const char* prefix) {
  return static_cast<uint32_t>(XXH64(prefix, kPrefixChecksumOffset, 0));
}

}  // namespace

void PutU32(uint32_t value, std::string* out) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(value >> shift));
}

void PutU64(uint64_t value, std::string* out) {
  for (int shift = 0; shift < 64; shift += 8) out->push_back(static_cast<char>(value >> shift));
}

uint32_t GetU32(const char* from) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

uint64_t GetU64(const char* from) {
  return static_cast<uint64_t>(GetU32(from + 4)) << 32 | GetU32(from);
}

std::string EncodePrefix(uint16_t major, uint16_t minor) {
  std::string out(kMagic);
  PutU32(static_cast<uint32_t>(minor) << 16 | major, &out);
  PutU32(PrefixChecksum(out.data()), &out);
  return out;
}

ChunkFile::ChunkFile() : zstd_(ZSTD_createDCtx()) {}

ChunkFile::~ChunkFile() {
  ZSTD_freeDCtx(zstd_);
  if (fd_ >= 0) close(fd_);
}

absl::Status ChunkFile::Open(const std::string& path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return absl::ErrnoToStatus(errno, "cannot open");
  struct stat st;
  if (fstat(fd_, &st) != 0) return absl::ErrnoToStatus(errno, "cannot stat");
  if (!S_ISREG(st.st_mode)) return absl::InvalidArgumentError("not a regular file");
  size_ = static_cast<uint64_t>(st.st_size);
  return absl::OkStatus();
}

absl::Status ChunkFile::ReadAt(uint64_t offset, size_t bytes, char* to) {
  while (bytes > 0) {
    ssize_t got = pread(fd_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read");
    if (got == 0) return absl::DataLossError("the file became shorter while it was read");
    offset += static_cast<uint64_t>(got);
    to += got;
    bytes -= static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

absl::Status ChunkFile::ReadPrefix(uint16_t* minor) {
  char prefix[kPrefixBytes] = {};
  size_t bytes = static_cast<size_t>(std::min<uint64_t>(size_, kPrefixBytes));
  if (auto status = ReadAt(0, bytes, prefix); !status.ok()) return status;
  if (std::memcmp(prefix, kMagic.data(), std::min(bytes, kMagic.size())) != 0 || bytes == 0) {
    return absl::DataLossError("not an iovt file (wrong magic)");
  }
  if (bytes < kPrefixBytes) return absl::DataLossError("the file ends inside its 16-byte prefix");
  if (kVerifyChecksums && GetU32(prefix + kPrefixChecksumOffset) != PrefixChecksum(prefix)) {
    return absl::DataLossError("the checksum of the prefix does not match");
  }
  uint32_t version = GetU32(prefix + kMagic.size());
  uint16_t major = static_cast<uint16_t>(version);
  *minor = static_cast<uint16_t>(version >> 16);
  if (major != kVersionMajor) {
    return absl::UnimplementedError(absl::StrCat("version ", major, ".", *minor,
                                                 " of the format; this program reads ",
                                                 kVersionMajor, ".x"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChunkHeader> ChunkFile::ReadHeader(uint64_t offset) {
  if (offset >= size_) return absl::OutOfRangeError("the file ends");
  if (size_ - offset < kChunkHeaderBytes) {
    return absl::DataLossError("the file ends inside a chunk header");
  }
  char bytes[kChunkHeaderBytes];
  if (auto status = ReadAt(offset, sizeof(bytes), bytes); !status.ok()) return status;
  ChunkHeader header;
  header.type = GetU32(bytes);
  header.flags = GetU32(bytes + 4);
  header.stored_bytes = GetU32(bytes + 8);
  header.raw_bytes = GetU32(bytes + 12);
  header.count = GetU32(bytes + 16);
  header.first_event = GetU64(bytes + 24);
  header.checksum = GetU64(bytes + kChecksumOffset);
  if (header.stored_bytes > kMaxChunkBytes || header.raw_bytes > kMaxChunkBytes) {
    return absl::DataLossError(absl::StrCat("chunk of ", header.stored_bytes, " stored and ",
                                            header.raw_bytes, " raw bytes, the limit is ",
                                            kMaxChunkBytes));
  }
  if (header.stored_bytes > size_ - offset - kChunkHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("the file ends inside a chunk of ", header.stored_bytes, " bytes"));
  }
  return header;
}

absl::Status ChunkFile::ReadPayload(uint64_t offset, const ChunkHeader& header, std::string* raw) {
  // The header is read again together with the payload, as it stands: the checksum covers both.
  stored_.resize(kChunkHeaderBytes + header.stored_bytes);
  if (auto status = ReadAt(offset, stored_.size(), stored_.data()); !status.ok()) return status;
  std::string_view payload = std::string_view(stored_).substr(kChunkHeaderBytes);
  if (kVerifyChecksums && Checksum(stored_.data(), payload) != header.checksum) {
    return absl::DataLossError("the checksum of the chunk does not match");
  }
  if (!IsKnownType(header.type)) {
    if (header.flags & kFlagCritical) {
      return absl::UnimplementedError("a chunk that needs a newer reader");
    }
    raw->clear();
    return absl::OkStatus();
  }
  if (header.flags & ~kKnownFlags) {
    return absl::UnimplementedError("a chunk with flags that need a newer reader");
  }
  if (!(header.flags & kFlagZstd)) {
    if (header.raw_bytes != header.stored_bytes) {
      return absl::DataLossError("an uncompressed chunk with two lengths");
    }
    raw->assign(payload);
    return absl::OkStatus();
  }
  raw->resize(header.raw_bytes);
  size_t got = ZSTD_decompressDCtx(zstd_, raw->data(), raw->size(), payload.data(), payload.size());
  if (ZSTD_isError(got) || got != header.raw_bytes) {
    return absl::DataLossError("the chunk does not decompress to the length it states");
  }
  return absl::OkStatus();
}

ChunkCompressor::ChunkCompressor() : zstd_(ZSTD_createCCtx()) {}

ChunkCompressor::~ChunkCompressor() { ZSTD_freeCCtx(zstd_); }

absl::StatusOr<std::string> ChunkCompressor::Encode(ChunkType type, std::string_view raw,
                                                    uint32_t count, uint64_t first_event,
                                                    bool compress, int level) {
  if (raw.size() > kMaxChunkBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chunk of ", raw.size(), " bytes, the limit is ", kMaxChunkBytes));
  }
  std::string packed;
  bool packed_is_smaller = false;
  if (compress) {
    packed.resize(ZSTD_compressBound(raw.size()));
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, level);
    size_t got = ZSTD_compress2(zstd_, packed.data(), packed.size(), raw.data(), raw.size());
    if (ZSTD_isError(got)) {
      return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(got)));
    }
    packed.resize(got);
    packed_is_smaller = got < raw.size();
  }
  std::string_view stored = packed_is_smaller ? std::string_view(packed) : raw;
  ChunkHeader header;
  header.type = static_cast<uint32_t>(type);
  header.flags = packed_is_smaller ? kFlagZstd : 0;
  header.stored_bytes = static_cast<uint32_t>(stored.size());
  header.raw_bytes = static_cast<uint32_t>(raw.size());
  header.count = count;
  header.first_event = first_event;
  std::string out;
  out.reserve(kChunkHeaderBytes + stored.size());
  EncodeHeader(header, &out);
  PutU64(Checksum(out.data(), stored), &out);
  out.append(stored);
  return out;
}

}  // namespace iovalid::traces
