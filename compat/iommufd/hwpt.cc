// SPDX-License-Identifier: Apache-2.0
// HWPTs: the domains of an IOAS, and who is attached to them. drivers/iommu/iommufd/hw_pagetable.c
// and device.c.
#include <algorithm>

#include "compat/abi/iommufd.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"

namespace iovalid::compat {

using sim::Errno;

// iommufd_hwpt_paging_alloc: a new domain that shows all that the IOAS maps. With
// `immediate_attach` the device is attached to it before it is filled.
Outcome IommufdContext::NewHwpt(Call& call, Ioas& ioas, const BoundDevice& device, uint32_t flags,
                                bool immediate_attach, uint32_t* id) {
  const uint32_t record = hwpts_.Add();
  Outcome outcome = NewObject(call, ObjectType::kHwptPaging, record, id);
  if (!outcome.ok()) {
    hwpts_.Remove(record);
    return outcome;
  }
  ++objects_[ioas.id].users;
  Hwpt& hwpt = hwpts_[record];
  hwpt.id = *id;
  hwpt.ioas = ioas.id;
  hwpt.nest_parent = (flags & abi::kIommuHwptAllocNestParent) != 0;
  Core core(call);
  hwpt.noiommu = device.noiommu;
  if (!call.AllocFails("alloc:iommu_domain")) {
    hwmodel::Iommu& iommu = call.kernel.iommu;
    hwpt.domain = device.noiommu ? iommu.AllocSoftwareDomain() : iommu.AllocDomain();
  }
  if (hwpt.domain == hwmodel::kNoDomain) {
    DestroyRecord(core, *id);
    return Fail(Errno::kNOMEM, rules::kDomainAlloc);
  }
  // Before anything is mapped: entries may carry it.
  if (device.enforce_cache_coherency) {
    hwpt.enforce_cache_coherency = call.kernel.iommu.EnforceCacheCoherency(hwpt.domain);
  }
  if (immediate_attach) {
    outcome = AttachHwpt(call, device, hwpt);
    if (!outcome.ok()) {
      DestroyRecord(core, *id);
      return outcome;
    }
  }
  outcome = From(ioas.table.AddDomain(core.machine, pages_, hwpt.domain));
  if (!outcome.ok()) {
    if (immediate_attach) {
      DetachHwpt(call.kernel, device);
      --objects_[*id].users;
    }
    DestroyRecord(core, *id);
    return outcome;
  }
  hwpt.listed = true;
  ioas.hwpts.push_back(*id);
  return outcome;
}

// iopt_table_enforce_dev_resv_regions: of a VT-d device, the interrupt window (device_resv.c and
// intel_iommu_get_resv_regions; there are no RMRRs).
Outcome IommufdContext::EnforceReserved(Core& core, Ioas& ioas, DeviceIndex device) {
  const IommuGroup& group = core.kernel.groups[core.kernel.group_of_device[device]];
  if (group.kind == DeviceKind::kNoIommu) return Ok();
  const hwmodel::IommuConfig& config = core.kernel.iommu.config();
  return From(ioas.table.Reserve(core.machine, config.msi_first, config.msi_last,
                                 ioas::DeviceOwner(device)));
}

// iommufd_hwpt_attach_device, iommufd_hwpt_replace_device, up to the hardware. No device here can
// report page faults, but VT-d finds that out only after it has blocked the first device of the
// group, and nobody puts that right (intel_iommu_attach_device, __iommu_group_set_domain_internal).
// A device without an IOMMU goes through nothing of this, and takes any HWPT.
Outcome IommufdContext::CheckAttachHandle(Call& call, GroupIndex group, const Hwpt& hwpt,
                                          bool replace) {
  if (call.kernel.groups[group].kind == DeviceKind::kNoIommu) return Ok();
  if (call.AllocFails("alloc:iommufd_attach_handle")) {
    return Fail(Errno::kNOMEM, rules::kAttachAlloc);
  }
  if (hwpt.noiommu) {
    return replace ? Fail(Errno::kNODEV, rules::kReplaceNoIommu)
                   : Fail(Errno::kINVAL, rules::kAttachNoIommu);
  }
  if (hwpt.fault != 0) {
    const IommuGroup& members = call.kernel.groups[group];
    if (!members.led_by_bridge) call.kernel.iommu.Detach(members.devices.front());
    return Fail(Errno::kNODEV, rules::kAttachFaults);
  }
  return Ok();
}

// iommufd_hw_pagetable_attach. The first device of a group takes the whole group along; each
// further one must be attached to the same HWPT, and adds its own reserved regions.
Outcome IommufdContext::AttachHwpt(Call& call, const BoundDevice& device, Hwpt& hwpt) {
  BoundGroup& group = *FindGroup(device.group);
  const bool first = group.attached.empty();
  if (first && call.AllocFails("alloc:iommufd_attach")) {
    return Fail(Errno::kNOMEM, rules::kAttachAlloc);
  }
  if (attached(device.id)) return Fail(Errno::kBUSY, rules::kAttachTwice);
  if (!first && group.hwpt != hwpt.id) return Fail(Errno::kINVAL, rules::kAttachOther);
  Ioas& ioas = *FindIoas(hwpt.ioas);
  Core core(call);
  Outcome outcome = EnforceReserved(core, ioas, device.device);
  if (!outcome.ok()) return outcome;
  if (first) {
    outcome = CheckAttachHandle(call, device.group, hwpt, /*replace=*/false);
    if (!outcome.ok()) {
      ioas.table.RemoveReserved(ioas::DeviceOwner(device.device));
      return outcome;
    }
    if (!device.noiommu) call.kernel.SetGroupDomain(device.group, hwpt.domain);
    group.hwpt = hwpt.id;
  }
  ++objects_[hwpt.id].users;
  group.attached.push_back(device.id);
  return Ok();
}

// iommufd_hw_pagetable_detach.
uint32_t IommufdContext::DetachHwpt(Kernel& kernel, const BoundDevice& device) {
  BoundGroup& group = *FindGroup(device.group);
  const uint32_t id = group.hwpt;
  std::erase(group.attached, device.id);
  if (group.attached.empty()) {
    if (!device.noiommu) kernel.SetGroupDomain(device.group, hwmodel::kNoDomain);
    group.hwpt = 0;
  }
  FindIoas(FindHwpt(id)->ioas)->table.RemoveReserved(ioas::DeviceOwner(device.device));
  return id;
}

// iommufd_hw_pagetable_put: an automatic HWPT goes with its last user.
void IommufdContext::PutHwpt(Core& core, uint32_t id) {
  --objects_[id].users;
  if (FindHwpt(id)->auto_domain && objects_[id].users == 1) DestroyRecord(core, id);
}

// iommufd_device_do_replace: moves the whole group to `hwpt`. *old: the HWPT it was attached to,
// with one user left for the caller to put; 0 where nothing changed.
Outcome IommufdContext::ReplaceHwpt(Call& call, const BoundDevice& device, Hwpt& hwpt,
                                    uint32_t* old) {
  *old = 0;
  BoundGroup& group = *FindGroup(device.group);
  if (!attached(device.id)) return Fail(Errno::kINVAL, rules::kReplaceDetached);
  if (group.hwpt == hwpt.id) return Ok();
  Ioas& ioas = *FindIoas(hwpt.ioas);
  Ioas& old_ioas = *FindIoas(FindHwpt(group.hwpt)->ioas);
  const bool other_ioas = &ioas != &old_ioas;
  const auto remove_reserved = [&](Ioas& from) {
    for (uint32_t id : group.attached) {
      from.table.RemoveReserved(ioas::DeviceOwner(DeviceAt(id).device));
    }
  };
  Core core(call);
  if (other_ioas) {
    for (uint32_t id : group.attached) {
      Outcome outcome = EnforceReserved(core, ioas, DeviceAt(id).device);
      if (outcome.ok()) continue;
      remove_reserved(ioas);
      return outcome;
    }
  }
  Outcome outcome = CheckAttachHandle(call, device.group, hwpt, /*replace=*/true);
  if (!outcome.ok()) {
    // Also where `ioas` is the old one, which then has lost the reserved ranges of the group.
    remove_reserved(ioas);
    return outcome;
  }
  if (!device.noiommu) call.kernel.SetGroupDomain(device.group, hwpt.domain);
  if (other_ioas) remove_reserved(old_ioas);
  *old = group.hwpt;
  group.hwpt = hwpt.id;
  const uint32_t count = static_cast<uint32_t>(group.attached.size());
  objects_[hwpt.id].users += count;
  objects_[*old].users -= count - 1;
  return Ok();
}

// iommufd_device_do_attach, iommufd_device_do_replace.
Outcome IommufdContext::AttachOrReplace(Call& call, const BoundDevice& device, bool replace,
                                        Hwpt& hwpt, uint32_t* put) {
  *put = 0;
  return replace ? ReplaceHwpt(call, device, hwpt, put) : AttachHwpt(call, device, hwpt);
}

// iommufd_device_auto_get_domain: the first automatic HWPT of the IOAS that takes the device, or a
// new one. EINVAL means that a HWPT does not suit the device; any other error ends the search.
Outcome IommufdContext::AttachAuto(Call& call, const BoundDevice& device, bool replace, Ioas& ioas,
                                   uint32_t* pt_id, uint32_t* put) {
  for (uint32_t id : ioas.hwpts) {
    Hwpt& hwpt = *FindHwpt(id);
    if (!hwpt.auto_domain) continue;
    Outcome outcome = AttachOrReplace(call, device, replace, hwpt, put);
    if (outcome.err == Errno::kINVAL) continue;
    if (outcome.ok()) *pt_id = id;
    return outcome;
  }
  uint32_t id = 0;
  Outcome outcome = NewHwpt(call, ioas, device, 0, /*immediate_attach=*/!replace, &id);
  if (!outcome.ok()) return outcome;
  if (replace) {
    outcome = ReplaceHwpt(call, device, *FindHwpt(id), put);
    if (!outcome.ok()) {
      Core core(call);
      DestroyRecord(core, id);
      return outcome;
    }
  }
  FindHwpt(id)->auto_domain = true;
  *pt_id = id;
  return outcome;
}

}  // namespace iovalid::compat
