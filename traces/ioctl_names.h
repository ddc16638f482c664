// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_IOCTL_NAMES_H_
#define IOVALID_TRACES_IOCTL_NAMES_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace iovalid::traces {

// What kind of file an ioctl belongs to. Command words are shared between kinds: 0x3b71 is
// VFIO_IOMMU_MAP_DMA on a container and VFIO_DEVICE_PCI_HOT_RESET on a device. An iommufd used in
// place of a container also answers the container calls.
enum class FdKind : uint8_t { kContainer, kGroup, kDevice, kIommufd };

struct IoctlName {
  std::string_view cmd;
  uint32_t nr;
  FdKind kind;
};

// All ioctls of VFIO (linux/vfio.h) and iommufd (linux/iommufd.h) that the modelled kernels know,
// by number, then kind.
std::span<const IoctlName> IoctlNames();

// nullptr when there is none.
const IoctlName* FindIoctl(uint32_t nr, FdKind kind);
const IoctlName* FindIoctl(std::string_view cmd);

// "container", "group", "device", "iommufd".
std::string_view FdKindName(FdKind kind);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_IOCTL_NAMES_H_
