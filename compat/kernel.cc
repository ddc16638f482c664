// SPDX-License-Identifier: Apache-2.0
#include "compat/kernel.h"

namespace iovalid::compat {

sim::Errno Kernel::ClaimGroup(GroupIndex group, uint64_t owner) {
  IommuGroup& g = groups[group];
  if (g.owner_count != 0) return sim::Errno::kPERM;
  if (g.domain != hwmodel::kNoDomain) return sim::Errno::kBUSY;
  g.owner_count = 1;
  g.owner = owner;
  return sim::Errno::kOk;
}

sim::Errno Kernel::ClaimDevice(DeviceIndex device, uint64_t owner) {
  IommuGroup& g = groups[group_of_device[device]];
  if (g.owner_count != 0 && g.owner != owner) return sim::Errno::kPERM;
  if (g.owner_count == 0 && g.domain != hwmodel::kNoDomain) return sim::Errno::kBUSY;
  ++g.owner_count;
  g.owner = owner;
  return sim::Errno::kOk;
}

void Kernel::ReleaseGroup(GroupIndex group) {
  IommuGroup& g = groups[group];
  if (g.owner_count > 0 && --g.owner_count == 0) SetGroupDomain(group, hwmodel::kNoDomain);
}

void Kernel::SetGroupDomain(GroupIndex group, hwmodel::DomainId domain) {
  IommuGroup& g = groups[group];
  g.domain = domain;
  for (DeviceIndex device : g.devices) {
    if (domain == hwmodel::kNoDomain) {
      iommu.Detach(device);
    } else {
      iommu.Attach(device, domain);
    }
  }
}

}  // namespace iovalid::compat
