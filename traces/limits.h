// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_LIMITS_H_
#define IOVALID_TRACES_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace iovalid::traces {

// What no valid trace exceeds. Readers check each before they allocate or index anything; writers
// refuse to write more. docs/trace-format.md lists the same numbers.

// One chunk, compressed or not, in bytes.
inline constexpr uint32_t kMaxChunkBytes = 16u << 20;
// One serialised Event or Header.
inline constexpr uint32_t kMaxEventBytes = 1u << 20;
inline constexpr uint32_t kMaxHeaderBytes = 1u << 20;
// Events in one chunk: each takes at least its length byte.
inline constexpr uint32_t kMaxEventsInChunk = kMaxChunkBytes;
// Entries of the index.
inline constexpr uint32_t kMaxIndexEntries = 1u << 19;
// A line of golden JSONL, and one `event { ... }` of a text trace, in bytes.
inline constexpr size_t kMaxLineBytes = 4u << 20;

// Bytes of a handle or object name, and of a path or any other string.
inline constexpr size_t kMaxNameBytes = 255;
inline constexpr size_t kMaxStringBytes = 4096;
// Devices and module parameters of a header.
inline constexpr int kMaxDevices = 256;
inline constexpr int kMaxModuleParameters = 256;
// Repeated fields of one event.
inline constexpr int kMaxFdFields = 1024;
inline constexpr int kMaxUserBuffers = 64;
inline constexpr int kMaxSpills = 4096;
inline constexpr int kMaxRuns = 65536;
inline constexpr int kMaxKept = 1024;
// One DMA transfer, in bytes.
inline constexpr uint64_t kMaxDmaBytes = 1u << 20;
// One mdev_pin, in pages.
inline constexpr int32_t kMaxPinPages = 1 << 20;

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_LIMITS_H_
