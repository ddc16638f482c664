// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_VFIO_FEATURE_H_
#define IOVALID_COMPAT_ABI_VFIO_FEATURE_H_

#include <cstdint>

namespace iovalid::compat::abi {

// VFIO_DEVICE_FEATURE: the low 16 bits of the flags are the feature's index.
inline constexpr uint32_t kVfioDeviceFeatureMask = 0xffff;
inline constexpr uint32_t kVfioDeviceFeatureGet = 1u << 16;
inline constexpr uint32_t kVfioDeviceFeatureSet = 1u << 17;
inline constexpr uint32_t kVfioDeviceFeatureProbe = 1u << 18;

// Followed by the feature's own struct.
struct VfioDeviceFeature {
  uint32_t argsz;
  uint32_t flags;
};
static_assert(sizeof(VfioDeviceFeature) == 8);

inline constexpr uint32_t kVfioDeviceFeaturePciVfToken = 0;
inline constexpr uint32_t kVfioDeviceFeatureMigration = 1;
inline constexpr uint32_t kVfioDeviceFeatureMigDeviceState = 2;
inline constexpr uint32_t kVfioDeviceFeatureLowPowerEntry = 3;
inline constexpr uint32_t kVfioDeviceFeatureLowPowerEntryWithWakeup = 4;
inline constexpr uint32_t kVfioDeviceFeatureLowPowerExit = 5;
inline constexpr uint32_t kVfioDeviceFeatureDmaLoggingStart = 6;
inline constexpr uint32_t kVfioDeviceFeatureDmaLoggingStop = 7;
inline constexpr uint32_t kVfioDeviceFeatureDmaLoggingReport = 8;
inline constexpr uint32_t kVfioDeviceFeatureMigDataSize = 9;
inline constexpr uint32_t kVfioDeviceFeatureBusMaster = 10;
inline constexpr uint32_t kVfioDeviceFeatureDmaBuf = 11;
inline constexpr uint32_t kVfioDeviceFeatureMigPrecopyInfoV2 = 12;
inline constexpr uint32_t kVfioDeviceFeatureZpciError = 13;

struct VfioDeviceFeatureMigration {
  uint64_t flags;
};
static_assert(sizeof(VfioDeviceFeatureMigration) == 8);

struct VfioDeviceFeatureMigState {
  uint32_t device_state;
  int32_t data_fd;
};
static_assert(sizeof(VfioDeviceFeatureMigState) == 8);

struct VfioDeviceLowPowerEntryWithWakeup {
  int32_t wakeup_eventfd;
  uint32_t reserved;
};
static_assert(sizeof(VfioDeviceLowPowerEntryWithWakeup) == 8);

struct VfioDeviceFeatureDmaLoggingControl {
  uint64_t page_size;
  uint32_t num_ranges;
  uint32_t reserved;
  uint64_t ranges;  // user address of VfioDeviceFeatureDmaLoggingRange[]
};
static_assert(sizeof(VfioDeviceFeatureDmaLoggingControl) == 24);

struct VfioDeviceFeatureDmaLoggingRange {
  uint64_t iova;
  uint64_t length;  // bytes
};
static_assert(sizeof(VfioDeviceFeatureDmaLoggingRange) == 16);

struct VfioDeviceFeatureDmaLoggingReport {
  uint64_t iova;
  uint64_t length;  // bytes
  uint64_t page_size;
  uint64_t bitmap;  // user address
};
static_assert(sizeof(VfioDeviceFeatureDmaLoggingReport) == 32);

struct VfioDeviceFeatureBusMaster {
  uint32_t op;  // 0: clear, 1: set
};
static_assert(sizeof(VfioDeviceFeatureBusMaster) == 4);

struct VfioRegionDmaRange {
  uint64_t offset;  // bytes from the start of the region
  uint64_t length;  // bytes
};
static_assert(sizeof(VfioRegionDmaRange) == 16);

// Followed by `nr_ranges` VfioRegionDmaRange.
struct VfioDeviceFeatureDmaBuf {
  uint32_t region_index;
  uint32_t open_flags;  // of the new dma-buf fd, as open(2)
  uint32_t flags;
  uint32_t nr_ranges;
};
static_assert(sizeof(VfioDeviceFeatureDmaBuf) == 16);

}  // namespace iovalid::compat::abi

#endif  // IOVALID_COMPAT_ABI_VFIO_FEATURE_H_
