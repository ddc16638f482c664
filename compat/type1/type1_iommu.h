// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TYPE1_TYPE1_IOMMU_H_
#define IOVALID_COMPAT_TYPE1_TYPE1_IOMMU_H_

#include <cstdint>
#include <vector>

#include "compat/abi/vfio.h"
#include "compat/kernel.h"
#include "compat/observation.h"
#include "compat/outcome.h"
#include "compat/type1/dma_index.h"
#include "compat/type1/external_pins.h"
#include "compat/type1/iova_list.h"
#include "hwmodel/iommu.h"
#include "sim/arena.h"
#include "sim/digest.h"
#include "sim/mm.h"

namespace iovalid::compat::type1 {

// One mapping: struct vfio_dma. Sizes and addresses in bytes, counts in pages.
struct Dma {
  uint64_t iova = 0;
  uint64_t vaddr = 0;
  uint64_t size = 0;
  uint32_t rights = 0;         // hwmodel::Rights
  bool iommu_mapped = false;   // pinned and in the page tables
  bool lock_cap = false;       // CAP_IPC_LOCK of the task that mapped
  bool vaddr_invalid = false;  // suspended by UNMAP+VADDR
  bool has_reserved = false;   // holds pages that are never charged
  sim::TaskId task = 0;        // whose RLIMIT_MEMLOCK counts
  sim::MmId mm = 0;            // who is charged
  uint64_t locked_pages = 0;   // charged to `mm` for this mapping
  uint32_t bitmap = 0;         // index into Type1Iommu::bitmaps_ + 1; 0: none
};

// An IOMMU domain of the container and the groups in it: struct vfio_domain.
struct Domain {
  hwmodel::DomainId id = hwmodel::kNoDomain;
  bool enforce_cache_coherency = false;
  std::vector<GroupIndex> groups;  // newest first
};

// The backend of a container: struct vfio_iommu of drivers/vfio/vfio_iommu_type1.c. A value.
//
// Every operation that the kernel does under iommu->lock is one call here. Calls that take a `Call`
// run in the context of the calling task.
class Type1Iommu {
 public:
  // vfio_iommu_type1_open. `type` is the argument of SET_IOMMU: 1, 3 or 6.
  Type1Iommu(const Kernel& kernel, uint64_t type);

  // The answer of the driver to CHECK_EXTENSION while no container uses it (`iommu` null in
  // vfio_iommu_type1_check_extension).
  static int64_t CheckExtensionUnset(const KernelProfile& profile, uint64_t extension);

  // vfio_iommu_type1_ioctl.
  Outcome Ioctl(Call& call, uint32_t cmd, uint64_t arg);

  // vfio_iommu_type1_attach_group: puts the group into a domain, mapping what the container holds.
  // An emulated group needs no domain. EBUSY, EINVAL, EPERM, ENOMEM, EFAULT; then nothing changed.
  Outcome AttachGroup(Call& call, GroupIndex group);
  // vfio_iommu_type1_detach_group. Mappings go with the last group; with the last domain they are
  // taken out of the IOMMU.
  void DetachGroup(Kernel& kernel, GroupIndex group);
  // vfio_iommu_type1_release: all mappings and domains go.
  void Release(Kernel& kernel);

  // --- for the drivers of emulated devices ---

  // vfio_iommu_type1_register_device, _unregister_device: an open device whose driver can be told
  // of an unmap.
  void RegisterDevice(const Kernel& kernel, DeviceIndex device);
  void UnregisterDevice(DeviceIndex device);
  // vfio_iommu_type1_pin_pages: pins `npages` pages from byte address `iova` on for a driver of
  // `group`, whose device must have `rights` to them; ret = npages, *frames = the pages. EACCES,
  // EINVAL, EOVERFLOW, EBUSY, EPERM, ENODEV, EFAULT, ENOMEM; then nothing changed.
  Outcome PinPages(Call& call, GroupIndex group, uint64_t iova, int32_t npages, unsigned rights,
                   std::vector<sim::PageId>* frames);
  // vfio_iommu_type1_unpin_pages. Stops with a WARN at the first page that is not mapped.
  void UnpinPages(Kernel& kernel, uint64_t iova, int32_t npages);
  // vfio_iommu_type1_dma_rw: copies `bytes` bytes to or from the memory at byte address `iova`.
  // EBUSY, EINVAL, EPERM, EFAULT; what was copied before stays.
  Outcome DmaRw(Call& call, uint64_t iova, void* data, uint64_t bytes, bool write);

  // --- state, for observers ---
  bool v2() const { return v2_; }
  uint64_t dma_avail() const { return dma_avail_; }
  const IovaList& iova_list() const { return iova_list_; }
  const sim::Digest& usable_digest() const { return usable_; }
  const sim::Digest& mappings_digest() const { return mappings_; }
  // Bytes of all mappings together.
  uint64_t mapped_bytes() const { return mapped_bytes_; }
  // Dirty pages that a GET would report now; O(mappings) while tracking, else free.
  sim::Digest DirtyDigest() const;
  uint64_t charged_pages() const { return charged_pages_; }
  bool dirty_tracking() const { return dirty_tracking_; }
  // Appends the mappings, ascending, and what else a reader wants to see.
  void AddTo(StateSnapshot* snapshot) const;
  bool HasDomain(hwmodel::DomainId domain) const;
  // Everything that later behaviour can depend on, in a fixed order.
  sim::Digest IdentityDigest() const;

