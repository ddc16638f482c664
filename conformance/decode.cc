// SPDX-License-Identifier: Apache-2.0
#include "conformance/decode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "compat/abi/vfio.h"
#include "conformance/decode_tables.h"
#include "fmt/format.h"
#include "traces/errno_names.h"
#include "traces/ioctl_names.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;
using ByteSpan = std::span<const uint8_t>;

// `width` bytes at `offset`, little-endian; nothing where they lie beyond the end.
std::optional<uint64_t> Load(ByteSpan bytes, uint64_t offset, unsigned width) {
  if (offset > bytes.size() || bytes.size() - offset < width) return std::nullopt;
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= uint64_t{bytes[offset + i]} << (8 * i);
  return value;
}

std::string FlagNames(uint64_t value, std::span<const BitName> names) {
  std::string out;
  for (const BitName& name : names) {
    if ((value & name.bits) != name.bits) continue;
    if (!out.empty()) out += '|';
    out += name.name;
    value &= ~name.bits;
  }
  if (value != 0 || out.empty()) {
    if (!out.empty()) out += '|';
    out += value == 0 ? "0" : Hex(value);
  }
  return out;
}

std::string EnumName(uint64_t value, std::span<const BitName> names) {
  for (const BitName& name : names) {
    if (name.bits == value) return name.name;
  }
  return std::to_string(value);
}

std::string FeatureFlags(uint64_t value) {
  std::string out;
  if (value & abi::kVfioDeviceFeatureProbe) out += "PROBE|";
  if (value & abi::kVfioDeviceFeatureGet) out += "GET|";
  if (value & abi::kVfioDeviceFeatureSet) out += "SET|";
  out += EnumName(value & abi::kVfioDeviceFeatureMask, FeatureNames());
  constexpr uint64_t kKnown = abi::kVfioDeviceFeatureMask | abi::kVfioDeviceFeatureProbe |
                              abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet;
  if (value & ~kKnown) out += "|" + Hex(value & ~kKnown);
  return out;
}

std::string FormatField(const FieldLayout& field, uint64_t value) {
  switch (field.format) {
    case Format::kHex:
      return Hex(value);
    case Format::kDecimal:
      return std::to_string(value);
    case Format::kSigned:
      return std::to_string(static_cast<int32_t>(value));
    case Format::kFlags:
      return FlagNames(value, field.names);
    case Format::kEnum:
      return EnumName(value, field.names);
    case Format::kPageSizes:
      return PageSizes(value);
    case Format::kFeature:
      return FeatureFlags(value);
  }
  return Hex(value);
}

// A VfioBitmap at `offset`.
std::string Bitmap(ByteSpan bytes, uint64_t offset) {
  const auto pgsize = Load(bytes, offset, 8), size = Load(bytes, offset + 8, 8),
             data = Load(bytes, offset + 16, 8);
  if (!pgsize || !size || !data) return {};
  return fmt::format("bitmap={{pgsize={}, size={}, data={}}}", Hex(*pgsize), *size, Hex(*data));
}

std::string IovaRangeCap(ByteSpan bytes, uint64_t at) {
  const auto count = Load(bytes, at + 8, 4);
  std::string out = "IOVA_RANGE";
  for (uint64_t i = 0; count && i < *count; ++i) {
    const auto first = Load(bytes, at + 16 + 16 * i, 8), last = Load(bytes, at + 24 + 16 * i, 8);
    if (!first || !last) return out + " ...";
    out += ' ' + HexRange(*first, *last);
  }
  return out;
}

std::string ContainerCap(ByteSpan bytes, uint64_t at, uint64_t id, uint64_t version) {
  switch (id) {
    case abi::kVfioIommuType1InfoCapIovaRange:
      return IovaRangeCap(bytes, at);
    case abi::kVfioIommuType1InfoCapMigration: {
      const auto flags = Load(bytes, at + 8, 4), sizes = Load(bytes, at + 16, 8),
                 most = Load(bytes, at + 24, 8);
      if (!flags || !sizes || !most) return "MIGRATION ...";
      return fmt::format("MIGRATION flags={} pgsizes={} max_dirty_bitmap={}", Hex(*flags),
                         PageSizes(*sizes), Hex(*most));
    }
    case abi::kVfioIommuType1InfoDmaAvail: {
      const auto avail = Load(bytes, at + 8, 4);
      return avail ? fmt::format("DMA_AVAIL avail={}", *avail) : "DMA_AVAIL ...";
    }
    default:
      return fmt::format("capability {} version {}", id, version);
  }
}

