// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_IOMMUFD_CONTEXT_H_
#define IOVALID_COMPAT_IOMMUFD_IOMMUFD_CONTEXT_H_

#include <cstdint>
#include <vector>

#include "compat/abi/vfio.h"
#include "compat/file.h"
#include "compat/iommufd/context_files.h"
#include "compat/iommufd/object_table.h"
#include "compat/kernel.h"
#include "compat/observation.h"
#include "compat/outcome.h"
#include "compat/slots.h"
#include "hwmodel/iommu.h"
#include "ioas/io_pagetable.h"
#include "ioas/machine.h"
#include "ioas/pages.h"
#include "sim/digest.h"
#include "sim/page_data.h"

namespace iovalid::compat {

// What /dev/iommu opens: struct iommufd_ctx of drivers/iommu/iommufd, with its objects. A value.
//
// It answers the native commands and those of a VFIO container. Devices come to it through VFIO.
class IommufdContext {
 public:
  // iommufd_fops_open. `mm_accounting`: opened through iommufd's own /dev/vfio/vfio, which charges
  // the address space rather than the user.
  explicit IommufdContext(bool mm_accounting) : mm_accounting_(mm_accounting) {}

  // iommufd_fops_ioctl. `files` are those of the caller.
  Outcome Ioctl(Call& call, uint32_t cmd, uint64_t arg, ContextFiles& files);

  // iommufd_fops_release: the last reference on the file is gone, and with it the devices are.
  void Release(Kernel& kernel);

  // --- for the files around it ---

  // iommufd_eventq_fops_release: the file of fault queue `object` is closed.
  void ReleaseFaultQueue(uint32_t object) { --objects_[object].users; }

  // iopt_revoke_notify for all importers: no domain shows memory of this dma-buf any more, for
  // good.
  void RevokeDmabuf(Kernel& kernel, uint32_t dmabuf);

  // The files that the context no longer holds (ContextFiles::HoldFile), one entry a reference. To
  // be asked after each Ioctl and after Release.
  std::vector<ioas::FileToken> TakeReleasedFiles() { return pages_.TakeReleasedFiles(); }

  // --- for VFIO ---

  // iommufd_vfio_compat_ioas_create: a group is put into this context. EINVAL in no-iommu mode.
  Outcome CompatCreateIoas(Call& call);
  // iommufd_vfio_compat_set_no_iommu: a no-iommu group is. EINVAL where there is an IOAS.
  Outcome CompatSetNoIommu(Call& call);
  // vfio_iommufd_device_has_compat_ioas.
  bool HasCompatIoas() const { return vfio_ioas_ != 0; }

  // iommufd_device_bind: *object_id is the new device object. `owner_token` names this context as
  // the owner of a group's DMA. EINVAL, EPERM, EBUSY, ENOMEM.
  Outcome BindDevice(Call& call, DeviceIndex device, uint64_t owner_token, uint32_t* object_id);
  // vfio_iommufd_physical_unbind: detaches it first where needed.
  void UnbindDevice(Kernel& kernel, uint32_t object_id);

  // vfio_iommufd_compat_attach_ioas: to the compatibility IOAS. ENODEV where there is none, and as
  // Attach.
  Outcome CompatAttach(Call& call, uint32_t device_object);
  // vfio_iommufd_physical_attach_ioas: attaches, or replaces what it is attached to. *pt_id: in, an
  // IOAS or a HWPT; out, the HWPT.
  Outcome Attach(Call& call, uint32_t device_object, uint32_t* pt_id);
  // vfio_iommufd_physical_detach_ioas. No effect on a device that is not attached.
  void Detach(Kernel& kernel, uint32_t device_object);
  bool attached(uint32_t device_object) const;

