// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_IOMMUFD_H_
#define IOVALID_COMPAT_ABI_IOMMUFD_H_

#include <cstdint>

#include "compat/abi/ioctl.h"

// The user ABI of iommufd (include/uapi/linux/iommufd.h of 7.3), x86-64. Every struct starts with
// its own size in bytes. 6.12 has the commands up to IOMMU_FAULT_QUEUE_ALLOC, 6.1 none.
namespace iovalid::compat::abi {

inline constexpr uint32_t kIommuDestroy = Ioctl(0x80);
inline constexpr uint32_t kIommuIoasAlloc = Ioctl(0x81);
inline constexpr uint32_t kIommuIoasAllowIovas = Ioctl(0x82);
inline constexpr uint32_t kIommuIoasCopy = Ioctl(0x83);
inline constexpr uint32_t kIommuIoasIovaRanges = Ioctl(0x84);
inline constexpr uint32_t kIommuIoasMap = Ioctl(0x85);
inline constexpr uint32_t kIommuIoasUnmap = Ioctl(0x86);
inline constexpr uint32_t kIommuOption = Ioctl(0x87);
inline constexpr uint32_t kIommuVfioIoas = Ioctl(0x88);
inline constexpr uint32_t kIommuHwptAlloc = Ioctl(0x89);
inline constexpr uint32_t kIommuGetHwInfo = Ioctl(0x8a);
inline constexpr uint32_t kIommuHwptSetDirtyTracking = Ioctl(0x8b);
inline constexpr uint32_t kIommuHwptGetDirtyBitmap = Ioctl(0x8c);
inline constexpr uint32_t kIommuHwptInvalidate = Ioctl(0x8d);
inline constexpr uint32_t kIommuFaultQueueAlloc = Ioctl(0x8e);
inline constexpr uint32_t kIommuIoasMapFile = Ioctl(0x8f);
inline constexpr uint32_t kIommuViommuAlloc = Ioctl(0x90);
inline constexpr uint32_t kIommuVdeviceAlloc = Ioctl(0x91);
inline constexpr uint32_t kIommuIoasChangeProcess = Ioctl(0x92);
inline constexpr uint32_t kIommuVeventqAlloc = Ioctl(0x93);
inline constexpr uint32_t kIommuHwQueueAlloc = Ioctl(0x94);
inline constexpr uint32_t kIommuIoasNoiommuGetPa = Ioctl(0x95);

struct IommuDestroy {
  uint32_t size;
  uint32_t id;
};
static_assert(sizeof(IommuDestroy) == 8);

// --- IOAS ---

struct IommuIoasAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t out_ioas_id;
};
static_assert(sizeof(IommuIoasAlloc) == 12);

struct IommuIovaRange {
  uint64_t start;
  uint64_t last;  // inclusive
};
static_assert(sizeof(IommuIovaRange) == 16);

struct IommuIoasIovaRanges {
  uint32_t size;
  uint32_t ioas_id;
  uint32_t num_iovas;  // in: room in `allowed_iovas`; out: how many there are
  uint32_t reserved;
  uint64_t allowed_iovas;  // user address of IommuIovaRange[]
  uint64_t out_iova_alignment;
};
static_assert(sizeof(IommuIoasIovaRanges) == 32);

struct IommuIoasAllowIovas {
  uint32_t size;
  uint32_t ioas_id;
  uint32_t num_iovas;
  uint32_t reserved;
  uint64_t allowed_iovas;  // user address of IommuIovaRange[]
};
static_assert(sizeof(IommuIoasAllowIovas) == 24);

inline constexpr uint32_t kIommuIoasMapFixedIova = 1u << 0;
inline constexpr uint32_t kIommuIoasMapWriteable = 1u << 1;
inline constexpr uint32_t kIommuIoasMapReadable = 1u << 2;

struct IommuIoasMap {
  uint32_t size;
  uint32_t flags;
  uint32_t ioas_id;
  uint32_t reserved;
  uint64_t user_va;
  uint64_t length;  // bytes
  uint64_t iova;    // in with kIommuIoasMapFixedIova, else out
};
static_assert(sizeof(IommuIoasMap) == 40);

struct IommuIoasMapFile {
  uint32_t size;
  uint32_t flags;
  uint32_t ioas_id;
  int32_t fd;
  uint64_t start;   // offset in the file
  uint64_t length;  // bytes
  uint64_t iova;
};
static_assert(sizeof(IommuIoasMapFile) == 40);

