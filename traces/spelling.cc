// SPDX-License-Identifier: Apache-2.0
#include "traces/spelling.h"

#include <charconv>
#include <iterator>

namespace iovalid::traces {
namespace {

constexpr std::string_view kKinds[] = {"unknown", "anon-private", "anon-shared", "memfd",
                                       "file-ro", "file-priv",    "file-rw",     "hugetlb",
                                       "thp",     "bar"};
static_assert(std::size(kKinds) == MemoryKind_ARRAYSIZE);
constexpr std::string_view kTouched[] = {"-", "w", "r", "?"};
static_assert(std::size(kTouched) == Touched_ARRAYSIZE);
constexpr std::string_view kModes[] = {"", "type1", "compat", "native", "compat-node"};
static_assert(std::size(kModes) == Mode_ARRAYSIZE);

constexpr std::string_view kDeviceKinds[] = {"iommu", "emulated", "none", "kernel-driver"};
static_assert(std::size(kDeviceKinds) == DeviceKind_ARRAYSIZE);
constexpr std::string_view kDmaUnmaps[] = {"none", "releases", "ignores"};
static_assert(std::size(kDmaUnmaps) == DmaUnmap_ARRAYSIZE);

template <typename Enum, size_t N>
std::string_view Spell(const std::string_view (&names)[N], Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < N ? names[index] : std::string_view("?");
}

template <typename Enum, size_t N>
std::optional<Enum> Find(const std::string_view (&names)[N], std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string ProtName(uint32_t prot) {
  std::string name;
  if (prot & 1) name += 'r';
  if (prot & 2) name += 'w';
  if (prot & 4) name += 'x';
  return name.empty() ? "none" : name;
}

std::optional<uint32_t> ProtFromName(std::string_view name) {
  for (uint32_t prot = 0; prot < 8; ++prot) {
    if (ProtName(prot) == name) return prot;
  }
  return std::nullopt;
}

std::string_view KindName(MemoryKind kind) { return Spell(kKinds, kind); }
std::optional<MemoryKind> KindFromName(std::string_view name) {
  return Find<MemoryKind>(kKinds, name);
}

std::string_view TouchedName(Touched touched) { return Spell(kTouched, touched); }
std::optional<Touched> TouchedFromName(std::string_view name) {
  return Find<Touched>(kTouched, name);
}

std::string_view ModeName(Mode mode) { return Spell(kModes, mode); }
std::optional<Mode> ModeFromName(std::string_view name) { return Find<Mode>(kModes, name); }

std::string_view DeviceKindName(DeviceKind kind) { return Spell(kDeviceKinds, kind); }
std::optional<DeviceKind> DeviceKindFromName(std::string_view name) {
  return Find<DeviceKind>(kDeviceKinds, name);
}

std::string_view DmaUnmapName(DmaUnmap dma_unmap) { return Spell(kDmaUnmaps, dma_unmap); }
std::optional<DmaUnmap> DmaUnmapFromName(std::string_view name) {
  return Find<DmaUnmap>(kDmaUnmaps, name);
}

void AppendHex(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const size_t start = out->size();
  out->resize(start + 2 * bytes.size());
  char* to = out->data() + start;
  for (const char c : bytes) {
    *to++ = kDigits[static_cast<unsigned char>(c) >> 4];
    *to++ = kDigits[static_cast<unsigned char>(c) & 15];
  }
}

bool BytesFromHex(std::string_view hex, std::string* out) {
  if (hex.size() % 2 != 0) return false;
  const size_t start = out->size();
  out->resize(start + hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) {
      out->resize(start);
      return false;
    }
    (*out)[start + i / 2] = static_cast<char>(high << 4 | low);
  }
  return true;
}

void AppendHexNumber(uint64_t value, std::string* out) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, 16);
  out->append("0x");
  out->append(digits, static_cast<size_t>(end.ptr - digits));
}

std::optional<uint64_t> HexNumber(std::string_view text) {
  if (text.size() < 3 || text.size() > 18 || text.substr(0, 2) != "0x") return std::nullopt;
  uint64_t value = 0;
  for (const char c : text.substr(2)) {
    const int digit = HexDigit(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return value;
}

}  // namespace iovalid::traces