std::string DeviceCap(ByteSpan bytes, uint64_t at, uint64_t id, uint64_t version) {
  if (id == abi::kVfioDeviceInfoCapPciAtomicComp) {
    return fmt::format("PCI_ATOMIC_COMP flags={}", Hex(Load(bytes, at + 8, 4).value_or(0)));
  }
  return fmt::format("capability {} version {}", id, version);
}

std::string RegionCap(ByteSpan bytes, uint64_t at, uint64_t id, uint64_t version) {
  if (id == abi::kVfioRegionInfoCapMsixMappable) return "MSIX_MAPPABLE";
  if (id == abi::kVfioRegionInfoCapSparseMmap) {
    std::string out = "SPARSE_MMAP";
    const uint64_t areas = Load(bytes, at + 8, 4).value_or(0);
    for (uint64_t i = 0; i < areas; ++i) {
      const auto offset = Load(bytes, at + 16 + 16 * i, 8), size = Load(bytes, at + 24 + 16 * i, 8);
      if (!offset || !size) return out + " ...";
      out += fmt::format(" [{} +{}]", Hex(*offset), Hex(*size));
    }
    return out;
  }
  if (id == abi::kVfioRegionInfoCapType) {
    return fmt::format("TYPE {}:{}", Load(bytes, at + 8, 4).value_or(0),
                       Load(bytes, at + 12, 4).value_or(0));
  }
  return fmt::format("capability {} version {}", id, version);
}

// Walks a capability chain: each link must lead forward, so that it ends.
template <typename Decode>
void DecodeChain(ByteSpan bytes, uint64_t at, Decode decode, std::vector<std::string>* parts) {
  uint64_t lowest = 8;
  while (at >= lowest) {
    const auto id = Load(bytes, at, 2), version = Load(bytes, at + 2, 2),
               next = Load(bytes, at + 4, 4);
    if (!id || !version || !next) return;
    parts->push_back(decode(bytes, at, *id, *version));
    lowest = at + 8;
    at = *next;
  }
}

void DecodeIrqData(ByteSpan bytes, std::span<const NamedFd> fds, std::vector<std::string>* parts) {
  const uint64_t flags = Load(bytes, 4, 4).value_or(0), count = Load(bytes, 16, 4).value_or(0);
  std::string out;
  if (flags & abi::kVfioIrqSetDataEventfd) {
    uint64_t named = 0;
    for (uint64_t i = 0; i < count; ++i) {
      const auto fd = Load(bytes, 20 + 4 * i, 4);
      if (!fd) break;
      for (const NamedFd& name : fds) {
        if (name.offset != 20 + 4 * i) continue;
        out += fmt::format("{}{}", out.empty() ? "" : ", ", name.name);
        ++named;
      }
    }
    if (named < count && named != 0) out += ", ...";
    if (named == 0 && count != 0) out = "-1";
    parts->push_back("eventfds=[" + out + "]");
  } else if (flags & abi::kVfioIrqSetDataBool) {
    for (uint64_t i = 0; i < std::min<uint64_t>(count, 64); ++i) {
      const auto byte = Load(bytes, 20 + i, 1);
      if (byte) out += *byte ? '1' : '0';
    }
    parts->push_back("bools=" + out);
  }
}

std::string BytesInHex(ByteSpan bytes) {
  std::string out;
  for (const uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 32))) {
    out += fmt::format("{:02x}", byte);
  }
  return bytes.size() > 32 ? out + "..." : out;
}

void DecodeFeature(ByteSpan bytes, std::vector<std::string>* parts) {
  const uint64_t flags = Load(bytes, 4, 4).value_or(0);
  if (bytes.size() <= 8) return;
  const uint64_t feature = flags & abi::kVfioDeviceFeatureMask;
  if (feature == abi::kVfioDeviceFeatureDmaBuf && bytes.size() >= 24) {
    std::string out = fmt::format("region={} open_flags={} ranges=", Load(bytes, 8, 4).value_or(0),
                                  Hex(Load(bytes, 12, 4).value_or(0)));
    const uint64_t ranges = Load(bytes, 20, 4).value_or(0);
    for (uint64_t i = 0; i < ranges; ++i) {
      const auto offset = Load(bytes, 24 + 16 * i, 8), length = Load(bytes, 32 + 16 * i, 8);
      if (!offset || !length) break;
      out += fmt::format("[{} +{}]", Hex(*offset), Hex(*length));
    }
    parts->push_back(out);
  } else {
    parts->push_back("data=" + BytesInHex(bytes.subspan(8)));
  }
}