  // The same for an emulated device, whose driver uses the memory itself (access.cc).
  // vfio_iommufd_emulated_bind: *object_id is the new access object. ENOMEM.
  Outcome BindAccess(Call& call, DeviceIndex device, uint32_t* object_id);
  // vfio_iommufd_emulated_unbind.
  void UnbindAccess(Kernel& kernel, uint32_t access);
  // vfio_iommufd_compat_attach_ioas, vfio_iommufd_emulated_attach_ioas: to an IOAS, in place of the
  // one it is attached to. ENODEV, ENOENT, EADDRINUSE.
  Outcome CompatAttachAccess(Call& call, uint32_t access);
  Outcome AttachAccess(Call& call, uint32_t access, uint32_t ioas_id);
  // vfio_iommufd_emulated_detach_ioas. No effect while it is not attached.
  void DetachAccess(Kernel& kernel, uint32_t access);
  // iommufd_access_pin_pages, _unpin_pages and _rw, see ioas::IoPagetable. ENOENT while detached.
  Outcome PinAccess(Call& call, uint32_t access, uint64_t iova, int32_t npages, bool write,
                    std::vector<sim::PageId>* frames);
  void UnpinAccess(Kernel& kernel, uint32_t access, uint64_t iova, int32_t npages);
  Outcome RwAccess(Call& call, uint32_t access, sim::PageData& memory, uint64_t iova, void* data,
                   uint64_t bytes, bool write);

  // --- state, for observers ---

  // Of all IOASs together.
  sim::Digest mappings_digest() const;
  uint64_t mapped_bytes() const;
  sim::Digest usable_digest() const;
  uint64_t pinned_pages() const { return pages_.pinned(); }
  // Appends the mappings and usable ranges.
  void AddTo(StateSnapshot* snapshot) const;
  // The same of the compatibility IOAS alone, on which the VFIO commands work. There must be one.
  void AddVfioTo(StateSnapshot* snapshot) const;
  // Whether the domain shows the compatibility IOAS. There must be one.
  bool VfioHasDomain(hwmodel::DomainId domain) const;
  // The object id of the IOAS that a HWPT with this domain shows; 0 where none does.
  uint32_t IoasOfDomain(hwmodel::DomainId domain) const;
  bool IsCompatIoas(uint32_t ioas) const { return ioas == vfio_ioas_; }
  // Whether it has the compatibility IOAS and no other.
  bool HasOnlyCompatIoas() const;
  // Everything that later behaviour can depend on.
  sim::Digest IdentityDigest() const;

 private:
  // struct iommufd_ioas.
  struct Ioas {
    uint32_t id = 0;
    ioas::IoPagetable table;
    std::vector<uint32_t> hwpts;  // object ids, in the order of creation
  };
  void AddIoasTo(const Ioas& ioas, StateSnapshot* snapshot) const;
  // struct iommufd_hwpt_paging: a domain that shows an IOAS.
  struct Hwpt {
    uint32_t id = 0;
    uint32_t ioas = 0;  // object id
    hwmodel::DomainId domain = hwmodel::kNoDomain;
    bool auto_domain = false;  // made for a device, and goes with the last one
    bool enforce_cache_coherency = false;
    bool nest_parent = false;
    bool listed = false;  // in the IOAS and filled
    bool noiommu = false;  // its domain is one of software (iommufd_noiommu_ops)
    uint32_t fault = 0;   // object id of its fault queue; 0: none
  };
  // struct iommufd_device.
  struct BoundDevice {
    uint32_t id = 0;
    DeviceIndex device = 0;
    GroupIndex group = 0;
    bool enforce_cache_coherency = false;
    bool noiommu = false;  // nothing translates for it, and nobody claims its DMA
  };
  // struct iommufd_access: an emulated device.
  struct Access {
    uint32_t id = 0;
    DeviceIndex device = 0;
    uint32_t ioas = 0;  // object id; 0: not attached
  };
  // struct iommufd_group: what the devices of an IOMMU group that are bound here are attached to.
  struct BoundGroup {
    GroupIndex group = 0;
    uint32_t bound = 0;              // devices
    uint32_t hwpt = 0;               // object id; 0: none
    std::vector<uint32_t> attached;  // device objects
  };

