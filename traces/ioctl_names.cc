// SPDX-License-Identifier: Apache-2.0
#include "traces/ioctl_names.h"

namespace iovalid::traces {
namespace {

constexpr FdKind kC = FdKind::kContainer;
constexpr FdKind kG = FdKind::kGroup;
constexpr FdKind kD = FdKind::kDevice;
constexpr FdKind kI = FdKind::kIommufd;

// All are _IO(';', n): no size and no direction in the word.
constexpr IoctlName kIoctls[] = {
    {"VFIO_GET_API_VERSION", 0x3b64, kC},
    {"VFIO_CHECK_EXTENSION", 0x3b65, kC},
    {"VFIO_SET_IOMMU", 0x3b66, kC},
    {"VFIO_GROUP_GET_STATUS", 0x3b67, kG},
    {"VFIO_GROUP_SET_CONTAINER", 0x3b68, kG},
    {"VFIO_GROUP_UNSET_CONTAINER", 0x3b69, kG},
    {"VFIO_GROUP_GET_DEVICE_FD", 0x3b6a, kG},
    {"VFIO_DEVICE_GET_INFO", 0x3b6b, kD},
    {"VFIO_DEVICE_GET_REGION_INFO", 0x3b6c, kD},
    {"VFIO_DEVICE_GET_IRQ_INFO", 0x3b6d, kD},
    {"VFIO_DEVICE_SET_IRQS", 0x3b6e, kD},
    {"VFIO_DEVICE_RESET", 0x3b6f, kD},
    {"VFIO_IOMMU_GET_INFO", 0x3b70, kC},
    {"VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", 0x3b70, kD},
    {"VFIO_IOMMU_MAP_DMA", 0x3b71, kC},
    {"VFIO_DEVICE_PCI_HOT_RESET", 0x3b71, kD},
    {"VFIO_IOMMU_UNMAP_DMA", 0x3b72, kC},
    {"VFIO_DEVICE_QUERY_GFX_PLANE", 0x3b72, kD},
    {"VFIO_IOMMU_ENABLE", 0x3b73, kC},
    {"VFIO_DEVICE_GET_GFX_DMABUF", 0x3b73, kD},
    {"VFIO_IOMMU_DISABLE", 0x3b74, kC},
    {"VFIO_DEVICE_IOEVENTFD", 0x3b74, kD},
    {"VFIO_IOMMU_DIRTY_PAGES", 0x3b75, kC},
    {"VFIO_DEVICE_FEATURE", 0x3b75, kD},
    {"VFIO_DEVICE_BIND_IOMMUFD", 0x3b76, kD},
    {"VFIO_DEVICE_ATTACH_IOMMUFD_PT", 0x3b77, kD},
    {"VFIO_DEVICE_DETACH_IOMMUFD_PT", 0x3b78, kD},
    {"VFIO_MIG_GET_PRECOPY_INFO", 0x3b79, kD},
    {"IOMMU_DESTROY", 0x3b80, kI},
    {"IOMMU_IOAS_ALLOC", 0x3b81, kI},
    {"IOMMU_IOAS_ALLOW_IOVAS", 0x3b82, kI},
    {"IOMMU_IOAS_COPY", 0x3b83, kI},
    {"IOMMU_IOAS_IOVA_RANGES", 0x3b84, kI},
    {"IOMMU_IOAS_MAP", 0x3b85, kI},
    {"IOMMU_IOAS_UNMAP", 0x3b86, kI},
    {"IOMMU_OPTION", 0x3b87, kI},
    {"IOMMU_VFIO_IOAS", 0x3b88, kI},
    {"IOMMU_HWPT_ALLOC", 0x3b89, kI},
    {"IOMMU_GET_HW_INFO", 0x3b8a, kI},
    {"IOMMU_HWPT_SET_DIRTY_TRACKING", 0x3b8b, kI},
    {"IOMMU_HWPT_GET_DIRTY_BITMAP", 0x3b8c, kI},
    {"IOMMU_HWPT_INVALIDATE", 0x3b8d, kI},
    {"IOMMU_FAULT_QUEUE_ALLOC", 0x3b8e, kI},
    {"IOMMU_IOAS_MAP_FILE", 0x3b8f, kI},
    {"IOMMU_VIOMMU_ALLOC", 0x3b90, kI},
    {"IOMMU_VDEVICE_ALLOC", 0x3b91, kI},
    {"IOMMU_IOAS_CHANGE_PROCESS", 0x3b92, kI},
    {"IOMMU_VEVENTQ_ALLOC", 0x3b93, kI},
    {"IOMMU_HW_QUEUE_ALLOC", 0x3b94, kI},
    {"IOMMU_IOAS_NOIOMMU_GET_PA", 0x3b95, kI},
};

}  // namespace

std::span<const IoctlName> IoctlNames() { return kIoctls; }

const IoctlName* FindIoctl(uint32_t nr, FdKind kind) {
  for (const IoctlName& ioctl : kIoctls) {
    if (ioctl.nr == nr && ioctl.kind == kind) return &ioctl;
  }
  return nullptr;
}

const IoctlName* FindIoctl(std::string_view cmd) {
  for (const IoctlName& ioctl : kIoctls) {
    if (ioctl.cmd == cmd) return &ioctl;
  }
  return nullptr;
}

std::string_view FdKindName(FdKind kind) {
  switch (kind) {
    case FdKind::kContainer:
      return "container";
    case FdKind::kGroup:
      return "group";
    case FdKind::kDevice:
      return "device";
    case FdKind::kIommufd:
      return "iommufd";
  }
  return "";
}

}  // namespace iovalid::traces
