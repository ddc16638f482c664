// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_VFIO_DEVICE_H_
#define IOVALID_COMPAT_ABI_VFIO_DEVICE_H_

#include <cstdint>

#include "compat/abi/ioctl.h"
#include "compat/abi/vfio_container.h"

namespace iovalid::compat::abi {

// --- device commands. Some numbers are also container commands: the kind of file decides. ---

inline constexpr uint32_t kVfioDeviceGetInfo = Ioctl(0x6b);
inline constexpr uint32_t kVfioDeviceGetRegionInfo = Ioctl(0x6c);
inline constexpr uint32_t kVfioDeviceGetIrqInfo = Ioctl(0x6d);
inline constexpr uint32_t kVfioDeviceSetIrqs = Ioctl(0x6e);
inline constexpr uint32_t kVfioDeviceReset = Ioctl(0x6f);  // no argument
inline constexpr uint32_t kVfioDeviceGetPciHotResetInfo = Ioctl(0x70);
inline constexpr uint32_t kVfioDevicePciHotReset = Ioctl(0x71);
inline constexpr uint32_t kVfioDeviceQueryGfxPlane = Ioctl(0x72);  // mdev only
inline constexpr uint32_t kVfioDeviceGetGfxDmabuf = Ioctl(0x73);   // mdev only
inline constexpr uint32_t kVfioDeviceIoeventfd = Ioctl(0x74);
inline constexpr uint32_t kVfioDeviceFeature = Ioctl(0x75);
inline constexpr uint32_t kVfioDeviceBindIommufd = Ioctl(0x76);      // cdev
inline constexpr uint32_t kVfioDeviceAttachIommufdPt = Ioctl(0x77);  // cdev
inline constexpr uint32_t kVfioDeviceDetachIommufdPt = Ioctl(0x78);  // cdev
inline constexpr uint32_t kVfioMigGetPrecopyInfo = Ioctl(0x79);      // migration data fd

// --- GET_INFO ---

inline constexpr uint32_t kVfioDeviceFlagsReset = 1u << 0;
inline constexpr uint32_t kVfioDeviceFlagsPci = 1u << 1;
inline constexpr uint32_t kVfioDeviceFlagsCaps = 1u << 7;

struct VfioDeviceInfo {
  uint32_t argsz;
  uint32_t flags;
  uint32_t num_regions;
  uint32_t num_irqs;
  uint32_t cap_offset;
  uint32_t pad;  // not in 6.1, where the struct ends with cap_offset
};
static_assert(sizeof(VfioDeviceInfo) == 24);

inline constexpr uint16_t kVfioDeviceInfoCapPciAtomicComp = 5;

struct VfioDeviceInfoCapPciAtomicComp {
  VfioInfoCapHeader header;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(VfioDeviceInfoCapPciAtomicComp) == 16);

// --- GET_REGION_INFO ---

inline constexpr uint32_t kVfioRegionInfoFlagRead = 1u << 0;
inline constexpr uint32_t kVfioRegionInfoFlagWrite = 1u << 1;
inline constexpr uint32_t kVfioRegionInfoFlagMmap = 1u << 2;
inline constexpr uint32_t kVfioRegionInfoFlagCaps = 1u << 3;

struct VfioRegionInfo {
  uint32_t argsz;
  uint32_t flags;
  uint32_t index;
  uint32_t cap_offset;
  uint64_t size;    // bytes
  uint64_t offset;  // of the region in the device fd
};
static_assert(sizeof(VfioRegionInfo) == 32);

inline constexpr uint16_t kVfioRegionInfoCapSparseMmap = 1;
inline constexpr uint16_t kVfioRegionInfoCapType = 2;
inline constexpr uint16_t kVfioRegionInfoCapMsixMappable = 3;  // a header without data

// Region indexes of vfio-pci; kVfioPciNumRegions is fixed, device-specific regions follow.
inline constexpr uint32_t kVfioPciBar0RegionIndex = 0;
inline constexpr uint32_t kVfioPciBar5RegionIndex = 5;
inline constexpr uint32_t kVfioPciRomRegionIndex = 6;
inline constexpr uint32_t kVfioPciConfigRegionIndex = 7;
inline constexpr uint32_t kVfioPciVgaRegionIndex = 8;
inline constexpr uint32_t kVfioPciNumRegions = 9;

// --- GET_IRQ_INFO, SET_IRQS ---

inline constexpr uint32_t kVfioIrqInfoEventfd = 1u << 0;
inline constexpr uint32_t kVfioIrqInfoMaskable = 1u << 1;
inline constexpr uint32_t kVfioIrqInfoAutomasked = 1u << 2;
inline constexpr uint32_t kVfioIrqInfoNoresize = 1u << 3;

struct VfioIrqInfo {
  uint32_t argsz;
  uint32_t flags;
  uint32_t index;
  uint32_t count;
};
static_assert(sizeof(VfioIrqInfo) == 16);

inline constexpr uint32_t kVfioIrqSetDataNone = 1u << 0;
inline constexpr uint32_t kVfioIrqSetDataBool = 1u << 1;     // one byte an interrupt
inline constexpr uint32_t kVfioIrqSetDataEventfd = 1u << 2;  // one int32_t an interrupt
inline constexpr uint32_t kVfioIrqSetActionMask = 1u << 3;
inline constexpr uint32_t kVfioIrqSetActionUnmask = 1u << 4;
inline constexpr uint32_t kVfioIrqSetActionTrigger = 1u << 5;
inline constexpr uint32_t kVfioIrqSetDataTypeMask =
    kVfioIrqSetDataNone | kVfioIrqSetDataBool | kVfioIrqSetDataEventfd;
inline constexpr uint32_t kVfioIrqSetActionTypeMask =
    kVfioIrqSetActionMask | kVfioIrqSetActionUnmask | kVfioIrqSetActionTrigger;

// Followed by `count` bytes or int32_t, as the flags say.
struct VfioIrqSet {
  uint32_t argsz;
  uint32_t flags;
  uint32_t index;
  uint32_t start;
  uint32_t count;
};
static_assert(sizeof(VfioIrqSet) == 20);

// Interrupt indexes of vfio-pci.
inline constexpr uint32_t kVfioPciIntxIrqIndex = 0;
inline constexpr uint32_t kVfioPciMsiIrqIndex = 1;
inline constexpr uint32_t kVfioPciMsixIrqIndex = 2;
inline constexpr uint32_t kVfioPciErrIrqIndex = 3;
inline constexpr uint32_t kVfioPciReqIrqIndex = 4;
inline constexpr uint32_t kVfioPciNumIrqs = 5;

// --- GET_PCI_HOT_RESET_INFO, PCI_HOT_RESET ---

inline constexpr uint32_t kVfioPciHotResetFlagDevId = 1u << 0;
inline constexpr uint32_t kVfioPciHotResetFlagDevIdOwned = 1u << 1;
inline constexpr uint32_t kVfioPciDevidOwned = 0;
inline constexpr uint32_t kVfioPciDevidNotOwned = ~0u;

struct VfioPciDependentDevice {
  uint32_t id;  // group id, or device id with kVfioPciHotResetFlagDevId
  uint16_t segment;
  uint8_t bus;
  uint8_t devfn;
};
static_assert(sizeof(VfioPciDependentDevice) == 8);

// Followed by `count` VfioPciDependentDevice.
struct VfioPciHotResetInfo {
  uint32_t argsz;
  uint32_t flags;
  uint32_t count;
};
static_assert(sizeof(VfioPciHotResetInfo) == 12);

// Followed by `count` int32_t group fds.
struct VfioPciHotReset {
  uint32_t argsz;
  uint32_t flags;
  uint32_t count;
};
static_assert(sizeof(VfioPciHotReset) == 12);

// --- IOEVENTFD ---

inline constexpr uint32_t kVfioDeviceIoeventfdSizeMask = 0xf;  // one bit each: 1, 2, 4, 8 bytes

struct VfioDeviceIoeventfd {
  uint32_t argsz;
  uint32_t flags;
  uint64_t offset;
  uint64_t data;
  int32_t fd;
  uint32_t reserved;
};
static_assert(sizeof(VfioDeviceIoeventfd) == 32);

// --- BIND_IOMMUFD, ATTACH, DETACH ---

inline constexpr uint32_t kVfioDeviceBindFlagToken = 1u << 0;
inline constexpr uint32_t kVfioDeviceAttachPasid = 1u << 0;
inline constexpr uint32_t kVfioDeviceDetachPasid = 1u << 0;

struct VfioDeviceBindIommufd {
  uint32_t argsz;
  uint32_t flags;
  int32_t iommufd;
  uint32_t out_devid;
  uint64_t token_uuid_ptr;  // not in 6.12, where the struct ends with out_devid
};
static_assert(sizeof(VfioDeviceBindIommufd) == 24);

struct VfioDeviceAttachIommufdPt {
  uint32_t argsz;
  uint32_t flags;
  uint32_t pt_id;  // in: IOAS or HWPT; out: the HWPT
  uint32_t pasid;  // not in 6.12
};
static_assert(sizeof(VfioDeviceAttachIommufdPt) == 16);

struct VfioDeviceDetachIommufdPt {
  uint32_t argsz;
  uint32_t flags;
  uint32_t pasid;  // not in 6.12
};
static_assert(sizeof(VfioDeviceDetachIommufdPt) == 12);

}  // namespace iovalid::compat::abi

#endif  // IOVALID_COMPAT_ABI_VFIO_DEVICE_H_
