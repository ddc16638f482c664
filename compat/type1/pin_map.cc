// SPDX-License-Identifier: Apache-2.0
// Pinning, charging and IOMMU mapping of type1, chunk by chunk, and the way back:
// vfio_pin_map_dma, vfio_pin_pages_remote, vfio_unmap_unpin, vfio_remove_dma.
#include <algorithm>

#include "compat/type1/type1_iommu.h"
#include "sim/state_hash.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;
using sim::PageClass;
using sim::PageRun;

constexpr Rule kPinFault{"type1.pin.fault", "vaddr_get_pfns",
                         "a page can't be pinned: not mapped, no right, or beyond its file"};
constexpr Rule kPinLimit{"type1.pin.memlock", "vfio_pin_pages_remote",
                         "RLIMIT_MEMLOCK of the calling task is exceeded"};
constexpr Rule kMapFailed{"type1.pin.iommu_map", "vfio_iommu_map",
                          "the IOMMU driver refuses the mapping"};

constexpr Rule kRemovePinned{"type1.remove.pinned", "vfio_remove_dma",
                             "WARN: a driver still has pages of the mapping pinned"};

// Pages that one call of GUP is asked for: as many pointers as fit into a page
// (VFIO_BATCH_MAX_CAPACITY).
constexpr uint64_t kBatchPages = 512;

// What has been pinned but not yet mapped: the rest of a batch, in address order.
class Batch {
 public:
  explicit Batch(std::vector<PageRun>* runs) : runs_(*runs) { runs_.clear(); }
  ~Batch() { runs_.clear(); }

  bool empty() const { return next_ == runs_.size(); }
  PageRun& front() { return runs_[next_]; }
  void pop() { ++next_; }
  std::vector<PageRun>* Refill() {
    runs_.clear();
    next_ = 0;
    return &runs_;
  }
  void UnpinAll(sim::Mm& mm, bool dirty) {
    for (; !empty(); pop()) mm.Unpin(front(), dirty);
  }

 private:
  std::vector<PageRun>& runs_;
  size_t next_ = 0;
};

// One call of vfio_pin_pages_remote: pins from `vaddr` on up to `want` pages that have consecutive
// frames and are all of RAM or all reserved, checks them against the limit and charges them.
// On an error nothing that this call took, nor the rest of the batch, stays pinned.
struct Chunk {
  PageRun run;
  bool reserved = false;
  uint64_t charge = 0;  // pages to charge
};

Outcome PinChunk(Call& call, const ExternalPins& external, DmaId id, const Dma& dma,
                 uint64_t vaddr, uint64_t want, Batch* batch, Chunk* chunk) {
  sim::Mm& mm = call.mm();
  const bool write = dma.rights & hwmodel::kWrite;
  const bool one_page = call.kernel.parameters.disable_hugepages;
  const uint64_t limit = call.task().MemlockPages();
  const uint64_t locked = call.kernel.mm_accounts[call.task().mm].locked_vm;
  PageRun& run = chunk->run;
  if (one_page) want = 1;

  auto undo = [&] {
    if (run.pages != 0 && !chunk->reserved) mm.Unpin(run, write);
    batch->UnpinAll(mm, write);
  };
  while (run.pages < want) {
    if (batch->empty()) {
      const uint64_t at = vaddr + run.pages * sim::kPageSize;
      const uint64_t ask = std::min(want - run.pages, one_page ? 1 : kBatchPages);
      const sim::PinResult pinned = sim::Point(call.kernel.hook, "pin_user_pages")
                                        ? sim::PinResult{0, Errno::kNOMEM}
                                        : mm.Pin(at, ask, write, batch->Refill());
      if (pinned.pages == 0) {
        // Not memory with a struct page: device memory is mapped by its frames, and not charged.
        PageRun frames;
        const sim::PinResult found = mm.FollowPfnmap(at, want - run.pages, write, &frames);
        if (found.pages == 0) {
          undo();
          return Fail(pinned.error == Errno::kOk ? Errno::kFAULT : pinned.error, kPinFault);
        }
        if (run.pages == 0) {
          run = frames;
          chunk->reserved = true;
        } else if (!chunk->reserved || frames.first != run.first + run.pages) {
          break;
        } else {
          run.pages += frames.pages;
        }
        continue;
      }
    }
    const PageRun& next = batch->front();
    const bool reserved = next.cls != PageClass::kRam;
    if (run.pages == 0) {
      run = {next.first, 0, next.cls};
      chunk->reserved = reserved;
    } else if (next.first != run.first + run.pages || reserved != chunk->reserved) {
      break;
    }
    if (!reserved) {
      // What a driver pinned is charged already.
      uint64_t charge = next.pages;
      if (!external.empty()) {
        charge -= external.Count(id, dma.iova + (vaddr - dma.vaddr) + run.pages * sim::kPageSize,
                                 next.pages, call.profile().type1.counts_unaligned_pins);
      }
      if (charge != 0 && !dma.lock_cap && locked + chunk->charge + charge > limit) {
        undo();
        return Fail(Errno::kNOMEM, kPinLimit);
      }
      chunk->charge += charge;
    }
    run.pages += next.pages;
    batch->pop();
  }
  return Ok();
}

}  // namespace

void Type1Iommu::Charge(Kernel& kernel, Dma* dma, uint64_t pages) {
  kernel.mm_accounts[dma->mm].locked_vm += pages;
  dma->locked_pages += pages;
  charged_pages_ += pages;
}