  // The core's view of the kernel for one call; hands the WARNs over at its end.
  struct Core {
    explicit Core(Call& call) : Core(call.kernel, call.task_id) {}
    Core(Kernel& kernel_in, sim::TaskId task);
    ~Core();
    Kernel& kernel;
    ioas::Machine machine;
  };
  static Outcome From(const ioas::Result& result) {
    return result.ok() ? Ok() : Fail(result.err, *result.rule);
  }

  // objects.cc
  Outcome NewObject(Call& call, ObjectType type, uint32_t record, uint32_t* id);
  Outcome DestroyObject(Core& core, uint32_t id);
  void DestroyRecord(Core& core, uint32_t id);
  Outcome NewIoas(Call& call, uint32_t* id);
  Ioas* FindIoas(uint32_t id);
  const Ioas* FindIoas(uint32_t id) const {
    return const_cast<IommufdContext*>(this)->FindIoas(id);
  }
  Hwpt* FindHwpt(uint32_t id);
  BoundDevice& DeviceAt(uint32_t id) { return devices_[objects_[id].record]; }
  const BoundDevice& DeviceAt(uint32_t id) const { return devices_[objects_[id].record]; }
  Access& AccessAt(uint32_t id) { return accesses_[objects_[id].record]; }
  BoundGroup* FindGroup(GroupIndex group);
  const BoundGroup* FindGroup(GroupIndex group) const {
    return const_cast<IommufdContext*>(this)->FindGroup(group);
  }

  // access.cc
  friend class AccessCallbacks;
  Outcome ChangeIoas(Core& core, uint32_t access, uint32_t ioas_id);

  // vfio_compat.cc
  Outcome VfioIoctl(Call& call, uint32_t cmd, uint64_t arg);
  Outcome SetIommu(Call& call, uint64_t type);
  Outcome CheckExtension(const Call& call, uint64_t extension);
  Outcome MapDma(Call& call, uint64_t arg);
  Outcome UnmapDma(Call& call, uint64_t arg);
  // vfio_get_info.cc
  Outcome GetInfo(Call& call, uint64_t arg);

  // hwpt.cc
  Outcome NewHwpt(Call& call, Ioas& ioas, const BoundDevice& device, uint32_t flags,
                  bool immediate_attach, uint32_t* id);
  Outcome AttachHwpt(Call& call, const BoundDevice& device, Hwpt& hwpt);
  // Takes the device off its HWPT, whose object id is returned and still has this user.
  uint32_t DetachHwpt(Kernel& kernel, const BoundDevice& device);
  void PutHwpt(Core& core, uint32_t id);
  Outcome ReplaceHwpt(Call& call, const BoundDevice& device, Hwpt& hwpt, uint32_t* old);
  static Outcome CheckAttachHandle(Call& call, GroupIndex group, const Hwpt& hwpt, bool replace);
  Outcome EnforceReserved(Core& core, Ioas& ioas, DeviceIndex device);
  Outcome AttachOrReplace(Call& call, const BoundDevice& device, bool replace, Hwpt& hwpt,
                          uint32_t* put);
  Outcome AttachAuto(Call& call, const BoundDevice& device, bool replace, Ioas& ioas,
                     uint32_t* pt_id, uint32_t* put);

  // native_dispatch.cc and the native commands.
  friend struct NativeCommands;
  Outcome NativeIoctl(Call& call, uint32_t cmd, uint64_t arg, ContextFiles& files);

  bool mm_accounting_;
  bool no_iommu_mode_ = false;
  uint32_t vfio_ioas_ = 0;  // object id of the compatibility IOAS; 0: none
  ObjectTable objects_;
  Slots<Ioas> ioases_;
  Slots<Hwpt> hwpts_;
  Slots<BoundDevice> devices_;
  Slots<Access> accesses_;
  std::vector<BoundGroup> groups_;
  ioas::PagesStore pages_;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_IOMMUFD_CONTEXT_H_