struct IommuIoasCopy {
  uint32_t size;
  uint32_t flags;
  uint32_t dst_ioas_id;
  uint32_t src_ioas_id;
  uint64_t length;  // bytes
  uint64_t dst_iova;
  uint64_t src_iova;
};
static_assert(sizeof(IommuIoasCopy) == 40);

struct IommuIoasUnmap {
  uint32_t size;
  uint32_t ioas_id;
  uint64_t iova;
  uint64_t length;  // in: bytes to unmap; out: bytes unmapped
};
static_assert(sizeof(IommuIoasUnmap) == 24);

struct IommuIoasNoiommuGetPa {
  uint32_t size;
  uint32_t flags;
  uint32_t ioas_id;
  uint32_t reserved;
  uint64_t iova;
  uint64_t length;
  uint64_t out_phys;
};
static_assert(sizeof(IommuIoasNoiommuGetPa) == 40);

struct IommuIoasChangeProcess {
  uint32_t size;
  uint32_t reserved;
};
static_assert(sizeof(IommuIoasChangeProcess) == 8);

// --- OPTION, VFIO_IOAS ---

inline constexpr uint32_t kIommuOptionRlimitMode = 0;
inline constexpr uint32_t kIommuOptionHugePages = 1;
inline constexpr uint16_t kIommuOptionOpSet = 0;
inline constexpr uint16_t kIommuOptionOpGet = 1;

struct IommuOption {
  uint32_t size;
  uint32_t option_id;
  uint16_t op;
  uint16_t reserved;
  uint32_t object_id;
  uint64_t val64;
};
static_assert(sizeof(IommuOption) == 24);

inline constexpr uint16_t kIommuVfioIoasGet = 0;
inline constexpr uint16_t kIommuVfioIoasSet = 1;
inline constexpr uint16_t kIommuVfioIoasClear = 2;

struct IommuVfioIoas {
  uint32_t size;
  uint32_t ioas_id;
  uint16_t op;
  uint16_t reserved;
};
static_assert(sizeof(IommuVfioIoas) == 12);

// --- HWPT ---

inline constexpr uint32_t kIommuHwptAllocNestParent = 1u << 0;
inline constexpr uint32_t kIommuHwptAllocDirtyTracking = 1u << 1;
inline constexpr uint32_t kIommuHwptFaultIdValid = 1u << 2;
inline constexpr uint32_t kIommuHwptAllocPasid = 1u << 3;  // 7.3

inline constexpr uint32_t kIommuHwptDataNone = 0;
inline constexpr uint32_t kIommuHwptDataVtdS1 = 1;
inline constexpr uint32_t kIommuHwptDataArmSmmuv3 = 2;
inline constexpr uint32_t kIommuHwptDataAmdGuest = 3;

struct IommuHwptAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t dev_id;
  uint32_t pt_id;
  uint32_t out_hwpt_id;
  uint32_t reserved;
  uint32_t data_type;
  uint32_t data_len;
  uint64_t data_uptr;
  uint32_t fault_id;
  uint32_t reserved2;
};
static_assert(sizeof(IommuHwptAlloc) == 48);

// Data of IommuHwptAlloc for a first-stage table of VT-d.
struct IommuHwptVtdS1 {
  uint64_t flags;
  uint64_t pgtbl_addr;
  uint32_t addr_width;
  uint32_t reserved;
};
static_assert(sizeof(IommuHwptVtdS1) == 24);

inline constexpr uint32_t kIommuHwptDirtyTrackingEnable = 1;

struct IommuHwptSetDirtyTracking {
  uint32_t size;
  uint32_t flags;
  uint32_t hwpt_id;
  uint32_t reserved;
};
static_assert(sizeof(IommuHwptSetDirtyTracking) == 16);

inline constexpr uint32_t kIommuHwptGetDirtyBitmapNoClear = 1;

struct IommuHwptGetDirtyBitmap {
  uint32_t size;
  uint32_t hwpt_id;
  uint32_t flags;
  uint32_t reserved;
  uint64_t iova;
  uint64_t length;
  uint64_t page_size;
  uint64_t data;  // user address
};
static_assert(sizeof(IommuHwptGetDirtyBitmap) == 48);

