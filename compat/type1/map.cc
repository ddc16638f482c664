// SPDX-License-Identifier: Apache-2.0
// MAP_DMA of type1: vfio_iommu_type1_map_dma and vfio_dma_do_map.
#include "compat/type1/type1_iommu.h"
#include "sim/state_hash.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;

constexpr Rule kMapFault{"type1.map.fault", "vfio_iommu_type1_map_dma",
                         "the argument can't be read"};
constexpr Rule kMapArgsz{"type1.map.argsz", "vfio_iommu_type1_map_dma",
                         "argsz is smaller than the struct (32 bytes)"};
constexpr Rule kMapFlags{"type1.map.flags", "vfio_iommu_type1_map_dma",
                         "a flag other than READ, WRITE and VADDR"};
constexpr Rule kMapSizeZero{"type1.map.size_zero", "vfio_dma_do_map", "size is 0"};
constexpr Rule kMapWrap{"type1.map.wrap", "vfio_dma_do_map",
                        "the IOVA or the user range passes the end of the 64-bit space"};
constexpr Rule kMapRights{"type1.map.rights", "vfio_dma_do_map",
                          "neither READ nor WRITE without VADDR, or one of them with it"};
constexpr Rule kMapAligned{"type1.map.aligned", "vfio_dma_do_map",
                           "size, iova or vaddr is no multiple of the smallest IOMMU page"};
constexpr Rule kMapOverlap{"type1.map.overlap", "vfio_dma_do_map",
                           "the IOVA range overlaps a mapping"};
constexpr Rule kMapLimit{"type1.map.entry_limit", "vfio_dma_do_map",
                         "dma_entry_limit mappings exist already"};
constexpr Rule kMapRange{"type1.map.range", "vfio_iommu_iova_dma_valid",
                         "the IOVA range is outside the aperture or meets a reserved region"};
constexpr Rule kMapAlloc{"type1.map.alloc", "vfio_dma_do_map", "no memory for the mapping"};
constexpr Rule kMapBitmap{"type1.map.bitmap", "vfio_dma_bitmap_alloc",
                          "no dirty bitmap for a mapping of that size"};
constexpr Rule kVaddrMissing{"type1.map.vaddr.missing", "vfio_dma_do_map",
                             "VADDR without a mapping in the range"};
constexpr Rule kVaddrInexact{"type1.map.vaddr.inexact", "vfio_dma_do_map",
                             "VADDR on a mapping that is not suspended or not exactly the range"};
constexpr Rule kVaddrCharge{"type1.map.vaddr.charge", "vfio_change_dma_owner",
                            "the new owner's RLIMIT_MEMLOCK does not hold the pages"};

}  // namespace

Outcome Type1Iommu::MapDma(Call& call, uint64_t arg) {
  constexpr uint32_t kFlags =
      abi::kVfioDmaMapFlagRead | abi::kVfioDmaMapFlagWrite | abi::kVfioDmaMapFlagVaddr;
  abi::VfioIommuType1DmaMap map;
  if (!call.CopyIn(arg, &map, sizeof(map))) return Fail(Errno::kFAULT, kMapFault);
  if (map.argsz < sizeof(map)) return Fail(Errno::kINVAL, kMapArgsz);
  if (map.flags & ~kFlags) return Fail(Errno::kINVAL, kMapFlags);
  return DoMap(call, map);
}

