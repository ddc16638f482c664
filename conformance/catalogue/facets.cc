// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/facets.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "compat/abi/vfio.h"
#include "traces/ioctl_names.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

struct NamedFacets {
  std::string_view name;
  Facets facets;
};
constexpr NamedFacets kNamed[] = {
    {"result", kResultFacet},
    {"mem", kMemFacet},
    {"spill", kSpillFacet},
    {"tail", kTailFacet},
    {"out", kOutFacets},
    {"mappings", kMappingsFacet},
    {"usable", kUsableFacet},
    {"charged", kChargedFacet},
    {"dirty", kDirtyFacet},
    {"files", kFilesFacet},
    {"attach", kAttachFacet},
    {"reach", kReachFacet},
    {"cap.migration", kMigrationCapFacet},
    {"cap.dma_avail", kDmaAvailCapFacet},
    {"data", kDataFacet},
    {"notices", kNoticesFacet},
    {"cap.iova_range", kIovaRangeCapFacet},
};

constexpr std::pair<std::string_view, uint32_t> kCalls[] = {
    {"ioctl", kAnyIoctl}, {"open", kOpenCall},    {"close", kCloseCall},    {"dup", kDupCall},
    {"mmap", kMapCall},   {"munmap", kUnmapCall}, {"device_dma", kDmaCall},
    {"mdev_pin", kDriverPinCall}, {"mdev_unpin", kDriverUnpinCall}, {"mdev_rw", kDriverCopyCall},
};

bool Differs(std::span<const uint8_t> left, std::span<const uint8_t> right, size_t offset,
             size_t width) {
  for (size_t i = offset; i < std::min(offset + width, left.size()); ++i) {
    if (left[i] != right[i]) return true;
  }
  return false;
}

bool SameMem(const StepResult& left, const StepResult& right) {
  if (left.mem.size() != right.mem.size()) return false;
  for (size_t i = 0; i < left.mem.size(); ++i) {
    if (left.mem[i].changed != right.mem[i].changed) return false;
    if (left.mem[i].changed && left.mem[i].bytes != right.mem[i].bytes) return false;
  }
  return true;
}

bool SameSpill(const StepResult& left, const StepResult& right) {
  if (left.spill.size() != right.spill.size()) return false;
  for (size_t i = 0; i < left.spill.size(); ++i) {
    if (left.spill[i].addr != right.spill[i].addr) return false;
    if (left.spill[i].after != right.spill[i].after) return false;
  }
  return true;
}

// The capability of that id, its header without the offset of the next; empty where it is missing.
Bytes Capability(std::span<const uint8_t> info, uint16_t id) {
  abi::VfioIommuType1Info fixed;
  std::memcpy(&fixed, info.data(), sizeof(fixed));
  uint32_t at = fixed.cap_offset;
  // Each capability lies after the one before, so that this ends.
  for (uint32_t before = 0; at > before && at + sizeof(abi::VfioInfoCapHeader) <= info.size();) {
    abi::VfioInfoCapHeader header;
    std::memcpy(&header, &info[at], sizeof(header));
    if (header.id == id) {
      uint64_t end = at + sizeof(abi::VfioIommuType1InfoCapMigration);
      if (id == abi::kVfioIommuType1InfoDmaAvail) {
        end = at + sizeof(abi::VfioIommuType1InfoDmaAvail);
      } else if (id == abi::kVfioIommuType1InfoCapIovaRange) {
        abi::VfioIommuType1InfoCapIovaRange ranges;
        if (at + sizeof(ranges) > info.size()) return {};
        std::memcpy(&ranges, &info[at], sizeof(ranges));
        end = at + sizeof(ranges) + uint64_t{ranges.nr_iovas} * sizeof(abi::VfioIovaRange);
      }
      Bytes bytes(info.begin() + at, info.begin() + std::min<uint64_t>(end, info.size()));
      std::memset(&bytes[offsetof(abi::VfioInfoCapHeader, next)], 0, sizeof(header.next));
      return bytes;
    }
    before = at;
    at = header.next;
  }
  return {};
}

bool HasCapabilities(std::span<const uint8_t> info, const StepResult& result) {
  abi::VfioIommuType1Info fixed;
  if (result.err != sim::Errno::kOk || info.size() < sizeof(fixed)) return false;
  std::memcpy(&fixed, info.data(), sizeof(fixed));
  return result.out_changed && fixed.argsz >= sizeof(fixed) && fixed.cap_offset == sizeof(fixed);
}

Facets CapabilityFacets(std::span<const uint8_t> left, std::span<const uint8_t> right) {
  constexpr std::pair<uint16_t, Facets> kCaps[] = {
      {abi::kVfioIommuType1InfoCapMigration, kMigrationCapFacet},
      {abi::kVfioIommuType1InfoDmaAvail, kDmaAvailCapFacet},
      {abi::kVfioIommuType1InfoCapIovaRange, kIovaRangeCapFacet},
  };
  Facets facets = 0;
  for (const auto& [id, facet] : kCaps) {
    if (Capability(left, id) != Capability(right, id)) facets |= facet;
  }
  return facets;
}

}  // namespace

