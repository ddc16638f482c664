// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_VFIO_DEVICE_H_
#define IOVALID_COMPAT_VFIO_DEVICE_H_

#include <cstdint>

#include "compat/group.h"
#include "compat/kernel.h"
#include "compat/pci/vfio_pci_state.h"

namespace iovalid::compat {

// struct vfio_device, with the driver's part.
struct VfioDevice {
  uint32_t open_count = 0;           // files that have access
  FileIndex iommufd = kNoIndex;      // bound to this iommufd; holds a reference on the file
  uint32_t iommufd_object = 0;       // the device's object id there
  FileIndex group_file = kNoIndex;   // held while open through a group in a container
  VfioPciState pci;
};

// struct vfio_device_file: one open file of a device.
struct DeviceFile {
  DeviceIndex device = kNoIndex;
  bool through_group = false;        // GET_DEVICE_FD, rather than the cdev
  bool access_granted = false;
  FileIndex iommufd = kNoIndex;      // the group's at the time; no reference of its own
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_VFIO_DEVICE_H_
