// SPDX-License-Identifier: Apache-2.0
// Pinning by IOVA for the drivers of emulated devices: vfio_iommu_type1_pin_pages, _unpin_pages,
// _register_device, vfio_notify_dma_unmap.
#include <algorithm>

#include "compat/type1/type1_iommu.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;
using sim::PageClass;
using sim::PageRun;

constexpr Rule kPinV1{"type1.pin_pages.v1", "vfio_iommu_type1_pin_pages",
                      "drivers can pin in type1 v2 containers only"};
constexpr Rule kPinCount{"type1.pin_pages.count", "vfio_iommu_type1_pin_pages",
                         "the number of pages is negative"};
constexpr Rule kPinWrap{"type1.pin_pages.wrap", "vfio_iommu_type1_pin_pages",
                        "the range passes the end of the 64-bit space"};
constexpr Rule kPinSuspended{"type1.pin_pages.suspended", "vfio_iommu_type1_pin_pages",
                             "a mapping is suspended (VADDR)"};
constexpr Rule kPinNoDevice{"type1.pin_pages.no_notifier", "vfio_iommu_type1_pin_pages",
                            "no device of the container can be told of an unmap"};
constexpr Rule kPinMissing{"type1.pin_pages.missing", "vfio_iommu_type1_pin_pages",
                           "a page of the range is not mapped"};
constexpr Rule kPinRights{"type1.pin_pages.rights", "vfio_iommu_type1_pin_pages",
                          "the mapping lacks a right that the driver asks for"};
constexpr Rule kPinMmGone{"type1.pin_pages.mm_gone", "vfio_pin_page_external",
                          "the address space of the mapping is gone"};
constexpr Rule kPinFault{"type1.pin_pages.fault", "vaddr_get_pfns", "the page can't be pinned"};
constexpr Rule kPinNoPage{"type1.pin_pages.no_page", "vfio_iommu_type1_pin_pages",
                          "the memory has no struct page: it is a device's"};
constexpr Rule kPinLimit{"type1.pin_pages.memlock", "vfio_pin_page_external",
                         "RLIMIT_MEMLOCK of the mapping's task is exceeded"};
constexpr Rule kPinAlloc{"type1.pin_pages.alloc", "vfio_add_to_pfn_list", "no memory for the pin"};
constexpr Rule kUnpinArgs{"type1.unpin_pages.args", "vfio_iommu_type1_unpin_pages",
                          "WARN: a v1 container, no pages, or a range beyond the end"};
constexpr Rule kUnpinMissing{"type1.unpin_pages.missing", "vfio_iommu_type1_unpin_pages",
                             "WARN: a page of the range is not mapped; the rest stays pinned"};

}  // namespace

void Type1Iommu::RegisterDevice(const Kernel& kernel, DeviceIndex device) {
  if (kernel.drivers[device].has_dma_unmap()) devices_.insert(devices_.begin(), device);
}

void Type1Iommu::UnregisterDevice(DeviceIndex device) { std::erase(devices_, device); }

bool Type1Iommu::HasGroup(GroupIndex group) const {
  return std::count(emulated_groups_.begin(), emulated_groups_.end(), group) != 0;
}

// vfio_pin_page_external: one page of a mapping at its user address. *charged: it now counts.
Outcome Type1Iommu::PinExternal(Call& call, Dma* dma, uint64_t vaddr, bool account,
                                sim::PageId* frame) {
  Kernel& kernel = call.kernel;
  sim::Mm* mm = kernel.mms[dma->mm];
  if (mm == nullptr) return Fail(Errno::kNODEV, kPinMmGone);
  const bool write = dma->rights & hwmodel::kWrite;
  vaddr &= sim::kPageMask;
  std::vector<PageRun> runs;
  const sim::PinResult pinned = sim::Point(kernel.hook, "pin_user_pages")
                                    ? sim::PinResult{0, Errno::kNOMEM}
                                    : mm->Pin(vaddr, 1, write, &runs);
  if (pinned.pages == 0) {
    PageRun device_memory;
    if (mm->FollowPfnmap(vaddr, 1, write, &device_memory).pages != 0) {
      return Fail(Errno::kINVAL, kPinNoPage);
    }
    return Fail(pinned.error == Errno::kOk ? Errno::kFAULT : pinned.error, kPinFault);
  }
  const PageRun& run = runs.front();
  *frame = run.first;
  if (account && run.cls == PageClass::kRam) {
    // __account_locked_vm, with the limit of the task that mapped.
    const uint64_t locked = kernel.mm_accounts[dma->mm].locked_vm;
    if (!dma->lock_cap && locked + 1 > kernel.tasks[dma->task].MemlockPages()) {
      mm->Unpin(run, write);
      return Fail(Errno::kNOMEM, kPinLimit);
    }
    Charge(kernel, dma, 1);
  }
  return Ok();
}

// vfio_unpin_page_external.
void Type1Iommu::UnpinExternal(Kernel& kernel, DmaId id, uint64_t iova, bool account) {
  ExternalPin* pin = external_.Find(id, iova);
  if (pin == nullptr || --pin->refs != 0) return;
  Dma& dma = dmas_[id];
  const PageClass cls = sim::ClassOf(pin->frame);
  kernel.releasers[dma.mm]->Unpin({pin->frame, 1, cls}, dma.rights & hwmodel::kWrite);
  external_.Remove(id, iova);
  if (account && cls == PageClass::kRam) Uncharge(kernel, &dma, 1);
}

