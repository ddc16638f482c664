// SPDX-License-Identifier: Apache-2.0
// UNMAP_DMA of type1: vfio_iommu_type1_unmap_dma and vfio_dma_do_unmap.
#include "compat/type1/type1_iommu.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;

constexpr Rule kUnmapFault{"type1.unmap.fault", "vfio_iommu_type1_unmap_dma",
                           "the argument can't be read or written"};
constexpr Rule kUnmapArgsz{"type1.unmap.argsz", "vfio_iommu_type1_unmap_dma",
                           "argsz is smaller than what the flags ask for"};
constexpr Rule kUnmapFlags{"type1.unmap.flags", "vfio_iommu_type1_unmap_dma",
                           "a flag other than GET_DIRTY_BITMAP, ALL and VADDR"};
constexpr Rule kUnmapDirtyAlone{"type1.unmap.dirty_alone", "vfio_iommu_type1_unmap_dma",
                                "GET_DIRTY_BITMAP together with ALL or VADDR"};
constexpr Rule kUnmapBitmapAddress{"type1.unmap.bitmap_address", "vfio_iommu_type1_unmap_dma",
                                   "the bitmap does not lie in user space"};
constexpr Rule kUnmapEmulated{"type1.unmap.emulated", "vfio_dma_do_unmap",
                              "VADDR while an emulated device's group is in the container"};
constexpr Rule kUnmapIovaAligned{"type1.unmap.iova_aligned", "vfio_dma_do_unmap",
                                 "iova is no multiple of the smallest IOMMU page"};
constexpr Rule kUnmapAllArgs{"type1.unmap.all_args", "vfio_dma_do_unmap",
                             "ALL with an iova or a size"};
constexpr Rule kUnmapSize{"type1.unmap.size", "vfio_dma_do_unmap",
                          "size is 0 or no multiple of the smallest IOMMU page"};
constexpr Rule kUnmapWrap{"type1.unmap.wrap", "vfio_dma_do_unmap",
                          "the range passes the end of the 64-bit space"};
constexpr Rule kUnmapDirtyState{"type1.unmap.dirty_state", "vfio_dma_do_unmap",
                                "dirty tracking is off, or pgsize is not the smallest IOMMU page"};
constexpr Rule kUnmapBisect{"type1.unmap.bisect", "vfio_dma_do_unmap",
                            "v2: an end of the range cuts a mapping; nothing is unmapped"};
constexpr Rule kUnmapV1Inside{"type1.unmap.v1_inside", "vfio_dma_do_unmap",
                              "v1: the range starts inside a mapping: it stops there"};
constexpr Rule kUnmapWhole{"type1.unmap.whole", "vfio_dma_do_unmap",
                           "whole mappings are removed; size is what they held"};
constexpr Rule kUnmapKept{"unmodelled.type1.unmap.bug", "vfio_dma_do_unmap",
                          "a driver keeps pages pinned after ten notices: the kernel stops (BUG)"};
constexpr Rule kUnmapSuspended{"type1.unmap.suspended", "vfio_dma_do_unmap",
                               "VADDR on a mapping that is suspended already; the call is undone"};
constexpr Rule kUnmapSuspend{"type1.unmap.suspend", "vfio_dma_do_unmap",
                             "VADDR: mappings are suspended and stay in place"};

}  // namespace

Outcome Type1Iommu::UnmapDma(Call& call, uint64_t arg) {
  constexpr uint32_t kDirty = abi::kVfioDmaUnmapFlagGetDirtyBitmap;
  constexpr uint32_t kAlone = abi::kVfioDmaUnmapFlagAll | abi::kVfioDmaUnmapFlagVaddr;
  abi::VfioIommuType1DmaUnmap unmap;
  abi::VfioBitmap bitmap{};
  if (!call.CopyIn(arg, &unmap, sizeof(unmap))) return Fail(Errno::kFAULT, kUnmapFault);
  if (unmap.argsz < sizeof(unmap)) return Fail(Errno::kINVAL, kUnmapArgsz);
  if (unmap.flags & ~(kDirty | kAlone)) return Fail(Errno::kINVAL, kUnmapFlags);
  if (unmap.flags & kDirty) {
    if (unmap.flags & kAlone) return Fail(Errno::kINVAL, kUnmapDirtyAlone);
    if (unmap.argsz < sizeof(unmap) + sizeof(bitmap)) return Fail(Errno::kINVAL, kUnmapArgsz);
    if (!call.CopyIn(arg + sizeof(unmap), &bitmap, sizeof(bitmap))) {
      return Fail(Errno::kFAULT, kUnmapFault);
    }
    if (!call.mm().AccessOk(bitmap.data, bitmap.size)) {
      return Fail(Errno::kINVAL, kUnmapBitmapAddress);
    }
    Outcome fits = VerifyBitmapSize(BitmapPages(unmap.size, bitmap.pgsize), bitmap.size);
    if (!fits.ok()) return fits;
  }
  Outcome outcome = DoUnmap(call, &unmap, bitmap);
  if (!outcome.ok()) return outcome;
  if (!call.CopyOut(arg, &unmap, sizeof(unmap))) return Fail(Errno::kFAULT, kUnmapFault);
  return outcome;
}

