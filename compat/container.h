// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_CONTAINER_H_
#define IOVALID_COMPAT_CONTAINER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "compat/kernel.h"
#include "compat/outcome.h"
#include "compat/type1/type1_iommu.h"

namespace iovalid::compat {

// struct vfio_container: what /dev/vfio/vfio of vfio opens. It lives until its file and all its
// groups have let go of it.
class Container {
 public:
  // vfio_fops_unl_ioctl.
  Outcome Ioctl(Call& call, uint32_t cmd, uint64_t arg);

  // vfio_container_attach_group: claims the DMA of a group behind an IOMMU for `owner` and, if the
  // container has a backend, attaches the group to it. Groups with and without an IOMMU don't mix.
  // EPERM, EBUSY, or the backend's errno; then nothing changed.
  Outcome AttachGroup(Call& call, GroupIndex group, uint64_t owner);
  // vfio_group_detach_container: the opposite. The backend goes with the last group.
  void DetachGroup(Kernel& kernel, GroupIndex group);

  // SET_IOMMU has been done: with type1, or with the backend that does nothing (vfio-noiommu).
  bool has_backend() const { return backend_.has_value() || noiommu_backend_; }
  // Type1, if that is the backend.
  type1::Type1Iommu& mutable_backend() { return *backend_; }
  const std::optional<type1::Type1Iommu>& backend() const { return backend_; }
  const std::vector<GroupIndex>& groups() const { return groups_; }

  uint32_t refs = 0;  // kref: the file and each group

 private:
  Outcome CheckExtension(Call& call, uint64_t extension);
  Outcome SetIommu(Call& call, uint64_t type);
  Outcome SetNoIommu(Call& call, uint64_t type);
  // Whether the groups are no-IOMMU groups; false for none.
  bool noiommu(const Kernel& kernel) const {
    return !groups_.empty() && kernel.groups[groups_.front()].kind == DeviceKind::kNoIommu;
  }

  std::vector<GroupIndex> groups_;  // newest first
  std::optional<type1::Type1Iommu> backend_;
  bool noiommu_backend_ = false;  // vfio-noiommu is the backend; never together with backend_
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_CONTAINER_H_
