// SPDX-License-Identifier: Apache-2.0
// Mapping device memory that a VFIO dma-buf gives away: iopt_alloc_dmabuf_pages.
#include "ioas/io_pagetable.h"
#include "ioas/rules.h"

namespace iovalid::ioas {
namespace {

// The checks of iopt_alloc_dmabuf_pages and iopt_map_dmabuf, up to a pages object of its own.
Result CheckDmabuf(const Machine& machine, const IoPagetable::DmabufSource& source, uint64_t start,
                   uint64_t length) {
  if (source.size <= start + length - 1) return Failure(sim::Errno::kINVAL, rules::kDmabufRange);
  if (machine.Fails("alloc:iopt_pages")) return Failure(sim::Errno::kNOMEM, rules::kPagesAlloc);
  if (machine.Fails("alloc:dma_buf_attachment")) {
    return Failure(sim::Errno::kNOMEM, rules::kDmabufAttach);
  }
  if (source.revoked) return Failure(sim::Errno::kNODEV, rules::kDmabufRevoked);
  if (source.ranges != 1) return Failure(sim::Errno::kOPNOTSUPP, rules::kDmabufRanges);
  return Success();
}

}  // namespace

Result IoPagetable::MapDmabuf(Machine& machine, PagesStore& store, const DmabufSource& source,
                              uint64_t start, uint64_t length, uint64_t* iova, unsigned rights,
                              bool alloc_iova) {
  const Result checked = CheckDmabuf(machine, source, start, length);
  if (!checked.ok()) {
    store.ReleaseFile(source.file);
    return checked;
  }
  const uint64_t start_byte = start & ~sim::kPageMask;
  const PagesId id = store.Add(machine, PagesSource::kDmabuf, start - start_byte, start_byte,
                               length, (rights & hwmodel::kWrite) != 0, /*mm_accounting=*/false);
  Pages& pages = store.at(id);
  pages.object = source.dmabuf;
  pages.file = source.file;
  pages.dmabuf_first = source.first + (pages.base >> sim::kPageShift);
  const PagesSlice slice{id, start_byte, length};
  return MapSlices(machine, store, {&slice, 1}, length, iova, rights, alloc_iova);
}

}  // namespace iovalid::ioas
