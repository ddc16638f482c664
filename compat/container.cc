// SPDX-License-Identifier: Apache-2.0
#include "compat/container.h"

#include <algorithm>

namespace iovalid::compat {

namespace {

using sim::Errno;
using type1::Type1Iommu;

constexpr Rule kUnset{"container.unset", "vfio_fops_unl_ioctl",
                      "no IOMMU type has been set on the container"};
constexpr Rule kSetNoGroup{"container.set_iommu.no_group", "vfio_ioctl_set_iommu",
                           "the container has no group"};
constexpr Rule kSetTwice{"container.set_iommu.twice", "vfio_ioctl_set_iommu",
                         "the container's IOMMU type has been set already"};
constexpr Rule kSetUnsupported{"container.set_iommu.unsupported", "vfio_ioctl_set_iommu",
                               "no backend takes this type"};
constexpr Rule kSetExtension{"container.set_iommu.extension", "vfio_iommu_type1_open",
                             "an extension that is no IOMMU type"};
constexpr Rule kSetAlloc{"container.set_iommu.alloc", "vfio_iommu_type1_open",
                         "no memory for the backend"};
constexpr Rule kExtension{"container.check_extension", "vfio_container_ioctl_check_extension",
                          "asked of the backend, or of all backends while none is set"};
constexpr Rule kNoIommuIoctl{"container.noiommu.ioctl", "vfio_noiommu_ioctl",
                             "without an IOMMU only CHECK_EXTENSION is answered"};
constexpr Rule kNoIommuRawio{"container.noiommu.rawio", "vfio_noiommu_open",
                             "no-IOMMU needs CAP_SYS_RAWIO"};
constexpr Rule kAttachRawio{"container.attach.rawio", "vfio_container_attach_group",
                            "a no-IOMMU group needs CAP_SYS_RAWIO"};
constexpr Rule kAttachMixed{"container.attach.mixed", "vfio_container_attach_group",
                            "groups with and without an IOMMU do not share a container"};
constexpr Rule kOwned{"container.attach.owned", "iommu_group_claim_dma_owner",
                      "the group's DMA belongs to somebody else"};

}  // namespace

Outcome Container::Ioctl(Call& call, uint32_t cmd, uint64_t arg) {
  switch (cmd) {
    case abi::kVfioGetApiVersion:
      return Ok(abi::kVfioApiVersion);
    case abi::kVfioCheckExtension:
      return CheckExtension(call, arg);
    case abi::kVfioSetIommu:
      return SetIommu(call, arg);
    default:
      if (noiommu_backend_) return Fail(Errno::kNOTTY, kNoIommuIoctl);
      if (!backend_) return Fail(Errno::kINVAL, kUnset);
      return backend_->Ioctl(call, cmd, arg);
  }
}

Outcome Container::CheckExtension(Call& call, uint64_t extension) {
  if (backend_) {
    Outcome outcome = backend_->Ioctl(call, abi::kVfioCheckExtension, extension);
    outcome.rule = &kExtension;
    return outcome;
  }
  // Both backends are asked, but once the container holds a group only the one that is for it.
  const bool noiommu_groups = noiommu_backend_ || noiommu(call.kernel);
  int64_t answer =
      noiommu_groups ? 0 : Type1Iommu::CheckExtensionUnset(call.profile(), extension);
  if (answer <= 0 && (groups_.empty() || noiommu_groups) && call.profile().vfio.has_noiommu) {
    answer = extension == abi::kVfioNoiommuIommu && call.kernel.parameters.enable_unsafe_noiommu;
  }
  return Ok(answer, &kExtension);
}

Outcome Container::SetIommu(Call& call, uint64_t type) {
  if (groups_.empty()) return Fail(Errno::kINVAL, kSetNoGroup);
  if (has_backend()) return Fail(Errno::kINVAL, kSetTwice);
  if (noiommu(call.kernel)) return SetNoIommu(call, type);
  if (Type1Iommu::CheckExtensionUnset(call.profile(), type) <= 0) {
    return Fail(Errno::kNODEV, kSetUnsupported);
  }
  if (type != abi::kVfioType1Iommu && type != abi::kVfioType1v2Iommu &&
      type != abi::kVfioType1NestingIommu) {
    return Fail(Errno::kINVAL, kSetExtension);
  }
  if (call.AllocFails("alloc:vfio_iommu")) return Fail(Errno::kNOMEM, kSetAlloc);
  backend_.emplace(call.kernel, type);
  // __vfio_container_attach_groups: newest group first, and back again where one fails.
  for (size_t i = 0; i < groups_.size(); ++i) {
    Outcome outcome = backend_->AttachGroup(call, groups_[i]);
    if (outcome.ok()) continue;
    while (i-- > 0) backend_->DetachGroup(call.kernel, groups_[i]);
    backend_->Release(call.kernel);
    backend_.reset();
    return outcome;
  }
  return Ok();
}

// The only backend for a container with no-IOMMU groups: vfio_noiommu_ops.
Outcome Container::SetNoIommu(Call& call, uint64_t type) {
  if (type != abi::kVfioNoiommuIommu || !call.kernel.parameters.enable_unsafe_noiommu) {
    return Fail(Errno::kNODEV, kSetUnsupported);
  }
  if (!call.task().Capable(sim::kCapSysRawio)) return Fail(Errno::kPERM, kNoIommuRawio);
  noiommu_backend_ = true;
  return Ok();
}

Outcome Container::AttachGroup(Call& call, GroupIndex group, uint64_t owner) {
  const DeviceKind kind = call.kernel.groups[group].kind;
  if (kind == DeviceKind::kNoIommu && !call.task().Capable(sim::kCapSysRawio)) {
    return Fail(Errno::kPERM, kAttachRawio);
  }
  if (!groups_.empty() && noiommu(call.kernel) != (kind == DeviceKind::kNoIommu)) {
    return Fail(Errno::kPERM, kAttachMixed);
  }
  if (kind == DeviceKind::kIommu) {
    const Errno claimed = call.kernel.ClaimGroup(group, owner);
    if (claimed != Errno::kOk) return Fail(claimed, kOwned);
  }
  if (backend_) {
    Outcome outcome = backend_->AttachGroup(call, group);
    if (!outcome.ok()) {
      if (kind == DeviceKind::kIommu) call.kernel.ReleaseGroup(group);
      return outcome;
    }
  }
  groups_.insert(groups_.begin(), group);
  ++refs;
  return Ok();
}

void Container::DetachGroup(Kernel& kernel, GroupIndex group) {
  if (backend_) backend_->DetachGroup(kernel, group);
  if (kernel.groups[group].kind == DeviceKind::kIommu) kernel.ReleaseGroup(group);
  groups_.erase(std::find(groups_.begin(), groups_.end(), group));
  if (groups_.empty()) {
    if (backend_) backend_->Release(kernel);
    backend_.reset();
    noiommu_backend_ = false;
  }
  --refs;
}

}  // namespace iovalid::compat
