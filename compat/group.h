// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_GROUP_H_
#define IOVALID_COMPAT_GROUP_H_

#include <cstdint>

#include "compat/kernel.h"

namespace iovalid::compat {

// struct vfio_group: what /dev/vfio/N opens.
struct VfioGroup {
  FileIndex opened_file = kNoIndex;  // at most one
  uint32_t container = kNoIndex;     // SET_CONTAINER with a container
  uint32_t container_users = 0;  // 1 for the group and 1 for each device that is open through it
  FileIndex iommufd = kNoIndex;  // SET_CONTAINER with an iommufd; holds a reference on the file
  uint32_t cdev_opens = 0;       // devices of the group that are bound through their cdev

  bool HasIommu() const { return container != kNoIndex || iommufd != kNoIndex; }
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_GROUP_H_
