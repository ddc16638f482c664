// SPDX-License-Identifier: Apache-2.0
#include "conformance/side.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"
#include "hwmodel/iommu_config.h"

namespace iovalid::conformance {
namespace {

struct NamedMode {
  std::string_view name;
  Mode mode;
  traces::Mode in_header;
};
constexpr std::array<NamedMode, 4> kModes = {
    {{"type1", Mode::kType1, traces::TYPE1},
     {"compat", Mode::kCompat, traces::COMPAT},
     {"compat-node", Mode::kCompatNode, traces::COMPAT_NODE},
     {"native", Mode::kNative, traces::NATIVE}}};

// What the recorded machine's VT-d unit says of itself, for headers that do not give it.
constexpr uint64_t kDefaultCap = 0x00d2008c22260286;
constexpr uint64_t kDefaultEcap = 0xf42;

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(std::move(message)); }

hwmodel::IommuConfig BuildIommu(const traces::Hardware& hardware) {
  hwmodel::IommuConfig config;
  config.cap = hardware.has_cap() ? hardware.cap() : kDefaultCap;
  config.ecap = hardware.has_ecap() ? hardware.ecap() : kDefaultEcap;
  if (hardware.has_cap() && hardware.has_ecap()) {
    config = hwmodel::VtdConfig(config.cap, config.ecap);
  }
  if (hardware.aw_bits() != 0) {
    config.aw_bits = hardware.aw_bits();
    config.aperture_last =
        config.aw_bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << config.aw_bits) - 1;
  }
  if (hardware.has_aperture()) {
    config.aperture_first = hardware.aperture().first();
    config.aperture_last = hardware.aperture().last();
  }
  if (hardware.has_msi_window()) {
    config.msi_first = hardware.msi_window().first();
    config.msi_last = hardware.msi_window().last();
  }
  if (hardware.has_page_sizes()) config.page_sizes = hardware.page_sizes();
  if (hardware.has_caching_mode()) config.caching_mode = hardware.caching_mode();
  return config;
}

bool BehindIommu(const compat::DeviceConfig& device) {
  return device.kind == compat::DeviceKind::kIommu ||
         device.kind == compat::DeviceKind::kKernelDriver;
}

