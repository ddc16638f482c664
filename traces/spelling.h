// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_SPELLING_H_
#define IOVALID_TRACES_SPELLING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "traces/trace.pb.h"

namespace iovalid::traces {

// How golden JSONL spells values; listings use the same words.

// "none", "r", "rw", "rwx", ...: bits 1, 2 and 4 are r, w and x.
std::string ProtName(uint32_t prot);
std::optional<uint32_t> ProtFromName(std::string_view name);

// "anon-private", "memfd", ...; KIND_UNKNOWN is "unknown".
std::string_view KindName(MemoryKind kind);
std::optional<MemoryKind> KindFromName(std::string_view name);

// "-", "w", "r", "?".
std::string_view TouchedName(Touched touched);
std::optional<Touched> TouchedFromName(std::string_view name);

// "type1", "compat", "native", "compat-node"; MODE_UNSPECIFIED is "".
std::string_view ModeName(Mode mode);
std::optional<Mode> ModeFromName(std::string_view name);

// "iommu", "emulated", "none".
std::string_view DeviceKindName(DeviceKind kind);
std::optional<DeviceKind> DeviceKindFromName(std::string_view name);

// "none", "releases", "ignores".
std::string_view DmaUnmapName(DmaUnmap dma_unmap);
std::optional<DmaUnmap> DmaUnmapFromName(std::string_view name);

// Lower-case digits, two a byte.
void AppendHex(std::string_view bytes, std::string* out);
// Appends the bytes to *out. False (and *out as it was) for an odd number of digits or a non-digit.
bool BytesFromHex(std::string_view hex, std::string* out);

// "0x" and lower-case digits without leading zeros.
void AppendHexNumber(uint64_t value, std::string* out);
// "0x" and 1 to 16 digits.
std::optional<uint64_t> HexNumber(std::string_view text);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_SPELLING_H_
