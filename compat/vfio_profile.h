// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_VFIO_PROFILE_H_
#define IOVALID_COMPAT_VFIO_PROFILE_H_

#include "sim/errno.h"

namespace iovalid::compat {

// Behaviour of drivers/vfio (vfio_main.c, container.c, group.c, device_cdev.c) that differs between
// kernels or configurations.
struct VfioProfile {
  // SET_CONTAINER with an fd that is neither a container nor an iommufd.
  sim::Errno set_container_foreign_fd;
  bool has_iommufd;         // CONFIG_IOMMUFD: SET_CONTAINER accepts an iommufd, /dev/iommu exists
  bool has_cdev;            // CONFIG_VFIO_DEVICE_CDEV: /dev/vfio/devices/vfioN
  bool has_noiommu;         // CONFIG_VFIO_NOIOMMU
  // CONFIG_IOMMUFD_NOIOMMU: devices without an IOMMU have a cdev, noiommu-vfioN.
  bool has_noiommu_cdev;
  // vfio_pin_pages asks for the driver's dma_unmap first.
  bool pin_needs_dma_unmap;
  // Every file of a no-IOMMU device needs CAP_SYS_RAWIO, not only the first.
  bool noiommu_rawio_each_open;
  bool cdev_knows_pasid;    // ATTACH and DETACH of a cdev take a PASID
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_VFIO_PROFILE_H_
