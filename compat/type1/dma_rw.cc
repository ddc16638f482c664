// SPDX-License-Identifier: Apache-2.0
// Copying by IOVA for the drivers of emulated devices: vfio_iommu_type1_dma_rw.
#include <algorithm>

#include "compat/type1/type1_iommu.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;

constexpr Rule kRwSuspended{"type1.dma_rw.suspended", "vfio_iommu_type1_dma_rw",
                            "a mapping is suspended (VADDR)"};
constexpr Rule kRwMissing{"type1.dma_rw.missing", "vfio_iommu_type1_dma_rw_chunk",
                          "the IOVA is not mapped"};
constexpr Rule kRwRights{"type1.dma_rw.rights", "vfio_iommu_type1_dma_rw_chunk",
                         "the mapping can't be read, or is to be written and can't be"};
constexpr Rule kRwMmGone{"type1.dma_rw.mm_gone", "vfio_iommu_type1_dma_rw_chunk",
                         "the address space of the mapping is gone"};
constexpr Rule kRwOtherMm{"type1.dma_rw.other_mm", "vfio_iommu_type1_dma_rw_chunk",
                          "the caller has another address space than the mapping"};
constexpr Rule kRwFault{"type1.dma_rw.fault", "vfio_iommu_type1_dma_rw_chunk",
                        "the memory can't be read or written"};

}  // namespace

// vfio_iommu_type1_dma_rw_chunk: what one mapping holds of the range. *copied: bytes.
Outcome Type1Iommu::DmaRwChunk(Call& call, uint64_t iova, uint8_t* data, uint64_t bytes, bool write,
                               uint64_t* copied) {
  const DmaId id = index_.Find(iova, 1);
  if (id == kNoDma) return Fail(Errno::kINVAL, kRwMissing);
  Dma& dma = dmas_[id];
  if ((write && !(dma.rights & hwmodel::kWrite)) || !(dma.rights & hwmodel::kRead)) {
    return Fail(Errno::kPERM, kRwRights);
  }
  sim::Mm* mm = call.kernel.mms[dma.mm];
  if (mm == nullptr) return Fail(Errno::kPERM, kRwMmGone);
  if (call.task_id != sim::kKernelThread && call.task().mm != dma.mm) {
    return Fail(Errno::kFAULT, kRwOtherMm);
  }
  const uint64_t offset = iova - dma.iova;
  const uint64_t count = std::min(bytes, dma.size - offset);
  const uint64_t vaddr = dma.vaddr + offset;
  const size_t done = write ? mm->CopyOut(vaddr, data, count) : mm->CopyIn(vaddr, data, count);
  if (done != count) return Fail(Errno::kFAULT, kRwFault);
  *copied = count;
  if (write && dirty_tracking_) {
    SetDirty(&dma, offset, ((offset + count - 1) >> PageShift()) - (offset >> PageShift()) + 1);
  }
  return Ok();
}

Outcome Type1Iommu::DmaRw(Call& call, uint64_t iova, void* data, uint64_t bytes, bool write) {
  if (suspended_ != 0) {
    call.kernel.Warn(kRwSuspended);
    return Fail(Errno::kBUSY, kRwSuspended);
  }
  auto* at = static_cast<uint8_t*>(data);
  while (bytes != 0) {
    uint64_t copied = 0;
    Outcome outcome = DmaRwChunk(call, iova, at, bytes, write, &copied);
    if (!outcome.ok()) return outcome;
    bytes -= copied;
    at += copied;
    iova += copied;
  }
  return Ok();
}

}  // namespace iovalid::compat::type1
