// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILES_H_
#define IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILES_H_

#include "compat/iommufd/iommufd_profile.h"

// The iommufd of each kernel, as data. Sources are functions of drivers/iommu/iommufd, headers
// (include/uapi/linux/iommufd.h), and recordings ("goldens").
namespace iovalid::compat {

// Not configured in the kernels that the recordings of 6.1 were made on.
inline constexpr IommufdProfile kIommufdProfile61 = {.present = false};

inline constexpr IommufdProfile kIommufdProfile612 = {
    .present = true,
    .last_command = 0x8e,              // main.c iommufd_ioctl_ops: FAULT_QUEUE_ALLOC
    .last_number = 0xa0,               // IOMMU_TEST_CMD (CONFIG_IOMMUFD_TEST); goldens native-edges
    .length_check_first = true,        // pages.c iopt_alloc_pages; goldens edges
    .has_noiommu = true,               // CONFIG_VFIO_NOIOMMU of the recorded kernel; goldens edges
    .knows_pasid = false,              // uapi iommufd.h
    .reports_ats_and_pasid = false,    // device.c iommufd_get_hw_info
    .bounds_invalidations = false,     // came with a later 6.12.y; recordings native-more
    .dirty_empty_range_fails = false,  // io_pagetable.c iommufd_check_iova_range
    .warns_without_rights = false,     // intel/iommu.c __domain_mapping: a quiet EINVAL
};

inline constexpr IommufdProfile kIommufdProfile73 = {
    .present = true,
    .last_command = 0x95,             // main.c iommufd_ioctl_ops: IOAS_NOIOMMU_GET_PA
    .last_number = 0xa0,              // IOMMU_TEST_CMD (CONFIG_IOMMUFD_TEST); goldens native-edges
    .length_check_first = false,      // pages.c iopt_alloc_user_pages; goldens edges
    .has_noiommu = true,              // CONFIG_VFIO_NOIOMMU of the recorded kernel; goldens edges
    .knows_pasid = true,              // uapi iommufd.h
    .reports_ats_and_pasid = true,    // device.c iommufd_get_hw_info
    .has_noiommu_get_pa = true,       // CONFIG_IOMMUFD_NOIOMMU of the recorded kernel
    .bounds_invalidations = true,     // hw_pagetable.c iommufd_hwpt_invalidate
    .dirty_empty_range_fails = true,  // io_pagetable.c iommufd_check_iova_range
    .warns_without_rights = true,     // generic_pt/iommu_pt.h map_range
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILES_H_
