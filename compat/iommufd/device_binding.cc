// SPDX-License-Identifier: Apache-2.0
// Devices of a context: drivers/iommu/iommufd/device.c and drivers/vfio/iommufd.c.
#include <algorithm>

#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"

namespace iovalid::compat {

using sim::Errno;

// iommufd_device_bind. For a device without an IOMMU (iommufd_bind_noiommu) there is a group of its
// own and nothing to claim. The IOMMU driver always keeps caches coherent
// (IOMMU_CAP_CACHE_COHERENCY), so that check never fails here.
Outcome IommufdContext::BindDevice(Call& call, DeviceIndex device, uint64_t owner_token,
                                   uint32_t* object_id) {
  Kernel& kernel = call.kernel;
  if (call.AllocFails("alloc:iommufd_object")) {
    return Fail(Errno::kNOMEM, rules::kObjectAlloc);
  }
  const GroupIndex group = kernel.group_of_device[device];
  BoundGroup* bound = FindGroup(group);
  if (bound == nullptr && call.AllocFails("alloc:iommufd_group")) {
    return Fail(Errno::kNOMEM, rules::kBindAlloc);
  }
  const bool noiommu = kernel.groups[group].kind == DeviceKind::kNoIommu;
  if (!noiommu) {
    if (!kernel.isolated_msi && !kernel.parameters.allow_unsafe_interrupts) {
      return Fail(Errno::kPERM, rules::kBindUnsafeMsi);
    }
    const Errno claimed = kernel.ClaimDevice(device, owner_token);
    if (claimed != Errno::kOk) return Fail(claimed, rules::kBindOwner);
  }
  if (bound == nullptr) {
    groups_.push_back({.group = group, .attached = {}});
    bound = &groups_.back();
  }
  ++bound->bound;
  const uint32_t record = devices_.Add();
  const uint32_t id = objects_.Add(ObjectType::kDevice, record);
  objects_[id].users = 2;  // itself and VFIO, until it unbinds
  devices_[record] = {.id = id,
                      .device = device,
                      .group = group,
                      .enforce_cache_coherency = !noiommu && kernel.iommu.config().snoop_control,
                      .noiommu = noiommu};
  *object_id = id;
  return Ok();
}

void IommufdContext::UnbindDevice(Kernel& kernel, uint32_t object_id) {
  Detach(kernel, object_id);
  Core core(kernel, 0);
  DestroyRecord(core, object_id);
}

bool IommufdContext::attached(uint32_t device_object) const {
  const BoundGroup* group = FindGroup(DeviceAt(device_object).group);
  return std::find(group->attached.begin(), group->attached.end(), device_object) !=
         group->attached.end();
}

Outcome IommufdContext::CompatAttach(Call& call, uint32_t device_object) {
  if (vfio_ioas_ == 0) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  uint32_t pt_id = vfio_ioas_;
  return Attach(call, device_object, &pt_id);
}

// iommufd_device_change_pt.
Outcome IommufdContext::Attach(Call& call, uint32_t device_object, uint32_t* pt_id) {
  const BoundDevice device = DeviceAt(device_object);
  const bool replace = attached(device_object);
  const Object* target = objects_.Find(*pt_id);
  if (target == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  uint32_t put = 0;  // HWPT to be dropped when all is done
  Outcome outcome;
  switch (target->type) {
    case ObjectType::kHwptPaging:
      outcome = AttachOrReplace(call, device, replace, hwpts_[target->record], &put);
      break;
    case ObjectType::kIoas:
      outcome = AttachAuto(call, device, replace, ioases_[target->record], pt_id, &put);
      break;
    default:
      return Fail(Errno::kINVAL, rules::kAttachKind);
  }
  if (!outcome.ok()) return outcome;
  if (put != 0) {
    Core core(call);
    PutHwpt(core, put);
  }
  if (!replace) ++objects_[device_object].users;
  return outcome;
}

void IommufdContext::Detach(Kernel& kernel, uint32_t device_object) {
  if (!attached(device_object)) return;
  const BoundDevice device = DeviceAt(device_object);
  Core core(kernel, 0);
  PutHwpt(core, DetachHwpt(kernel, device));
  --objects_[device_object].users;
}

}  // namespace iovalid::compat