Outcome Type1Iommu::DoMap(Call& call, const abi::VfioIommuType1DmaMap& map) {
  const Type1Profile& profile = call.profile().type1;
  const bool set_vaddr = map.flags & abi::kVfioDmaMapFlagVaddr;
  const uint32_t rights = (map.flags & abi::kVfioDmaMapFlagRead ? hwmodel::kRead : 0u) |
                          (map.flags & abi::kVfioDmaMapFlagWrite ? hwmodel::kWrite : 0u);
  const uint64_t last = map.iova + (map.size - 1);
  for (MapCheck check : profile.map_checks) {
    switch (check) {
      case MapCheck::kSizeZero:
        if (map.size == 0) return Fail(Errno::kINVAL, kMapSizeZero);
        break;
      case MapCheck::kWrap:
        if (last < map.iova || map.vaddr + (map.size - 1) < map.vaddr) {
          return Fail(profile.wrap_errno, kMapWrap);
        }
        break;
      case MapCheck::kRights:
        if ((rights != 0) == set_vaddr) return Fail(Errno::kINVAL, kMapRights);
        break;
      case MapCheck::kAligned:
        if ((map.size | map.iova | map.vaddr) & (PageBytes() - 1)) {
          return Fail(Errno::kINVAL, kMapAligned);
        }
        break;
    }
  }

  const DmaId overlapped = index_.Find(map.iova, map.size);
  if (set_vaddr) return ResumeVaddr(call, overlapped, map);
  if (overlapped != kNoDma) return Fail(Errno::kEXIST, kMapOverlap);
  if (static_cast<uint32_t>(dma_avail_) == 0) return Fail(Errno::kNOSPC, kMapLimit);
  if (!iova_list_.Allows(map.iova, last)) return Fail(Errno::kINVAL, kMapRange);
  if (call.AllocFails("alloc:vfio_dma")) return Fail(Errno::kNOMEM, kMapAlloc);

  Dma dma;
  dma.iova = map.iova;
  dma.vaddr = map.vaddr;
  dma.rights = rights;
  dma.task = call.task_id;
  dma.mm = call.task().mm;
  dma.lock_cap = call.task().Capable(sim::kCapIpcLock);
  // Without an IOMMU domain (emulated devices only) nothing is pinned until it is asked for.
  if (domains_.empty()) {
    dma.size = map.size;
  } else {
    Outcome pinned = PinAndMap(call, &dma, map.size);
    if (!pinned.ok()) return pinned;
  }
  const DmaId id = dmas_.Alloc(dma);
  index_.Insert(map.iova, last, id);
  mappings_ += sim::HashMapping(map.iova, last, rights);
  mapped_bytes_ += map.size;
  --dma_avail_;
  if (dirty_tracking_ && !AllocBitmap(call, &dmas_[id])) {
    const bool too_large = map.size >> PageShift() > INT32_MAX;
    RemoveDma(call.kernel, id);
    return Fail(too_large ? Errno::kINVAL : Errno::kNOMEM, kMapBitmap);
  }
  return Ok();
}

// MAP_DMA with VADDR: gives a suspended mapping its new user address, and moves its charge to the
// caller's address space (vfio_change_dma_owner).
Outcome Type1Iommu::ResumeVaddr(Call& call, DmaId id, const abi::VfioIommuType1DmaMap& map) {
  if (id == kNoDma) return Fail(Errno::kNOENT, kVaddrMissing);
  Dma& dma = dmas_[id];
  if (!dma.vaddr_invalid || dma.iova != map.iova || dma.size != map.size) {
    return Fail(Errno::kINVAL, kVaddrInexact);
  }
  const sim::Task& task = call.task();
  if (task.mm != dma.mm) {
    const bool lock_cap = task.Capable(sim::kCapIpcLock);
    sim::MmAccount& account = call.kernel.mm_accounts[task.mm];
    if (dma.locked_pages != 0) {
      if (!lock_cap && account.locked_vm + dma.locked_pages > task.MemlockPages()) {
        return Fail(Errno::kNOMEM, kVaddrCharge);
      }
      account.locked_vm += dma.locked_pages;
      if (call.kernel.mms[dma.mm] != nullptr) {
        call.kernel.mm_accounts[dma.mm].locked_vm -= dma.locked_pages;
      }
    }
    dma.task = call.task_id;
    dma.mm = task.mm;
    dma.lock_cap = lock_cap;
  }
  dma.vaddr = map.vaddr;
  dma.vaddr_invalid = false;
  --suspended_;
  return Ok();
}

}  // namespace iovalid::compat::type1