struct IommuHwptVtdS1Invalidate {
  uint64_t addr;
  uint64_t npages;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(IommuHwptVtdS1Invalidate) == 24);

struct IommuHwptInvalidate {
  uint32_t size;
  uint32_t hwpt_id;
  uint64_t data_uptr;
  uint32_t data_type;
  uint32_t entry_len;
  uint32_t entry_num;  // in: requests; out: how many were handled
  uint32_t reserved;
};
static_assert(sizeof(IommuHwptInvalidate) == 32);

// --- GET_HW_INFO ---

inline constexpr uint32_t kIommuHwInfoTypeNone = 0;
inline constexpr uint32_t kIommuHwInfoTypeIntelVtd = 1;
inline constexpr uint32_t kIommuHwInfoTypeArmSmmuv3 = 2;
inline constexpr uint32_t kIommuHwInfoTypeTegra241Cmdqv = 3;
inline constexpr uint32_t kIommuHwInfoTypeAmd = 4;

inline constexpr uint64_t kIommuHwCapDirtyTracking = 1u << 0;
inline constexpr uint64_t kIommuHwCapPciPasidExec = 1u << 1;
inline constexpr uint64_t kIommuHwCapPciPasidPriv = 1u << 2;
inline constexpr uint64_t kIommuHwCapPciAtsNotSupported = 1u << 3;

inline constexpr uint32_t kIommuHwInfoFlagInputType = 1u << 0;  // 7.3

struct IommuHwInfo {
  uint32_t size;
  uint32_t flags;
  uint32_t dev_id;
  uint32_t data_len;
  uint64_t data_uptr;
  uint32_t data_type;          // in with kIommuHwInfoFlagInputType; out
  uint8_t out_max_pasid_log2;  // reserved in 6.12
  uint8_t reserved[3];
  uint64_t out_capabilities;
};
static_assert(sizeof(IommuHwInfo) == 40);

// Data of GET_HW_INFO for kIommuHwInfoTypeIntelVtd.
struct IommuHwInfoVtd {
  uint32_t flags;
  uint32_t reserved;
  uint64_t cap_reg;
  uint64_t ecap_reg;
};
static_assert(sizeof(IommuHwInfoVtd) == 24);

// --- faults ---

struct IommuFaultAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t out_fault_id;
  uint32_t out_fault_fd;
};
static_assert(sizeof(IommuFaultAlloc) == 16);

// Read from the fault fd.
struct IommuHwptPgfault {
  uint32_t flags;
  uint32_t dev_id;
  uint32_t pasid;
  uint32_t grpid;
  uint32_t perm;
  uint32_t reserved;
  uint64_t addr;
  uint32_t length;
  uint32_t cookie;
};
static_assert(sizeof(IommuHwptPgfault) == 40);

// Written to the fault fd.
struct IommuHwptPageResponse {
  uint32_t cookie;
  uint32_t code;
};
static_assert(sizeof(IommuHwptPageResponse) == 8);

// --- vIOMMU ---

struct IommuViommuAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t type;
  uint32_t dev_id;
  uint32_t hwpt_id;
  uint32_t out_viommu_id;
  uint32_t data_len;
  uint32_t reserved;
  uint64_t data_uptr;
};
static_assert(sizeof(IommuViommuAlloc) == 40);

struct IommuVdeviceAlloc {
  uint32_t size;
  uint32_t viommu_id;
  uint32_t dev_id;
  uint32_t out_vdevice_id;
  uint64_t virt_id;
};
static_assert(sizeof(IommuVdeviceAlloc) == 24);

struct IommuVeventqAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t viommu_id;
  uint32_t type;
  uint32_t veventq_depth;
  uint32_t out_veventq_id;
  uint32_t out_veventq_fd;
  uint32_t reserved;
};
static_assert(sizeof(IommuVeventqAlloc) == 32);

struct IommuHwQueueAlloc {
  uint32_t size;
  uint32_t flags;
  uint32_t viommu_id;
  uint32_t type;
  uint32_t index;
  uint32_t out_hw_queue_id;
  uint64_t nesting_parent_iova;
  uint64_t length;
};
static_assert(sizeof(IommuHwQueueAlloc) == 40);

}  // namespace iovalid::compat::abi

#endif  // IOVALID_COMPAT_ABI_IOMMUFD_H_
