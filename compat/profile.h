// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PROFILE_H_
#define IOVALID_COMPAT_PROFILE_H_

#include <string_view>

#include "compat/iommufd/iommufd_profile.h"
#include "compat/pci/pci_profile.h"
#include "compat/type1/type1_profile.h"
#include "compat/vfio_profile.h"
#include "hwmodel/iommu_config.h"
#include "sim/memory_policy.h"

namespace iovalid::compat {

// One kernel version and configuration, as data: each field of the parts names a behaviour and is
// given with its source in profiles.cc. The models never ask for a version.
struct KernelProfile {
  std::string_view name;     // as the command line and traces name it: "7.3"
  std::string_view release;  // the recorded kernel: "7.3.4"
  VfioProfile vfio;          // container, group and device files
  Type1Profile type1;        // vfio_iommu_type1
  IommufdProfile iommufd;    // /dev/iommu and its VFIO compatibility
  sim::MemoryPolicy memory;  // GUP and anonymous memory
  PciProfile pci;            // vfio-pci
  hwmodel::DriverRules iommu;  // the VT-d driver
};

// The profile of a kernel series, "6.1", "6.12" or "7.3" (or any patch level of one, "7.3.4"), with
// static storage; null where there is none. `stock`: Debian's build, which has THP but neither
// iommufd nor cdevs, rather than the one built for the recordings. 6.1 exists as stock only.
const KernelProfile* FindProfile(std::string_view name, bool stock = false);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PROFILE_H_