void Type1Iommu::Uncharge(Kernel& kernel, Dma* dma, uint64_t pages) {
  // vfio_lock_acct(async): the account of an address space that is gone is left alone.
  if (kernel.mms[dma->mm] != nullptr) kernel.mm_accounts[dma->mm].locked_vm -= pages;
  dma->locked_pages -= pages;
  charged_pages_ -= pages;
}

// Pins and maps [0, size) of `dma` into `domains`. `done` is the offset reached, also on failure.
// `id`: the mapping's, kNoDma while it is not in the list.
Outcome Type1Iommu::PinChunks(Call& call, DmaId id, Dma* dma, uint64_t size,
                              const std::vector<Domain>& domains, uint64_t* done) {
  Batch batch(&runs_);
  const bool write = dma->rights & hwmodel::kWrite;
  for (*done = 0; *done < size;) {
    Chunk chunk;
    Outcome pinned = PinChunk(call, external_, id, *dma, dma->vaddr + *done,
                              (size - *done) >> sim::kPageShift, &batch, &chunk);
    if (!pinned.ok()) return pinned;
    dma->has_reserved |= chunk.reserved;
    if (chunk.charge != 0) Charge(call.kernel, dma, chunk.charge);

    const PageRun& run = chunk.run;
    const uint64_t bytes = run.pages << sim::kPageShift;
    Errno err = Errno::kOk;
    size_t mapped = 0;
    for (; mapped < domains.size(); ++mapped) {
      err = sim::Point(call.kernel.hook, "iommu_map")
                ? Errno::kNOMEM
                : call.kernel.iommu.Map(domains[mapped].id, dma->iova + *done, run.first, run.pages,
                                        dma->rights);
      if (err != Errno::kOk) break;
    }
    if (err != Errno::kOk) {
      while (mapped-- > 0) call.kernel.iommu.Unmap(domains[mapped].id, dma->iova + *done, bytes);
      if (run.cls != PageClass::kMmio) call.mm().Unpin(run, write);
      if (chunk.charge != 0) Uncharge(call.kernel, dma, chunk.charge);
      batch.UnpinAll(call.mm(), write);
      return Fail(err, kMapFailed);
    }
    *done += bytes;
  }
  return Ok();
}

Outcome Type1Iommu::PinAndMap(Call& call, Dma* dma, uint64_t size) {
  Outcome outcome = PinChunks(call, kNoDma, dma, size, domains_, &dma->size);
  dma->iommu_mapped = true;
  if (!outcome.ok() && dma->size != 0) {
    Uncharge(call.kernel, dma, UnmapUnpin(call.kernel, kNoDma, dma, domains_));
  }
  return outcome;
}

// vfio_unmap_unpin without the accounting: takes the mapping out of all of `domains` and unpins its
// pages, which it learns from the first of them. Returns how many pages had been charged for it:
// those of RAM that no driver has pinned as well.
uint64_t Type1Iommu::UnmapUnpin(Kernel& kernel, DmaId id, Dma* dma,
                                const std::vector<Domain>& domains) {
  if (dma->size == 0 || domains.empty()) return 0;
  const bool write = dma->rights & hwmodel::kWrite;
  sim::Mm& mm = *kernel.releasers[dma->mm];
  uint64_t chargeable = 0;
  for (uint64_t pos = 0; pos < dma->size;) {
    const hwmodel::Iommu::Run run = kernel.iommu.Lookup(domains.front().id, dma->iova + pos,
                                                        (dma->size - pos) >> sim::kPageShift);
    if (!run.mapped) {  // the kernel warns and goes on a page further
      pos += sim::kPageSize;
      continue;
    }
    const PageClass cls = sim::ClassOf(run.first);
    if (cls == PageClass::kRam) {
      chargeable += run.pages;
      if (!external_.empty()) {
        chargeable -= external_.Count(id, dma->iova + pos, run.pages,
                                      kernel.profile->type1.counts_unaligned_pins);
      }
    }
    if (cls != PageClass::kMmio) mm.Unpin({run.first, run.pages, cls}, write);
    pos += run.pages << sim::kPageShift;
  }
  for (const Domain& domain : domains) kernel.iommu.Unmap(domain.id, dma->iova, dma->size);
  dma->iommu_mapped = false;
  return chargeable;
}

// vfio_remove_dma
void Type1Iommu::RemoveDma(Kernel& kernel, DmaId id) {
  Dma& dma = dmas_[id];
  Uncharge(kernel, &dma, UnmapUnpin(kernel, id, &dma, domains_));
  if (external_.Has(id)) {
    // Only a driver that keeps its pins beyond the close of its device gets here. They are lost.
    kernel.Warn(kRemovePinned);
    external_.Drop(id);
  }
  if (dma.vaddr_invalid) --suspended_;
  FreeBitmap(&dma);
  mappings_ -= sim::HashMapping(dma.iova, dma.iova + (dma.size - 1), dma.rights);
  mapped_bytes_ -= dma.size;
  index_.Erase(dma.iova);
  dmas_.Free(id);
  ++dma_avail_;
}

// vfio_iommu_unmap_unpin_all
void Type1Iommu::RemoveAll(Kernel& kernel) {
  while (auto c = index_.Begin()) RemoveDma(kernel, index_.at(c));
}

}  // namespace iovalid::compat::type1
