// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILE_H_
#define IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILE_H_

#include <cstdint>

namespace iovalid::compat {

// Behaviour of drivers/iommu/iommufd that differs between kernels or configurations.
struct IommufdProfile {
  bool present = false;  // CONFIG_IOMMUFD

  // /dev/iommu has commands from 0x80 up to this number.
  uint32_t last_command = 0;
  // It takes the numbers from 0x80 up to this one for its own: one without a command is ENOTTY, but
  // only after the size could be read. Numbers outside go to the VFIO compatibility.
  uint32_t last_number = 0;

  // A user range is looked at for its length (zero, or within a page of 2^64: EINVAL) before its
  // end (address + length passes 2^64: EOVERFLOW), or after it.
  bool length_check_first = false;

  // CHECK_EXTENSION and SET_IOMMU know VFIO_NOIOMMU_IOMMU (CONFIG_VFIO_NOIOMMU).
  bool has_noiommu = false;

  // IOMMU_HWPT_ALLOC_PASID and IOMMU_HW_INFO_FLAG_INPUT_TYPE exist.
  bool knows_pasid = false;
  // GET_HW_INFO says whether the device can not use ATS, and how many PASIDs it has.
  bool reports_ats_and_pasid = false;

  // CONFIG_IOMMUFD_NOIOMMU: IOAS_NOIOMMU_GET_PA can be asked.
  bool has_noiommu_get_pa = false;

  // HWPT_INVALIDATE refuses requests of more than a page each, and more than 2^19 of them.
  bool bounds_invalidations = false;

  // GET_DIRTY_BITMAP refuses an empty range.
  bool dirty_empty_range_fails = false;

  // The IOMMU driver WARNs about a mapping without rights, which only the VFIO compatibility lets
  // through to it.
  bool warns_without_rights = false;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_IOMMUFD_PROFILE_H_
