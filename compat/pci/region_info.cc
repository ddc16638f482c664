// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.region.copy_in", "vfio_pci_ioctl_get_region_info",
                       "the argument cannot be read"};
constexpr Rule kArgsz{"pci.region.argsz", "vfio_pci_ioctl_get_region_info",
                      "argsz is below the size of vfio_region_info"};
constexpr Rule kIndex{"pci.region.index", "vfio_pci_ioctl_get_region_info",
                      "no region has this index"};
constexpr Rule kVga{"pci.region.vga", "vfio_pci_ioctl_get_region_info",
                    "the function is not a VGA controller"};
constexpr Rule kCopyOut{"pci.region.copy_out", "vfio_pci_ioctl_get_region_info",
                        "the answer cannot be written"};

constexpr uint32_t kReadWrite = abi::kVfioRegionInfoFlagRead | abi::kVfioRegionInfoFlagWrite;

}  // namespace

Outcome GetRegionInfo(DeviceCall& c) {
  abi::VfioRegionInfo info{};
  if (!c.call.CopyIn(c.arg, &info, sizeof(info))) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (info.argsz < sizeof(info)) return Fail(sim::Errno::kINVAL, kArgsz);

  const PciFunction& f = c.function();
  bool msix_mappable = false;
  if (info.index <= abi::kVfioPciBar5RegionIndex) {
    const PciBar& bar = f.bars[info.index];
    info.size = bar.size;
    info.flags = bar.size != 0 ? kReadWrite : 0;
    if (bar.Mappable()) {
      info.flags |= abi::kVfioRegionInfoFlagMmap;
      // Since the table may be mapped with the rest of its BAR, the program is told so.
      msix_mappable = f.msix_vectors != 0 && info.index == f.msix_bar;
    }
  } else if (info.index == abi::kVfioPciRomRegionIndex) {
    info.size = f.rom_size;
    info.flags = f.rom_size != 0 ? abi::kVfioRegionInfoFlagRead : 0;
  } else if (info.index == abi::kVfioPciConfigRegionIndex) {
    info.size = f.config_size;
    info.flags = kReadWrite;
  } else if (info.index == abi::kVfioPciVgaRegionIndex) {
    return Fail(sim::Errno::kINVAL, kVga);
  } else {
    return Fail(sim::Errno::kINVAL, kIndex);
  }
  info.offset = RegionOffset(info.index);

  // Without a capability cap_offset stays as the program left it.
  if (msix_mappable) {
    const abi::VfioInfoCapHeader cap{abi::kVfioRegionInfoCapMsixMappable, 1, 0};
    info.flags |= abi::kVfioRegionInfoFlagCaps;
    if (info.argsz < sizeof(info) + sizeof(cap)) {
      info.argsz = sizeof(info) + sizeof(cap);
      info.cap_offset = 0;
    } else {
      if (!c.call.CopyOut(c.arg + sizeof(info), &cap, sizeof(cap))) {
        return Fail(sim::Errno::kFAULT, kCopyOut);
      }
      info.cap_offset = sizeof(info);
    }
  }
  if (!c.call.CopyOut(c.arg, &info, sizeof(info))) return Fail(sim::Errno::kFAULT, kCopyOut);
  return Ok();
}

}  // namespace iovalid::compat::pci
