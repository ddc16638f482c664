// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_VFIO_CONTAINER_H_
#define IOVALID_COMPAT_ABI_VFIO_CONTAINER_H_

#include <cstdint>

#include "compat/abi/ioctl.h"

namespace iovalid::compat::abi {

inline constexpr int64_t kVfioApiVersion = 0;

// --- container and group commands ---

inline constexpr uint32_t kVfioGetApiVersion = Ioctl(0x64);
inline constexpr uint32_t kVfioCheckExtension = Ioctl(0x65);  // argument: an extension id
inline constexpr uint32_t kVfioSetIommu = Ioctl(0x66);        // argument: an extension id
inline constexpr uint32_t kVfioGroupGetStatus = Ioctl(0x67);
inline constexpr uint32_t kVfioGroupSetContainer = Ioctl(0x68);    // argument: int*
inline constexpr uint32_t kVfioGroupUnsetContainer = Ioctl(0x69);  // no argument
inline constexpr uint32_t kVfioGroupGetDeviceFd = Ioctl(0x6a);     // argument: a NUL-ended name
inline constexpr uint32_t kVfioIommuGetInfo = Ioctl(0x70);
inline constexpr uint32_t kVfioIommuMapDma = Ioctl(0x71);
inline constexpr uint32_t kVfioIommuUnmapDma = Ioctl(0x72);
inline constexpr uint32_t kVfioIommuEnable = Ioctl(0x73);   // spapr only
inline constexpr uint32_t kVfioIommuDisable = Ioctl(0x74);  // spapr only
inline constexpr uint32_t kVfioIommuDirtyPages = Ioctl(0x75);

// Extension ids of CHECK_EXTENSION; some are also IOMMU types for SET_IOMMU.
inline constexpr uint64_t kVfioType1Iommu = 1;
inline constexpr uint64_t kVfioSpaprTceIommu = 2;
inline constexpr uint64_t kVfioType1v2Iommu = 3;
inline constexpr uint64_t kVfioDmaCcIommu = 4;
inline constexpr uint64_t kVfioEeh = 5;
inline constexpr uint64_t kVfioType1NestingIommu = 6;  // reserved in 7.3
inline constexpr uint64_t kVfioSpaprTceV2Iommu = 7;
inline constexpr uint64_t kVfioNoiommuIommu = 8;
inline constexpr uint64_t kVfioUnmapAll = 9;
inline constexpr uint64_t kVfioUpdateVaddr = 10;

// --- capability chains ---

// Starts every capability. `next` is the offset of the next one from the start of the struct that
// the program passed, 0 for the last. Capabilities start at multiples of 8 bytes (not in 6.1).
struct VfioInfoCapHeader {
  uint16_t id;
  uint16_t version;
  uint32_t next;
};
static_assert(sizeof(VfioInfoCapHeader) == 8);

// --- group ---

inline constexpr uint32_t kVfioGroupFlagsViable = 1u << 0;
inline constexpr uint32_t kVfioGroupFlagsContainerSet = 1u << 1;

struct VfioGroupStatus {
  uint32_t argsz;
  uint32_t flags;
};
static_assert(sizeof(VfioGroupStatus) == 8);

// --- IOMMU_GET_INFO ---

inline constexpr uint32_t kVfioIommuInfoPgsizes = 1u << 0;
inline constexpr uint32_t kVfioIommuInfoCaps = 1u << 1;

struct VfioIommuType1Info {
  uint32_t argsz;
  uint32_t flags;
  uint64_t iova_pgsizes;  // bitmap of page sizes in bytes
  uint32_t cap_offset;    // 0: no chain
  uint32_t pad;
};
static_assert(sizeof(VfioIommuType1Info) == 24);

inline constexpr uint16_t kVfioIommuType1InfoCapIovaRange = 1;
inline constexpr uint16_t kVfioIommuType1InfoCapMigration = 2;
inline constexpr uint16_t kVfioIommuType1InfoDmaAvail = 3;

struct VfioIovaRange {
  uint64_t start;
  uint64_t end;  // inclusive
};
static_assert(sizeof(VfioIovaRange) == 16);

// Followed by `nr_iovas` VfioIovaRange.
struct VfioIommuType1InfoCapIovaRange {
  VfioInfoCapHeader header;
  uint32_t nr_iovas;
  uint32_t reserved;
};
static_assert(sizeof(VfioIommuType1InfoCapIovaRange) == 16);

struct VfioIommuType1InfoCapMigration {
  VfioInfoCapHeader header;
  uint32_t flags;
  uint32_t pad;
  uint64_t pgsize_bitmap;          // page sizes of dirty bitmaps
  uint64_t max_dirty_bitmap_size;  // bytes
};
static_assert(sizeof(VfioIommuType1InfoCapMigration) == 32);

// 12 bytes: the next capability starts 4 bytes behind it where chains are aligned.
struct VfioIommuType1InfoDmaAvail {
  VfioInfoCapHeader header;
  uint32_t avail;  // mappings that may still be made
};
static_assert(sizeof(VfioIommuType1InfoDmaAvail) == 12);

// --- MAP_DMA, UNMAP_DMA ---

inline constexpr uint32_t kVfioDmaMapFlagRead = 1u << 0;
inline constexpr uint32_t kVfioDmaMapFlagWrite = 1u << 1;
inline constexpr uint32_t kVfioDmaMapFlagVaddr = 1u << 2;

struct VfioIommuType1DmaMap {
  uint32_t argsz;
  uint32_t flags;
  uint64_t vaddr;
  uint64_t iova;
  uint64_t size;  // bytes
};
static_assert(sizeof(VfioIommuType1DmaMap) == 32);

struct VfioBitmap {
  uint64_t pgsize;  // bytes that one bit stands for
  uint64_t size;    // bytes of the bitmap
  uint64_t data;    // user address
};
static_assert(sizeof(VfioBitmap) == 24);

inline constexpr uint32_t kVfioDmaUnmapFlagGetDirtyBitmap = 1u << 0;
inline constexpr uint32_t kVfioDmaUnmapFlagAll = 1u << 1;
inline constexpr uint32_t kVfioDmaUnmapFlagVaddr = 1u << 2;

// Followed by a VfioBitmap with kVfioDmaUnmapFlagGetDirtyBitmap.
struct VfioIommuType1DmaUnmap {
  uint32_t argsz;
  uint32_t flags;
  uint64_t iova;
  uint64_t size;  // in: bytes to unmap; out: bytes unmapped
};
static_assert(sizeof(VfioIommuType1DmaUnmap) == 24);

// --- DIRTY_PAGES ---

inline constexpr uint32_t kVfioIommuDirtyPagesFlagStart = 1u << 0;
inline constexpr uint32_t kVfioIommuDirtyPagesFlagStop = 1u << 1;
inline constexpr uint32_t kVfioIommuDirtyPagesFlagGetBitmap = 1u << 2;

// Followed by a VfioIommuType1DirtyBitmapGet with kVfioIommuDirtyPagesFlagGetBitmap.
struct VfioIommuType1DirtyBitmap {
  uint32_t argsz;
  uint32_t flags;
};
static_assert(sizeof(VfioIommuType1DirtyBitmap) == 8);

struct VfioIommuType1DirtyBitmapGet {
  uint64_t iova;
  uint64_t size;  // bytes
  VfioBitmap bitmap;
};
static_assert(sizeof(VfioIommuType1DirtyBitmapGet) == 40);

}  // namespace iovalid::compat::abi

#endif  // IOVALID_COMPAT_ABI_VFIO_CONTAINER_H_
