// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string_view>
#include <vector>

#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kInfoCopyIn{"pci.hot_reset_info.copy_in", "vfio_pci_ioctl_get_pci_hot_reset_info",
                           "the header cannot be read"};
constexpr Rule kInfoArgsz{"pci.hot_reset_info.argsz", "vfio_pci_ioctl_get_pci_hot_reset_info",
                          "argsz does not reach the end of count"};
constexpr Rule kInfoRootBus{"pci.hot_reset_info.root_bus", "pci_probe_reset_bus",
                            "no bridge above the function can reset its bus"};
constexpr Rule kInfoSpace{"pci.hot_reset_info.space", "vfio_pci_ioctl_get_pci_hot_reset_info",
                          "argsz does not hold all affected functions"};
constexpr Rule kInfoCopyOut{"pci.hot_reset_info.copy_out", "vfio_pci_ioctl_get_pci_hot_reset_info",
                            "the answer cannot be written"};
constexpr Rule kInfoNoMemory{"pci.hot_reset_info.no_memory",
                             "vfio_pci_ioctl_get_pci_hot_reset_info", "no memory for the list"};
constexpr Rule kCopyIn{"pci.hot_reset.copy_in", "vfio_pci_ioctl_pci_hot_reset",
                       "the header cannot be read"};
constexpr Rule kArgsz{"pci.hot_reset.argsz", "vfio_pci_ioctl_pci_hot_reset",
                      "argsz does not reach the end of count, or flags are set"};
constexpr Rule kCount{"pci.hot_reset.count", "vfio_pci_ioctl_pci_hot_reset",
                      "a group device needs groups, a cdev device none"};
constexpr Rule kRootBus{"pci.hot_reset.root_bus", "pci_probe_reset_bus",
                        "no bridge above the function can reset its bus"};
constexpr Rule kTooMany{"pci.hot_reset.too_many", "vfio_pci_ioctl_pci_hot_reset_groups",
                        "there are more groups than affected functions"};
constexpr Rule kNoMemory{"pci.hot_reset.no_memory", "vfio_pci_ioctl_pci_hot_reset_groups",
                         "no memory for the groups"};
constexpr Rule kCopyFds{"pci.hot_reset.copy_fds", "vfio_pci_ioctl_pci_hot_reset_groups",
                        "the group descriptors cannot be read"};
constexpr Rule kClosedFd{"pci.hot_reset.closed_fd", "vfio_pci_ioctl_pci_hot_reset_groups",
                         "a group descriptor is not open"};
constexpr Rule kNotGroup{"pci.hot_reset.not_group", "vfio_pci_ioctl_pci_hot_reset_groups",
                         "a descriptor is not a VFIO group"};
constexpr Rule kNotOwned{"pci.hot_reset.not_owned", "vfio_pci_dev_set_hot_reset",
                         "the caller does not own every affected function"};

// Where a function sits. Fields of "0000:01:02.0", all hexadecimal.
struct PciAddress {
  uint32_t segment = 0, bus = 0, slot = 0, function = 0;
};

PciAddress ParseAddress(std::string_view bdf) {
  // The configuration's addresses are checked where it is made; anything else reads as zeros.
  PciAddress a;
  const auto field = [&bdf](size_t first, size_t len) -> uint32_t {
    uint32_t value = 0;
    if (bdf.size() >= first + len) {
      std::from_chars(bdf.data() + first, bdf.data() + first + len, value, 16);
    }
    return value;
  };
  a.segment = field(0, 4);
  a.bus = field(5, 2);
  a.slot = field(8, 2);
  a.function = field(11, 1);
  return a;
}

// The functions that a reset of the bus takes along, in bus order (pci_walk_bus), or none where the
// bus is the root bus, above which there is no bridge to reset it.
std::vector<DeviceIndex> Affected(const DeviceCall& c) {
  std::vector<DeviceIndex> affected;
  const PciAddress own = ParseAddress(c.device.bdf);
  if (own.bus == 0) return affected;
  const std::vector<DeviceConfig>& all = c.environment.Devices();
  for (DeviceIndex i = 0; i < all.size(); ++i) {
    if (all[i].kind == DeviceKind::kEmulated) continue;  // no function of any bus
    const PciAddress a = ParseAddress(all[i].bdf);
    if (a.segment == own.segment && a.bus == own.bus) affected.push_back(i);
  }
  return affected;
}

}  // namespace

