// SPDX-License-Identifier: Apache-2.0
// Emulated devices on an iommufd: struct iommufd_access of drivers/iommu/iommufd/device.c, and
// vfio_iommufd_emulated_bind and its like of drivers/vfio/iommufd.c.
#include "compat/iommufd/access.h"

#include "compat/iommufd/rules.h"

namespace iovalid::compat {

using sim::Errno;

// iommufd_access_ops::unmap of VFIO, vfio_emulated_unmap: the driver gives back what it has there.
void AccessCallbacks::Unmap(ioas::AccessToken access, uint64_t iova, uint64_t length) {
  const IommufdContext::Access& record = context_.AccessAt(access);
  EmulatedDriver& driver = core_.kernel.drivers[record.device];
  if (!driver.has_dma_unmap()) return;
  core_.kernel.unmap_notices.push_back({record.device, iova, length});
  IommufdContext::Ioas* ioas = context_.FindIoas(record.ioas);
  for (const DriverPin& pin : driver.TakeMeeting(iova, iova + (length - 1))) {
    ioas->table.UnpinAccess(core_.machine, context_.pages_, pin.iova,
                            uint64_t{pin.pages} << sim::kPageShift);
  }
}

// iommufd_access_create.
Outcome IommufdContext::BindAccess(Call& call, DeviceIndex device, uint32_t* object_id) {
  const uint32_t record = accesses_.Add();
  Outcome outcome = NewObject(call, ObjectType::kAccess, record, object_id);
  if (!outcome.ok()) {
    accesses_.Remove(record);
    return outcome;
  }
  objects_[*object_id].users = 2;  // itself and VFIO, until it unbinds
  accesses_[record] = {.id = *object_id, .device = device};
  return outcome;
}

// iommufd_access_destroy.
void IommufdContext::UnbindAccess(Kernel& kernel, uint32_t access) {
  DetachAccess(kernel, access);
  Core core(kernel, sim::kKernelThread);
  DestroyRecord(core, access);
}

// iommufd_access_change_ioas. The new IOAS is taken before the old one is let go of.
Outcome IommufdContext::ChangeIoas(Core& core, uint32_t access, uint32_t ioas_id) {
  Access& record = AccessAt(access);
  if (record.ioas == ioas_id) return Ok();
  if (ioas_id != 0) {
    const ioas::Result added = FindIoas(ioas_id)->table.AddAccess(core.machine, access);
    if (!added.ok()) return From(added);
    ++objects_[ioas_id].users;
  }
  if (record.ioas != 0) {
    AccessCallbacks(*this, core).Unmap(access, 0, ~uint64_t{0});
    FindIoas(record.ioas)->table.RemoveAccess(core.machine, access);
    --objects_[record.ioas].users;
  }
  record.ioas = ioas_id;
  return Ok();
}

Outcome IommufdContext::AttachAccess(Call& call, uint32_t access, uint32_t ioas_id) {
  if (FindIoas(ioas_id) == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  Core core(call);
  return ChangeIoas(core, access, ioas_id);
}

Outcome IommufdContext::CompatAttachAccess(Call& call, uint32_t access) {
  if (vfio_ioas_ == 0) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  return AttachAccess(call, access, vfio_ioas_);
}

void IommufdContext::DetachAccess(Kernel& kernel, uint32_t access) {
  Core core(kernel, sim::kKernelThread);
  (void)ChangeIoas(core, access, 0);
}

Outcome IommufdContext::PinAccess(Call& call, uint32_t access, uint64_t iova, int32_t npages,
                                  bool write, std::vector<sim::PageId>* frames) {
  Ioas* ioas = FindIoas(AccessAt(access).ioas);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kAccessDetached);
  Core core(call);
  // A negative number of pages is a length beyond any range.
  const uint64_t length = static_cast<uint64_t>(int64_t{npages}) << sim::kPageShift;
  Outcome outcome =
      From(ioas->table.PinAccess(core.machine, pages_, iova, length, write, frames));
  if (outcome.ok()) outcome.ret = npages;
  return outcome;
}

void IommufdContext::UnpinAccess(Kernel& kernel, uint32_t access, uint64_t iova, int32_t npages) {
  Core core(kernel, sim::kKernelThread);
  Ioas* ioas = FindIoas(AccessAt(access).ioas);
  if (ioas == nullptr) {
    core.machine.warnings.push_back(&rules::kUnpinDetached);
    return;
  }
  const uint64_t length = static_cast<uint64_t>(int64_t{npages}) << sim::kPageShift;
  ioas->table.UnpinAccess(core.machine, pages_, iova, length);
}

Outcome IommufdContext::RwAccess(Call& call, uint32_t access, sim::PageData& memory, uint64_t iova,
                                 void* data, uint64_t bytes, bool write) {
  Ioas* ioas = FindIoas(AccessAt(access).ioas);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kAccessDetached);
  Core core(call);
  return From(ioas->table.RwAccess(core.machine, pages_, memory, iova, data, bytes, write));
}

}  // namespace iovalid::compat
