// SPDX-License-Identifier: Apache-2.0
// VFIO_IOMMU_GET_INFO on an iommufd: iommufd_vfio_iommu_get_info.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "compat/abi/vfio.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

// A capability is written where it fits, whether or not the chain does, and within the IOVA ranges
// each range that fits is written even where their header is not. *size: bytes that it needs.
// False: EFAULT.
bool FillDmaAvail(const Call& call, uint64_t at, uint64_t room, uint64_t* size) {
  abi::VfioIommuType1InfoDmaAvail cap{};
  cap.header.id = abi::kVfioIommuType1InfoDmaAvail;
  cap.header.version = 1;
  cap.avail = ~uint32_t{0};  // there is no limit, only that of memory
  *size = sizeof(cap);
  return room < *size || call.CopyOut(at, &cap, sizeof(cap));
}

bool FillIovaRanges(const Call& call, const std::vector<ioas::IovaRange>& holes, uint64_t at,
                    uint64_t room, uint64_t* size) {
  abi::VfioIommuType1InfoCapIovaRange cap{};
  cap.header.id = abi::kVfioIommuType1InfoCapIovaRange;
  cap.header.version = 1;
  *size = sizeof(cap);
  for (const ioas::IovaRange& hole : holes) {
    const abi::VfioIovaRange range{hole.first, hole.last};
    const uint64_t offset = *size;
    *size += sizeof(range);
    if (room >= *size && !call.CopyOut(at + offset, &range, sizeof(range))) return false;
    ++cap.nr_iovas;
  }
  return room < *size || call.CopyOut(at, &cap, sizeof(cap));
}

// iommufd_get_pagesizes: what all domains can do, with sizes below a page taken for a page.
uint64_t PageSizes(const Kernel& kernel, const ioas::IoPagetable& table) {
  uint64_t sizes = ~uint64_t{0};
  for (hwmodel::DomainId domain : table.domains()) sizes &= kernel.iommu.page_sizes(domain);
  if ((sizes & ~sim::kPageMask) != 0) sizes = (sizes & sim::kPageMask) | sim::kPageSize;
  return std::max(sizes, table.iova_alignment());
}

}  // namespace

Outcome IommufdContext::GetInfo(Call& call, uint64_t arg) {
  constexpr uint64_t kMinSize = offsetof(abi::VfioIommuType1Info, cap_offset);
  abi::VfioIommuType1Info info{};
  if (!call.CopyIn(arg, &info, kMinSize)) return Fail(Errno::kFAULT, rules::kInfoFault);
  if (info.argsz < kMinSize) return Fail(Errno::kINVAL, rules::kInfoArgs);
  const uint64_t write = std::min<uint64_t>(info.argsz, sizeof(info));
  const Ioas* ioas = FindIoas(vfio_ioas_);
  if (ioas == nullptr) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  info.flags = abi::kVfioIommuInfoPgsizes;
  info.iova_pgsizes = PageSizes(call.kernel, ioas->table);
  info.cap_offset = 0;

  uint64_t total = sizeof(info);
  uint64_t previous = 0;  // offset of the capability before
  for (int i = 0; i < 2; ++i) {
    const uint64_t room = info.argsz > total ? info.argsz - total : 0;
    uint64_t size = 0;
    const bool written =
        i == 0 ? FillDmaAvail(call, arg + total, room, &size)
               : FillIovaRanges(call, ioas->table.reserved().holes(), arg + total, room, &size);
    if (!written) return Fail(Errno::kFAULT, rules::kInfoFault);
    if (previous != 0 && info.argsz >= total) {
      const uint32_t next = static_cast<uint32_t>(total);
      if (!call.CopyOut(arg + previous + offsetof(abi::VfioInfoCapHeader, next), &next,
                        sizeof(next))) {
        return Fail(Errno::kFAULT, rules::kInfoFault);
      }
    }
    previous = total;
    total += (size + 7) & ~uint64_t{7};
  }
  if (info.argsz >= total) info.cap_offset = sizeof(info);
  info.argsz = static_cast<uint32_t>(total);
  info.flags |= abi::kVfioIommuInfoCaps;
  if (!call.CopyOut(arg, &info, write)) return Fail(Errno::kFAULT, rules::kInfoFault);
  return Ok();
}

}  // namespace iovalid::compat