Facets FacetOf(Component component) {
  if (component < kFirstDeviceComponent) return kMappingsFacet << component;
  return StateDiff::IsAttach(component) ? kAttachFacet : kReachFacet;
}

uint32_t CallOf(const Step& step) {
  if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) return ioctl->nr;
  if (std::holds_alternative<OpenAction>(step.action)) return kOpenCall;
  if (std::holds_alternative<CloseAction>(step.action)) return kCloseCall;
  if (std::holds_alternative<DupAction>(step.action)) return kDupCall;
  if (std::holds_alternative<MapAction>(step.action)) return kMapCall;
  if (std::holds_alternative<UnmapAction>(step.action)) return kUnmapCall;
  if (std::holds_alternative<DmaAction>(step.action)) return kDmaCall;
  if (const auto* driver = std::get_if<DriverAction>(&step.action)) {
    if (driver->what == DriverAction::What::kPin) return kDriverPinCall;
    return driver->what == DriverAction::What::kUnpin ? kDriverUnpinCall : kDriverCopyCall;
  }
  return kOtherCall;
}

std::optional<uint32_t> CallNamed(std::string_view name) {
  for (const auto& [known, call] : kCalls) {
    if (known == name) return call;
  }
  const traces::IoctlName* ioctl = traces::FindIoctl(name);
  if (ioctl == nullptr) return std::nullopt;
  return ioctl->nr;
}

const StructLayout* LayoutOfCall(uint32_t call) {
  static const auto kLayouts = [] {
    std::vector<std::pair<uint32_t, const StructLayout*>> layouts;
    for (const traces::IoctlName& name : traces::IoctlNames()) {
      // Devices share numbers with containers.
      if (name.kind == traces::FdKind::kDevice) continue;
      if (const StructLayout* layout = LayoutOf(name.cmd)) layouts.emplace_back(name.nr, layout);
    }
    return layouts;
  }();
  for (const auto& [nr, layout] : kLayouts) {
    if (nr == call) return layout;
  }
  return nullptr;
}

std::optional<Facets> FacetsNamed(std::string_view name, const StructLayout* layout) {
  for (const NamedFacets& named : kNamed) {
    if (named.name == name) return named.facets;
  }
  if (layout == nullptr) return std::nullopt;
  for (size_t i = 0; i < layout->fields.size(); ++i) {
    if (layout->fields[i].name == name) return kFieldFacet << i;
  }
  return std::nullopt;
}

std::string FacetNames(Facets facets, const StructLayout* layout) {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out += ", ";
    out += name;
  };
  if ((facets & kResultFacet) != 0) add("result");
  if (layout != nullptr) {
    for (size_t i = 0; i < layout->fields.size(); ++i) {
      if ((facets & kFieldFacet << i) != 0) add(layout->fields[i].name);
    }
  }
  for (const NamedFacets& named : kNamed) {
    if (named.facets != kOutFacets && named.facets != kResultFacet &&
        (facets & named.facets) != 0) {
      add(named.name);
    }
  }
  return out;
}

std::span<const uint8_t> StructAfter(const Step& step, const StepResult& result) {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr || ioctl->argument != IoctlAction::Argument::kStruct) return {};
  if (result.out_changed) return result.out;
  return ioctl->in;
}

Facets OutcomeFacets(const Step& step, const StepResult& left, const StepResult& right) {
  Facets facets = 0;
  const bool same_result = left.err == right.err && left.returned_fd == right.returned_fd &&
                           (left.returned_fd || left.ret == right.ret);
  if (!same_result) facets |= kResultFacet;
  if (!SameMem(left, right)) facets |= kMemFacet;
  if (!SameSpill(left, right)) facets |= kSpillFacet;
  if (left.data != right.data) facets |= kDataFacet;
  if (left.notices != right.notices) facets |= kNoticesFacet;
  const std::span<const uint8_t> l = StructAfter(step, left), r = StructAfter(step, right);
  if (!Differs(l, r, 0, l.size())) return facets;
  size_t end = 0;
  if (const StructLayout* layout = LayoutOfCall(CallOf(step))) {
    for (size_t i = 0; i < layout->fields.size(); ++i) {
      const FieldLayout& field = layout->fields[i];
      end = std::max<size_t>(end, field.offset + field.width);
      if (Differs(l, r, field.offset, field.width)) facets |= kFieldFacet << i;
    }
  }
  if (CallOf(step) == abi::kVfioIommuGetInfo && HasCapabilities(l, left) &&
      HasCapabilities(r, right)) {
    return facets | CapabilityFacets(l, r);
  }
  if (end < l.size() && Differs(l, r, end, l.size() - end)) facets |= kTailFacet;
  return facets;
}

}  // namespace iovalid::conformance