Outcome Type1Iommu::DoUnmap(Call& call, abi::VfioIommuType1DmaUnmap* unmap,
                            const abi::VfioBitmap& bitmap) {
  const bool all = unmap->flags & abi::kVfioDmaUnmapFlagAll;
  const bool dirty = unmap->flags & abi::kVfioDmaUnmapFlagGetDirtyBitmap;
  const uint64_t iova = unmap->iova;
  const uint64_t size = unmap->size;
  const uint64_t page_mask = PageBytes() - 1;
  if ((unmap->flags & abi::kVfioDmaUnmapFlagVaddr) && !emulated_groups_.empty()) {
    return Fail(Errno::kBUSY, kUnmapEmulated);
  }
  if (iova & page_mask) return Fail(Errno::kINVAL, kUnmapIovaAligned);
  uint64_t last = iova + (size - 1);
  if (all) {
    if (iova != 0 || size != 0) return Fail(Errno::kINVAL, kUnmapAllArgs);
    // The kernels that compare exclusive ends stand for everything with the size 2^64 - 1.
    last = call.profile().type1.exclusive_ends ? ~uint64_t{0} - 1 : ~uint64_t{0};
  } else {
    if (size == 0 || (size & page_mask)) return Fail(Errno::kINVAL, kUnmapSize);
    if (last < iova) return Fail(call.profile().type1.wrap_errno, kUnmapWrap);
  }
  if (dirty && (!dirty_tracking_ || bitmap.pgsize != PageBytes())) {
    return Fail(Errno::kINVAL, kUnmapDirtyState);
  }
  if (v2_ && !all) {
    const DmaId at_first = index_.Find(iova, 1);
    if (at_first != kNoDma && dmas_[at_first].iova != iova) {
      return Fail(Errno::kINVAL, kUnmapBisect);
    }
    const DmaId at_last = index_.FindLast(last);
    if (at_last != kNoDma && dmas_[at_last].iova + (dmas_[at_last].size - 1) != last) {
      return Fail(Errno::kINVAL, kUnmapBisect);
    }
  }
  uint64_t bytes = 0;
  if (unmap->flags & abi::kVfioDmaUnmapFlagVaddr) {
    Outcome outcome = SuspendVaddr(iova, last, &bytes);
    unmap->size = bytes;
    return outcome;
  }
  // Drivers that pinned pages of a mapping are told, until they have given them back.
  constexpr int kMaxNotices = 10;
  DmaId noticed = kNoDma;
  int notices = 0;
  const Rule* rule = &kUnmapWhole;
  for (auto c = index_.FirstIn(iova, last); c && index_.Within(c, last);
       c = index_.FirstIn(iova, last)) {
    const DmaId id = index_.at(c);
    if (!v2_ && iova > dmas_[id].iova) {
      rule = &kUnmapV1Inside;
      break;
    }
    if (!external_.empty() && external_.Has(id)) {
      notices = noticed == id ? notices + 1 : 0;
      noticed = id;
      if (notices > kMaxNotices) return Fail(Errno::kOPNOTSUPP, kUnmapKept);
      NotifyUnmap(call.kernel, dmas_[id].iova, dmas_[id].size);
      continue;
    }
    if (dirty) {
      Outcome copied = CopyDirtyBitmap(call, &dmas_[id], iova, bitmap.data);
      if (!copied.ok()) return copied;
    }
    bytes += dmas_[id].size;
    RemoveDma(call.kernel, id);
  }
  unmap->size = bytes;
  return Ok(0, rule);
}

// UNMAP_DMA with VADDR: the mappings stay, but their user addresses are no longer to be used.
Outcome Type1Iommu::SuspendVaddr(uint64_t first, uint64_t last, uint64_t* bytes) {
  const auto begin = index_.FirstIn(first, last);
  for (auto c = begin; c && index_.Within(c, last); c = index_.Next(c)) {
    Dma& dma = dmas_[index_.at(c)];
    if (!v2_ && first > dma.iova) break;
    if (dma.vaddr_invalid) {
      for (auto undo = begin; undo != c; undo = index_.Next(undo)) {
        dmas_[index_.at(undo)].vaddr_invalid = false;
        --suspended_;
      }
      *bytes = 0;
      return Fail(Errno::kINVAL, kUnmapSuspended);
    }
    dma.vaddr_invalid = true;
    ++suspended_;
    *bytes += dma.size;
  }
  return Ok(0, &kUnmapSuspend);
}

}  // namespace iovalid::compat::type1
