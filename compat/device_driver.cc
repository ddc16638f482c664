// SPDX-License-Identifier: Apache-2.0
// What VFIO offers to the driver of a device, besides its files: vfio_pin_pages, vfio_unpin_pages
// and vfio_dma_rw of drivers/vfio/vfio_main.c.
#include "compat/system.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kPinArgs{"driver.pin.args", "vfio_pin_pages",
                        "no pages are asked for, or the device is not open"};
constexpr Rule kPinTooMany{"driver.pin.too_many", "vfio_device_container_pin_pages",
                           "more than 512 pages (VFIO_PIN_PAGES_MAX_ENTRIES)"};
constexpr Rule kPinNoCallback{"driver.pin.no_dma_unmap", "vfio_pin_pages",
                              "the driver can't be told of an unmap (no dma_unmap)"};
constexpr Rule kNoBackend{"driver.no_backend", "vfio_device_container_pin_pages",
                          "the container's backend has no such operation (no-IOMMU)"};
constexpr Rule kNoAccess{"driver.no_access", "vfio_pin_pages",
                         "the device is bound to an iommufd as a physical one"};
constexpr Rule kRwArgs{"driver.dma_rw.args", "vfio_dma_rw",
                       "no bytes are asked for, or the device is not open"};
constexpr Rule kUnpinArgs{"driver.unpin.args", "vfio_unpin_pages",
                          "WARN: the device is not open, its driver can't pin, or the number of "
                          "pages is not from 1 to 512"};

// VFIO_PIN_PAGES_MAX_ENTRIES: page pointers in a page.
constexpr int32_t kMaxPages = 512;

}  // namespace

Outcome System::PinPages(sim::TaskId task, DeviceIndex device, uint64_t iova, int32_t npages,
                         unsigned rights, std::vector<sim::PageId>* frames) {
  Call call = Begin(task);
  frames->clear();
  const VfioDevice& vdev = devices_[device];
  if (npages == 0 || vdev.open_count == 0) return Fail(Errno::kINVAL, kPinArgs);
  EmulatedDriver& driver = kernel_.drivers[device];
  if (call.profile().vfio.pin_needs_dma_unmap && !driver.has_dma_unmap()) {
    return Fail(Errno::kINVAL, kPinNoCallback);
  }
  Outcome outcome;
  const VfioGroup& group = groups_[kernel_.group_of_device[device]];
  if (group.container != kNoIndex) {
    if (npages > kMaxPages) return Fail(Errno::kE2BIG, kPinTooMany);
    Container& container = containers_[group.container];
    if (!container.backend()) return Fail(Errno::kNOTTY, kNoBackend);
    outcome = container.mutable_backend().PinPages(call, kernel_.group_of_device[device], iova,
                                                   npages, rights, frames);
  } else if (vdev.iommufd != kNoIndex && IsEmulated(device)) {
    outcome = context(vdev.iommufd)
                  .PinAccess(call, vdev.iommufd_object, iova & sim::kPageMask, npages,
                             (rights & hwmodel::kWrite) != 0, frames);
    iova &= sim::kPageMask;
  } else {
    return Fail(Errno::kINVAL, kNoAccess);
  }
  if (outcome.ok() && npages > 0) driver.Add(iova, static_cast<uint32_t>(npages));
  return outcome;
}

Outcome System::UnpinPages(sim::TaskId task, DeviceIndex device, uint64_t iova, int32_t npages) {
  Call call = Begin(task);
  const VfioDevice& vdev = devices_[device];
  EmulatedDriver& driver = kernel_.drivers[device];
  const VfioGroup& group = groups_[kernel_.group_of_device[device]];
  if (vdev.open_count == 0 ||
      (call.profile().vfio.pin_needs_dma_unmap && !driver.has_dma_unmap())) {
    kernel_.Warn(kUnpinArgs);
    return Ok();
  }
  if (group.container != kNoIndex) {
    Container& container = containers_[group.container];
    if (npages <= 0 || npages > kMaxPages || !container.backend()) {
      kernel_.Warn(kUnpinArgs);
      return Ok();
    }
    container.mutable_backend().UnpinPages(kernel_, iova, npages);
  } else if (vdev.iommufd != kNoIndex && IsEmulated(device)) {
    iova &= sim::kPageMask;
    context(vdev.iommufd).UnpinAccess(kernel_, vdev.iommufd_object, iova, npages);
  }
  if (npages > 0) driver.Remove(iova, static_cast<uint32_t>(npages));
  return Ok();
}

Outcome System::DmaRw(sim::TaskId task, DeviceIndex device, sim::PageData& memory, uint64_t iova,
                      void* data, uint64_t bytes, bool write) {
  Call call = Begin(task);
  const VfioDevice& vdev = devices_[device];
  if (bytes == 0 || vdev.open_count == 0) return Fail(Errno::kINVAL, kRwArgs);
  const VfioGroup& group = groups_[kernel_.group_of_device[device]];
  if (group.container != kNoIndex) {
    Container& container = containers_[group.container];
    if (!container.backend()) return Fail(Errno::kNOTTY, kNoBackend);
    return container.mutable_backend().DmaRw(call, iova, data, bytes, write);
  }
  if (vdev.iommufd == kNoIndex || !IsEmulated(device)) return Fail(Errno::kINVAL, kNoAccess);
  return context(vdev.iommufd)
      .RwAccess(call, vdev.iommufd_object, memory, iova, data, bytes, write);
}

}  // namespace iovalid::compat