Outcome Type1Iommu::PinPages(Call& call, GroupIndex group, uint64_t iova, int32_t npages,
                             unsigned rights, std::vector<sim::PageId>* frames) {
  const Type1Profile& profile = call.profile().type1;
  frames->clear();
  if (profile.pin_checks_range && npages <= 0) return Fail(Errno::kINVAL, kPinCount);
  if (!v2_) return Fail(Errno::kACCES, kPinV1);
  const uint64_t bytes = static_cast<uint64_t>(int64_t{npages}) << sim::kPageShift;
  if (profile.pin_checks_range && iova + (bytes - 1) < iova) {
    return Fail(Errno::kOVERFLOW, kPinWrap);
  }
  if (suspended_ != 0) {
    call.kernel.Warn(kPinSuspended);
    return Fail(Errno::kBUSY, kPinSuspended);
  }
  if (devices_.empty()) return Fail(Errno::kINVAL, kPinNoDevice);

  // With an IOMMU domain in the container every page is pinned and charged already.
  const bool account = domains_.empty();
  Outcome outcome = Ok();
  int32_t done = 0;
  for (; done < npages && outcome.ok(); done += outcome.ok()) {
    const uint64_t at = iova + uint64_t{static_cast<uint32_t>(done)} * sim::kPageSize;
    const DmaId id = index_.Find(at, sim::kPageSize);
    if (id == kNoDma) {
      outcome = Fail(Errno::kINVAL, kPinMissing);
      continue;
    }
    Dma& dma = dmas_[id];
    if ((dma.rights & rights) != rights) {
      outcome = Fail(Errno::kPERM, kPinRights);
      continue;
    }
    if (ExternalPin* known = external_.Find(id, at)) {
      ++known->refs;
      frames->push_back(known->frame);
      continue;
    }
    sim::PageId frame;
    outcome = PinExternal(call, &dma, dma.vaddr + (at - dma.iova), account, &frame);
    if (!outcome.ok()) continue;
    external_.Add(id, at, frame);
    if (call.AllocFails("alloc:vfio_pfn")) {
      UnpinExternal(call.kernel, id, at, account);
      outcome = Fail(Errno::kNOMEM, kPinAlloc);
      continue;
    }
    frames->push_back(frame);
    if (dirty_tracking_) SetDirty(&dma, at - dma.iova, 1);
  }
  if (!outcome.ok()) {
    for (int32_t undo = 0; undo < done; ++undo) {
      const uint64_t at = iova + uint64_t{static_cast<uint32_t>(undo)} * sim::kPageSize;
      UnpinExternal(call.kernel, index_.Find(at, sim::kPageSize), at, account);
    }
    frames->clear();
    return outcome;
  }
  // Whoever says which pages it writes is no longer taken to write all of them.
  if (DomainOf(group) != nullptr && std::count(pinning_groups_.begin(), pinning_groups_.end(),
                                               group) == 0) {
    pinning_groups_.push_back(group);
    --non_pinned_groups_;
  }
  return Ok(done);
}

void Type1Iommu::UnpinPages(Kernel& kernel, uint64_t iova, int32_t npages) {
  const bool checks = kernel.profile->type1.pin_checks_range;
  const uint64_t bytes = static_cast<uint64_t>(int64_t{npages}) << sim::kPageShift;
  if (!v2_ || (checks && (npages <= 0 || iova + (bytes - 1) < iova))) {
    kernel.Warn(kUnpinArgs);
    return;
  }
  const bool account = domains_.empty();
  for (int32_t i = 0; i < npages; ++i) {
    const uint64_t at = iova + uint64_t{static_cast<uint32_t>(i)} * sim::kPageSize;
    const DmaId id = index_.Find(at, sim::kPageSize);
    if (id == kNoDma) {
      kernel.Warn(kUnpinMissing);
      return;
    }
    UnpinExternal(kernel, id, at, account);
  }
}

// vfio_notify_dma_unmap: every device that can be told is, and gives back what it has there.
void Type1Iommu::NotifyUnmap(Kernel& kernel, uint64_t iova, uint64_t size) {
  for (DeviceIndex device : devices_) {
    kernel.unmap_notices.push_back({device, iova, size});
    for (const DriverPin& pin : kernel.drivers[device].TakeMeeting(iova, iova + (size - 1))) {
      UnpinPages(kernel, pin.iova, static_cast<int32_t>(pin.pages));
    }
  }
}

// vfio_iommu_unmap_unpin_reaccount: the last IOMMU domain leaves a container that keeps emulated
// devices. Only what drivers have pinned stays pinned and charged.
void Type1Iommu::Reaccount(Kernel& kernel) {
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    const DmaId id = index_.at(c);
    Uncharge(kernel, &dmas_[id], UnmapUnpin(kernel, id, &dmas_[id], domains_));
  }
}

}  // namespace iovalid::compat::type1