 private:
  // info.cc
  Outcome GetInfo(Call& call, uint64_t arg) const;
  int64_t CheckExtension(const KernelProfile& profile, uint64_t extension) const;
  // map.cc
  Outcome MapDma(Call& call, uint64_t arg);
  Outcome DoMap(Call& call, const abi::VfioIommuType1DmaMap& map);
  Outcome ResumeVaddr(Call& call, DmaId id, const abi::VfioIommuType1DmaMap& map);
  // unmap.cc
  Outcome UnmapDma(Call& call, uint64_t arg);
  Outcome DoUnmap(Call& call, abi::VfioIommuType1DmaUnmap* unmap, const abi::VfioBitmap& bitmap);
  Outcome SuspendVaddr(uint64_t first, uint64_t last, uint64_t* bytes);
  // pin_map.cc
  Outcome PinAndMap(Call& call, Dma* dma, uint64_t size);
  Outcome PinChunks(Call& call, DmaId id, Dma* dma, uint64_t size,
                    const std::vector<Domain>& domains, uint64_t* done);
  uint64_t UnmapUnpin(Kernel& kernel, DmaId id, Dma* dma, const std::vector<Domain>& domains);
  void RemoveDma(Kernel& kernel, DmaId id);
  void RemoveAll(Kernel& kernel);
  void Charge(Kernel& kernel, Dma* dma, uint64_t pages);
  void Uncharge(Kernel& kernel, Dma* dma, uint64_t pages);
  // external_pin.cc
  Outcome PinExternal(Call& call, Dma* dma, uint64_t vaddr, bool account, sim::PageId* frame);
  void UnpinExternal(Kernel& kernel, DmaId id, uint64_t iova, bool account);
  void NotifyUnmap(Kernel& kernel, uint64_t iova, uint64_t size);
  void Reaccount(Kernel& kernel);
  bool HasGroup(GroupIndex group) const;
  // dma_rw.cc
  Outcome DmaRwChunk(Call& call, uint64_t iova, uint8_t* data, uint64_t bytes, bool write,
                     uint64_t* copied);
  // attach.cc
  Outcome Replay(Call& call, const Domain& domain);
  Domain* DomainOf(GroupIndex group);
  void UpdatePageSizes(const Kernel& kernel);
  Outcome CheckConflicts(const Kernel& kernel, hwmodel::DomainId domain) const;
  void SetIovaList(IovaList list);
  // dirty.cc
  Outcome DirtyPages(Call& call, uint64_t arg);
  Outcome GetDirtyBitmap(Call& call, const abi::VfioIommuType1DirtyBitmapGet& range);
  Outcome CopyDirtyBitmap(Call& call, Dma* dma, uint64_t base_iova, uint64_t user_bitmap);
  Outcome StartTracking(Call& call);
  bool AllocBitmap(Call& call, Dma* dma);
  void FreeBitmap(Dma* dma);
  void MarkAllDirty();
  void MarkExternalDirty(DmaId id);
  void SetDirty(Dma* dma, uint64_t offset, uint64_t pages);
  static Outcome VerifyBitmapSize(uint64_t pages, uint64_t bytes);
  // Pages of `page_bytes` (any number) in a range of `bytes`.
  static uint64_t BitmapPages(uint64_t bytes, uint64_t page_bytes);

  unsigned PageShift() const { return static_cast<unsigned>(__builtin_ctzll(page_sizes_)); }
  uint64_t PageBytes() const { return uint64_t{1} << PageShift(); }

  bool v2_;
  bool nesting_;
  bool dirty_tracking_ = false;
  uint64_t dma_avail_;                      // an unsigned int in the kernel; wraps as one
  uint64_t page_sizes_ = sim::kPageMask;    // bitmap of bytes
  uint32_t suspended_ = 0;                  // vaddr_invalid_count
  uint32_t non_pinned_groups_ = 0;          // groups that never said what they dirty
  std::vector<Domain> domains_;             // newest first
  std::vector<GroupIndex> emulated_groups_;  // newest first
  std::vector<GroupIndex> pinning_groups_;   // of domains_: those with pinned_page_dirty_scope
  std::vector<DeviceIndex> devices_;         // newest first: device_list
  ExternalPins external_;
  IovaList iova_list_;
  DmaIndex index_;
  sim::Arena<Dma> dmas_;
  std::vector<std::vector<uint64_t>> bitmaps_;  // one bit a page, one word to spare
  sim::Digest mappings_;
  uint64_t mapped_bytes_ = 0;
  sim::Digest usable_;
  uint64_t charged_pages_ = 0;
  std::vector<sim::PageRun> runs_;  // scratch of a pin; empty between calls
};

}  // namespace iovalid::compat::type1

#endif  // IOVALID_COMPAT_TYPE1_TYPE1_IOMMU_H_