Outcome GetPciHotResetInfo(DeviceCall& c) {
  abi::VfioPciHotResetInfo hdr{};
  if (!c.call.CopyIn(c.arg, &hdr, sizeof(hdr))) return Fail(sim::Errno::kFAULT, kInfoCopyIn);
  if (hdr.argsz < sizeof(hdr)) return Fail(sim::Errno::kINVAL, kInfoArgsz);
  const std::vector<DeviceIndex> affected = Affected(c);
  if (affected.empty()) return Fail(sim::Errno::kNODEV, kInfoRootBus);

  hdr.flags = 0;
  hdr.count = static_cast<uint32_t>(affected.size());
  if (affected.size() > (hdr.argsz - sizeof(hdr)) / sizeof(abi::VfioPciDependentDevice)) {
    if (!c.call.CopyOut(c.arg, &hdr, sizeof(hdr))) return Fail(sim::Errno::kFAULT, kInfoCopyOut);
    return Fail(sim::Errno::kNOSPC, kInfoSpace);
  }
  if (c.call.AllocFails("alloc:hot_reset_devices")) return Fail(sim::Errno::kNOMEM, kInfoNoMemory);

  const bool cdev = c.environment.OpenedAsCdev();
  if (cdev) hdr.flags = abi::kVfioPciHotResetFlagDevId | abi::kVfioPciHotResetFlagDevIdOwned;
  std::vector<abi::VfioPciDependentDevice> devices;
  for (DeviceIndex i : affected) {
    const PciAddress a = ParseAddress(c.environment.Devices()[i].bdf);
    abi::VfioPciDependentDevice d{};
    d.id = cdev ? c.environment.HotResetDevId(i) : c.environment.GroupNumber(i);
    if (cdev && d.id == abi::kVfioPciDevidNotOwned) {
      hdr.flags &= ~abi::kVfioPciHotResetFlagDevIdOwned;
    }
    d.segment = static_cast<uint16_t>(a.segment);
    d.bus = static_cast<uint8_t>(a.bus);
    d.devfn = static_cast<uint8_t>(a.slot << 3 | a.function);
    devices.push_back(d);
  }
  const auto copy_header = [&] { return c.call.CopyOut(c.arg, &hdr, sizeof(hdr)); };
  const auto copy_devices = [&] {
    return c.call.CopyOut(c.arg + sizeof(hdr), devices.data(), devices.size() * sizeof(devices[0]));
  };
  const bool copied = c.profile().hot_reset_info_header_first ? copy_header() && copy_devices()
                                                              : copy_devices() && copy_header();
  if (!copied) return Fail(sim::Errno::kFAULT, kInfoCopyOut);
  return Ok();
}

Outcome PciHotReset(DeviceCall& c) {
  abi::VfioPciHotReset hdr{};
  if (!c.call.CopyIn(c.arg, &hdr, sizeof(hdr))) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (hdr.argsz < sizeof(hdr) || hdr.flags != 0) return Fail(sim::Errno::kINVAL, kArgsz);
  const bool cdev = c.environment.OpenedAsCdev();
  const bool wrong_count = (hdr.count != 0) == cdev;
  if (c.profile().hot_reset_checks_count_first && wrong_count) {
    return Fail(sim::Errno::kINVAL, kCount);
  }
  const std::vector<DeviceIndex> affected = Affected(c);
  if (affected.empty()) return Fail(sim::Errno::kNODEV, kRootBus);
  if (wrong_count) return Fail(sim::Errno::kINVAL, kCount);
  if (hdr.count > affected.size()) return Fail(sim::Errno::kINVAL, kTooMany);

  std::vector<int32_t> fds(hdr.count);
  if (hdr.count != 0) {
    if (c.call.AllocFails("alloc:hot_reset_groups")) return Fail(sim::Errno::kNOMEM, kNoMemory);
    if (!c.call.CopyIn(c.arg + sizeof(hdr), fds.data(), fds.size() * sizeof(fds[0]))) {
      return Fail(sim::Errno::kFAULT, kCopyFds);
    }
  }
  for (int fd : fds) {
    const FileKind kind = c.environment.KindOfFd(fd);
    if (kind == FileKind::kNone) return Fail(sim::Errno::kBADF, kClosedFd);
    if (kind != FileKind::kGroup) return Fail(sim::Errno::kINVAL, kNotGroup);
  }
  // vfio_pci_dev_set_hot_reset: dma-bufs are revoked device by device, until one is not owned.
  Outcome outcome = Ok();
  std::vector<DeviceIndex> moved;
  for (DeviceIndex i : affected) {
    bool owned = false;
    if (cdev) {
      owned = c.environment.HotResetDevId(i) != abi::kVfioPciDevidNotOwned;
    } else {
      for (int fd : fds) owned = owned || c.environment.GroupFdHasDevice(fd, i);
    }
    if (!owned) {
      outcome = Fail(sim::Errno::kINVAL, kNotOwned);
      break;
    }
    c.environment.MoveDmabufs(i, /*revoked=*/true);
    moved.push_back(i);
  }
  for (DeviceIndex i : moved) c.environment.MoveDmabufs(i, /*revoked=*/false);
  return outcome;
}

}  // namespace iovalid::compat::pci
