// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_EMULATED_DRIVER_H_
#define IOVALID_COMPAT_EMULATED_DRIVER_H_

#include <cstdint>
#include <vector>

#include "compat/system_config.h"
#include "sim/digest.h"

namespace iovalid::compat {

// One vfio_pin_pages request that a driver has not given back: `pages` pages from IOVA `iova` on.
struct DriverPin {
  uint64_t iova = 0;   // bytes
  uint32_t pages = 0;
  friend bool operator==(const DriverPin&, const DriverPin&) = default;
};

// One call of a driver's dma_unmap callback: the IOVAs [iova, iova + length) are about to go.
struct UnmapNotice {
  uint32_t device = 0;  // index into SystemConfig::devices
  uint64_t iova = 0;    // bytes
  uint64_t length = 0;  // bytes
  friend bool operator==(const UnmapNotice&, const UnmapNotice&) = default;
};

// The driver behind a device, as far as VFIO can see it: what it has pinned by IOVA, and what it
// does when VFIO asks for it back. A value.
class EmulatedDriver {
 public:
  EmulatedDriver() = default;
  explicit EmulatedDriver(DmaUnmap dma_unmap) : dma_unmap_(dma_unmap) {}

  // struct vfio_device_ops::dma_unmap is set.
  bool has_dma_unmap() const { return dma_unmap_ != DmaUnmap::kNone; }
  const std::vector<DriverPin>& pins() const { return pins_; }

  void Add(uint64_t iova, uint32_t pages) { pins_.push_back({iova, pages}); }
  // The driver gives back [iova, iova + pages): the newest request that holds all of it becomes
  // smaller. Nothing where there is none.
  void Remove(uint64_t iova, uint32_t pages);

  // dma_unmap: the requests that the driver gives back because they meet [first, last] (bytes,
  // inclusive), oldest first. They are the driver's no more.
  std::vector<DriverPin> TakeMeeting(uint64_t first, uint64_t last);
  // close_device: what it gives back when its device is closed. A driver that ignores dma_unmap
  // ignores this too, and forgets what it had.
  std::vector<DriverPin> TakeAtClose();

  sim::Digest IdentityDigest(uint64_t device) const;

 private:
  DmaUnmap dma_unmap_ = DmaUnmap::kNone;
  std::vector<DriverPin> pins_;  // oldest first
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_EMULATED_DRIVER_H_
