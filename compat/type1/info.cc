// SPDX-License-Identifier: Apache-2.0
// GET_INFO and CHECK_EXTENSION of type1.
#include <algorithm>
#include <array>
#include <cstring>

#include "compat/info_caps.h"
#include "compat/type1/type1_iommu.h"

namespace iovalid::compat::type1 {

namespace {

constexpr Rule kInfoFault{"type1.info.fault", "vfio_iommu_type1_get_info",
                          "the argument can't be read or written"};
constexpr Rule kInfoArgsz{"type1.info.argsz", "vfio_iommu_type1_get_info",
                          "argsz does not reach past iova_pgsizes (16 bytes)"};
constexpr Rule kInfo{"type1.info", "vfio_iommu_type1_get_info",
                     "migration, dma_avail and IOVA range capabilities, all or none"};

// INT_MAX pages of one bit each, in whole 64-bit words (DIRTY_BITMAP_SIZE_MAX).
constexpr uint64_t kMaxDirtyBitmapBytes = uint64_t{1} << 28;
// What a caller must have room for: up to the end of iova_pgsizes.
constexpr uint32_t kMinInfoBytes = 16;

}  // namespace

int64_t Type1Iommu::CheckExtensionUnset(const KernelProfile& profile, uint64_t extension) {
  switch (extension) {
    case abi::kVfioType1Iommu:
    case abi::kVfioType1v2Iommu:
    case abi::kVfioUnmapAll:
      return 1;
    case abi::kVfioType1NestingIommu:
      return profile.type1.claims_nesting;
    default:
      return 0;
  }
}

// vfio_iommu_type1_check_extension
int64_t Type1Iommu::CheckExtension(const KernelProfile& profile, uint64_t extension) const {
  switch (extension) {
    case abi::kVfioUpdateVaddr:
      return emulated_groups_.empty();  // their drivers could not stand a suspended mapping
    case abi::kVfioDmaCcIommu:
      return std::all_of(domains_.begin(), domains_.end(),
                         [](const Domain& d) { return d.enforce_cache_coherency; });
    default:
      return CheckExtensionUnset(profile, extension);
  }
}

Outcome Type1Iommu::GetInfo(Call& call, uint64_t arg) const {
  const Type1Profile& profile = call.profile().type1;
  abi::VfioIommuType1Info info{};
  if (!call.CopyIn(arg, &info, kMinInfoBytes)) return Fail(sim::Errno::kFAULT, kInfoFault);
  if (info.argsz < kMinInfoBytes) return Fail(sim::Errno::kINVAL, kInfoArgsz);
  if (call.AllocFails("alloc:info_caps")) return Fail(sim::Errno::kNOMEM, kInfo);

  InfoCaps caps(sizeof(info), profile.caps_aligned);
  const abi::VfioIommuType1InfoCapMigration migration = {
      .header = {.id = abi::kVfioIommuType1InfoCapMigration, .version = 1, .next = 0},
      .flags = 0,
      .pad = 0,
      .pgsize_bitmap = PageBytes(),
      .max_dirty_bitmap_size = kMaxDirtyBitmapBytes};
  caps.Add(&migration, sizeof(migration));
  const abi::VfioIommuType1InfoDmaAvail avail = {
      .header = {.id = abi::kVfioIommuType1InfoDmaAvail, .version = 1, .next = 0},
      .avail = static_cast<uint32_t>(dma_avail_)};
  caps.Add(&avail, sizeof(avail));
  if (!iova_list_.empty()) {
    const auto count = static_cast<uint32_t>(iova_list_.ranges().size());
    const abi::VfioIommuType1InfoCapIovaRange ranges = {
        .header = {.id = abi::kVfioIommuType1InfoCapIovaRange, .version = 1, .next = 0},
        .nr_iovas = count,
        .reserved = 0};
    caps.Add(&ranges, sizeof(ranges), iova_list_.ranges().data(), count * sizeof(IovaRange));
  }

  // The struct is written as far as the caller has room; whether its padding counts is a matter of
  // the kernel. (6.1 writes 16 bytes where argsz ends before cap_offset does.)
  const uint32_t out_bytes = info.argsz >= profile.info_bytes ? profile.info_bytes
                             : profile.info_bytes == sizeof(info) ? info.argsz
                                                                  : kMinInfoBytes;
  info.flags = abi::kVfioIommuInfoPgsizes | abi::kVfioIommuInfoCaps;
  info.iova_pgsizes = page_sizes_;
  info.cap_offset = 0;
  if (info.argsz < sizeof(info) + caps.size()) {
    info.argsz = static_cast<uint32_t>(sizeof(info) + caps.size());
  } else {
    if (!call.CopyOut(arg + sizeof(info), caps.data(), caps.size())) {
      return Fail(sim::Errno::kFAULT, kInfoFault);
    }
    info.cap_offset = sizeof(info);
  }
  if (!call.CopyOut(arg, &info, out_bytes)) return Fail(sim::Errno::kFAULT, kInfoFault);
  return Ok(0, &kInfo);
}

}  // namespace iovalid::compat::type1
