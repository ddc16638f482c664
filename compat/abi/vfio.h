// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_VFIO_H_
#define IOVALID_COMPAT_ABI_VFIO_H_

// The user ABI of VFIO (include/uapi/linux/vfio.h), x86-64. Layouts are those of the kernel; the
// names are the kernel's in this project's spelling: struct vfio_iommu_type1_dma_map is
// VfioIommuType1DmaMap.

#include "compat/abi/vfio_container.h"  // IWYU pragma: export
#include "compat/abi/vfio_device.h"     // IWYU pragma: export
#include "compat/abi/vfio_feature.h"    // IWYU pragma: export

#endif  // IOVALID_COMPAT_ABI_VFIO_H_