void DecodeTail(Tail tail, ByteSpan bytes, std::span<const NamedFd> fds,
                std::vector<std::string>* parts) {
  const uint64_t flags = Load(bytes, 4, 4).value_or(0);
  switch (tail) {
    case Tail::kNone:
      return;
    case Tail::kContainerInfoCaps:
      if (flags & abi::kVfioIommuInfoCaps) {
        DecodeChain(bytes, Load(bytes, 16, 4).value_or(0), ContainerCap, parts);
      }
      return;
    case Tail::kDeviceInfoCaps:
      if (flags & abi::kVfioDeviceFlagsCaps) {
        DecodeChain(bytes, Load(bytes, 16, 4).value_or(0), DeviceCap, parts);
      }
      return;
    case Tail::kRegionInfoCaps:
      if (flags & abi::kVfioRegionInfoFlagCaps) {
        DecodeChain(bytes, Load(bytes, 12, 4).value_or(0), RegionCap, parts);
      }
      return;
    case Tail::kUnmapBitmap:
      if (flags & abi::kVfioDmaUnmapFlagGetDirtyBitmap && bytes.size() >= 48) {
        parts->push_back(Bitmap(bytes, 24));
      }
      return;
    case Tail::kDirtyGet:
      if (flags & abi::kVfioIommuDirtyPagesFlagGetBitmap && bytes.size() >= 48) {
        parts->push_back(fmt::format("iova={}, size={}, {}", Hex(*Load(bytes, 8, 8)),
                                     Hex(*Load(bytes, 16, 8)), Bitmap(bytes, 24)));
      }
      return;
    case Tail::kIrqData:
      DecodeIrqData(bytes, fds, parts);
      return;
    case Tail::kHotResetDevices:
      for (uint64_t i = 0; i < Load(bytes, 8, 4).value_or(0); ++i) {
        const auto id = Load(bytes, 12 + 8 * i, 4), segment = Load(bytes, 16 + 8 * i, 2),
                   bus = Load(bytes, 18 + 8 * i, 1), devfn = Load(bytes, 19 + 8 * i, 1);
        if (!id || !segment || !bus || !devfn) break;
        parts->push_back(fmt::format("{:04x}:{:02x}:{:02x}.{} id={}", *segment, *bus, *devfn >> 3,
                                     *devfn & 7, static_cast<int32_t>(*id)));
      }
      return;
    case Tail::kHotResetFds: {
      std::string out;
      for (uint64_t i = 0; i < Load(bytes, 8, 4).value_or(0); ++i) {
        const auto fd = Load(bytes, 12 + 4 * i, 4);
        if (!fd) break;
        std::string name = std::to_string(static_cast<int32_t>(*fd));
        for (const NamedFd& named : fds) {
          if (named.offset == 12 + 4 * i) name = named.name;
        }
        out += (out.empty() ? "" : ", ") + name;
      }
      parts->push_back("fds=[" + out + "]");
      return;
    }
    case Tail::kFeature:
      DecodeFeature(bytes, parts);
      return;
  }
}

}  // namespace

std::string Hex(uint64_t value) { return fmt::format("{:#x}", value); }

std::string HexRange(uint64_t first, uint64_t last) {
  return fmt::format("[{:#x}, {:#x}]", first, last);
}

std::string PageSizes(uint64_t bitmap) {
  constexpr std::array<const char*, 4> kUnits = {"", "K", "M", "G"};
  const uint64_t lowest = bitmap & (~bitmap + 1);
  if (bitmap == 0) return "0";
  const bool all_above = ~bitmap + 1 == lowest;
  std::string out;
  for (int bit = 0; bit < 64; ++bit) {
    if (!(bitmap >> bit & 1)) continue;
    if (bit >= 40) return Hex(bitmap);
    if (!out.empty()) out += '|';
    out += std::to_string(uint64_t{1} << (bit % 10)) + kUnits[bit / 10];
    if (all_above) return out + ".. (" + Hex(bitmap) + ")";
  }
  return out;
}