// How the device does DMA, and what its driver does about it.
absl::Status SetKind(const traces::Device& device, const compat::KernelProfile& profile,
                     compat::DeviceConfig* out) {
  switch (device.kind()) {
    case traces::EMULATED:
      out->kind = compat::DeviceKind::kEmulated;
      out->dma_unmap = compat::DmaUnmap::kReleases;
      break;
    case traces::NO_IOMMU:
      if (!profile.vfio.has_noiommu) {
        return Invalid("device " + Printable(device.name()) +
                       " has no IOMMU, and the kernel is built without that mode");
      }
      out->kind = compat::DeviceKind::kNoIommu;
      if (!profile.vfio.has_noiommu_cdev) out->cdev_path.clear();
      break;
    case traces::KERNEL_DRIVER:
      out->kind = compat::DeviceKind::kKernelDriver;
      out->cdev_path.clear();
      break;
    default:
      break;
  }
  if (!device.has_dma_unmap()) return absl::OkStatus();
  switch (device.dma_unmap()) {
    case traces::DRIVER_RELEASES:
      out->dma_unmap = compat::DmaUnmap::kReleases;
      break;
    case traces::DRIVER_IGNORES:
      out->dma_unmap = compat::DmaUnmap::kIgnores;
      break;
    default:
      out->dma_unmap = compat::DmaUnmap::kNone;
      break;
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view ModeName(Mode mode) {
  for (const NamedMode& named : kModes) {
    if (named.mode == mode) return named.name;
  }
  return "?";
}

traces::Mode HeaderMode(Mode mode) {
  for (const NamedMode& named : kModes) {
    if (named.mode == mode) return named.in_header;
  }
  return traces::MODE_UNSPECIFIED;
}

std::string Side::Name() const {
  return std::string(ModeName(mode)) + "@" + std::string(profile->name);
}

absl::StatusOr<Side> ParseSide(std::string_view text, std::string_view default_kernel) {
  const size_t at = text.find('@');
  const std::string_view mode_name = text.substr(0, at);
  const std::string_view kernel =
      at == std::string_view::npos ? default_kernel : text.substr(at + 1);
  Side side;
  bool known = false;
  for (const NamedMode& named : kModes) {
    if (named.name != mode_name) continue;
    side.mode = named.mode;
    known = true;
  }
  if (!known) {
    return Invalid("unknown mode '" + Printable(mode_name) +
                   "': there are type1, compat, compat-node, native");
  }
  side.profile = compat::FindProfile(kernel);
  if (side.profile == nullptr) {
    return Invalid("unknown kernel '" + Printable(kernel) + "': there are 6.1, 6.12, 7.3");
  }
  return side;
}

absl::StatusOr<Side> RecordedSide(const traces::Header& header) {
  Side side;
  const auto named =
      std::find_if(kModes.begin(), kModes.end(),
                   [&](const NamedMode& m) { return m.in_header == header.mode(); });
  if (named == kModes.end()) return Invalid("the header names no mode");
  side.mode = named->mode;
  side.profile = compat::FindProfile(header.kernel(), /*stock=*/header.config() == "stock");
  if (side.profile == nullptr) {
    return Invalid("recorded on kernel '" + Printable(header.kernel()) +
                   "', which is not modelled: there are 6.1, 6.12, 7.3");
  }
  return side;
}

void FitToTrace(const traces::Header& header, Side* left, Side* right) {
  if (header.config() != "stock") return;
  if (left->mode != Mode::kType1 || right->mode != Mode::kType1) return;
  for (Side* side : {left, right}) {
    side->profile = compat::FindProfile(side->profile->name, /*stock=*/true);
  }
}

absl::StatusOr<compat::SystemConfig> BuildSystemConfig(const traces::Header& header,
                                                       const Side& side) {
  compat::SystemConfig config;
  config.profile = side.profile;
  config.container_node = side.mode == Mode::kCompatNode ? compat::ContainerNode::kIommufd
                                                         : compat::ContainerNode::kType1;
  config.iommu = BuildIommu(header.hardware());
  const std::string_view error = hwmodel::ConfigError(config.iommu);
  if (!error.empty()) return Invalid("the header's IOMMU cannot be: " + std::string(error));
  config.interrupt_remapping = header.hardware().intremap();
  for (int i = 0; i < header.devices_size(); ++i) {
    const traces::Device& device = header.devices(i);
    compat::DeviceConfig out;
    out.name = device.name();
    out.bdf = device.bdf();
    out.group_path = GroupPath(device);
    out.cdev_path = CdevPath(device);
    out.group = 0;
    bool known = false;
    for (int other = 0; other < i && !known; ++other) {
      known = header.devices(other).group() == device.group();
      if (known) out.group = config.devices[other].group;
    }
    if (!known) {
      for (const compat::DeviceConfig& other : config.devices) {
        if (other.group >= out.group) out.group = other.group + 1;
      }
    }
    if (absl::Status status = SetKind(device, *side.profile, &out); !status.ok()) return status;
    for (const compat::DeviceConfig& other : config.devices) {
      if (other.group == out.group && !(BehindIommu(other) && BehindIommu(out))) {
        return Invalid("device " + Printable(device.name()) +
                       " shares a group with a device that is not behind an IOMMU");
      }
    }
    if (out.kind == compat::DeviceKind::kEmulated) {
      config.devices.push_back(std::move(out));
      continue;
    }
    absl::StatusOr<compat::PciFunction> pci =
        compat::PciFunctionForModel(device.model(), device.bar0_len(), static_cast<uint32_t>(i));
    if (!pci.ok()) {
      return Invalid("device " + Printable(device.name()) + ": " +
                     Printable(std::string(pci.status().message())));
    }
    out.pci = *std::move(pci);
    config.devices.push_back(std::move(out));
  }
  for (const traces::ModuleParameter& parameter : header.module_parameters()) {
    const bool on = parameter.value() == "1" || parameter.value() == "Y";
    if (parameter.name() == "allow_unsafe_interrupts") {
      config.parameters.allow_unsafe_interrupts = on;
    } else if (parameter.name() == "disable_hugepages") {
      config.parameters.disable_hugepages = on;
    } else if (parameter.name() == "enable_unsafe_noiommu_mode") {
      config.parameters.enable_unsafe_noiommu = on;
    }
  }
  return config;
}

}  // namespace iovalid::conformance