std::string_view CommandOf(const traces::Ioctl& ioctl) {
  const traces::IoctlName* named = traces::FindIoctl(ioctl.cmd());
  if (named != nullptr && named->nr == ioctl.nr()) return named->cmd;
  using traces::FdKind;
  std::array<FdKind, 4> order = {FdKind::kContainer, FdKind::kIommufd, FdKind::kGroup,
                                 FdKind::kDevice};
  switch (ioctl.fd().empty() ? '?' : ioctl.fd()[0]) {
    case 'g':
      std::swap(order[0], order[2]);
      break;
    case 'd':
      std::swap(order[0], order[3]);
      break;
    case 'i':
      std::swap(order[0], order[1]);
      break;
    default:
      break;
  }
  for (const FdKind kind : order) {
    const traces::IoctlName* by_number = traces::FindIoctl(ioctl.nr(), kind);
    if (by_number != nullptr) return by_number->cmd;
  }
  return {};
}

std::string CommandName(const traces::Ioctl& ioctl) {
  const std::string_view cmd = CommandOf(ioctl);
  return cmd.empty() ? "ioctl " + Hex(ioctl.nr()) : std::string(cmd);
}

std::string DecodedStruct::ToString() const {
  std::string out = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    out += fmt::format("{}{}={}", i == 0 ? "" : ", ", fields[i].name, fields[i].value);
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    out += fmt::format("{}{}", i == 0 && fields.empty() ? "" : ", ", parts[i]);
  }
  return out + "}";
}

DecodedStruct DecodeStruct(std::string_view cmd, ByteSpan bytes, std::span<const NamedFd> fds) {
  DecodedStruct out;
  const StructLayout* layout = LayoutOf(cmd);
  if (cmd == "VFIO_GROUP_GET_DEVICE_FD") {
    const auto end = std::find(bytes.begin(), bytes.end(), uint8_t{0});
    out.parts.push_back('"' + std::string(bytes.begin(), end) + '"');
    return out;
  }
  if (layout == nullptr) {
    out.parts.push_back(BytesInHex(bytes));
    return out;
  }
  for (const FieldLayout& field : layout->fields) {
    const auto value = Load(bytes, field.offset, field.width);
    if (!value) continue;
    std::string text = FormatField(field, *value);
    for (const NamedFd& fd : fds) {
      if (fd.offset == field.offset) text = fd.name;
    }
    out.fields.push_back({field.name, std::move(text)});
  }
  DecodeTail(layout->tail, bytes, fds, &out.parts);
  return out;
}

DecodedStruct DecodeChanges(std::string_view cmd, ByteSpan before, ByteSpan after,
                            std::span<const NamedFd> fds) {
  DecodedStruct old = DecodeStruct(cmd, before, fds), now = DecodeStruct(cmd, after, fds), out;
  for (size_t i = 0; i < now.fields.size(); ++i) {
    if (i >= old.fields.size() || !(old.fields[i] == now.fields[i])) {
      out.fields.push_back(now.fields[i]);
    }
  }
  if (now.parts != old.parts) out.parts = now.parts;
  return out;
}

std::vector<NamedFd> FdNames(const traces::Ioctl& ioctl) {
  std::vector<NamedFd> out;
  for (const traces::FdField& field : ioctl.fdfix()) out.push_back({field.offset(), field.name()});
  for (const traces::FdField& field : ioctl.fdout()) out.push_back({field.offset(), field.name()});
  return out;
}

std::string DecodeArgument(const traces::Ioctl& ioctl) {
  const std::string_view cmd = CommandOf(ioctl);
  switch (ioctl.argument_case()) {
    case traces::Ioctl::kPointer:
      return Hex(ioctl.pointer());
    case traces::Ioctl::kIn: {
      const ByteSpan bytes(reinterpret_cast<const uint8_t*>(ioctl.in().data()), ioctl.in().size());
      const DecodedStruct decoded = DecodeStruct(cmd, bytes, FdNames(ioctl));
      std::string out = decoded.fields.empty() && decoded.parts.size() == 1 ? decoded.parts[0]
                                                                            : decoded.ToString();
      if (ioctl.has_at()) out += " at " + Hex(ioctl.at());
      return out;
    }
    default:
      break;
  }
  const uint64_t value = static_cast<uint64_t>(ioctl.integer());
  if (cmd == "VFIO_CHECK_EXTENSION" || cmd == "VFIO_SET_IOMMU") {
    return EnumName(value, ExtensionNames());
  }
  return std::to_string(ioctl.integer());
}

}  // namespace iovalid::conformance
