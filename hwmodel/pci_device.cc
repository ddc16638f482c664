// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/pci_device.h"

#include <algorithm>

namespace iovalid::hwmodel {
namespace {

// `translate(iova)` gives a Translation. `move(page, offset, done, chunk)` moves one piece that
// lies within a page; false: no such page.
template <typename Translate, typename Move>
DmaResult Transfer(uint64_t iova, uint64_t len, Translate translate, Move move) {
  DmaResult result;
  while (result.bytes < len) {
    const uint64_t at = iova + result.bytes;
    // A request never crosses a 4 KiB boundary, so each page is translated for itself.
    const Translation t = translate(at);
    const uint64_t offset = t.address & (sim::kPageSize - 1);
    if (!t.ok) {
      result.stop = t.interrupt ? DmaResult::Stop::kInterrupt : DmaResult::Stop::kFault;
      result.reason = t.reason;
      return result;
    }
    const uint64_t chunk =
        std::min({len - result.bytes, sim::kPageSize - offset, t.bytes_left_in_run});
    if (!move(t.page, offset, result.bytes, chunk)) {
      result.stop = DmaResult::Stop::kNoMemory;
      return result;
    }
    result.bytes += chunk;
  }
  return result;
}

auto MoveOut(sim::PageData& memory, void* to) {
  return [&memory, to](sim::PageId page, uint64_t offset, uint64_t done, uint64_t chunk) {
    return memory.ReadPage(page, offset, static_cast<char*>(to) + done, chunk);
  };
}

auto MoveIn(sim::PageData& memory, const void* from) {
  return [&memory, from](sim::PageId page, uint64_t offset, uint64_t done, uint64_t chunk) {
    return memory.WritePage(page, offset, static_cast<const char*>(from) + done, chunk);
  };
}

}  // namespace

DmaResult PciDevice::Read(Iommu& iommu, sim::PageData& memory, uint64_t iova, void* to,
                          uint64_t len) const {
  return Transfer(
      iova, len, [&](uint64_t at) { return iommu.Translate(source_, at, kRead); },
      MoveOut(memory, to));
}

DmaResult PciDevice::Write(Iommu& iommu, sim::PageData& memory, uint64_t iova, const void* from,
                           uint64_t len) const {
  return Transfer(
      iova, len, [&](uint64_t at) { return iommu.Translate(source_, at, kWrite); },
      MoveIn(memory, from));
}

DmaResult PciDevice::Read(Unit& unit, PhysicalMemory& tables, sim::PageData& memory, uint64_t iova,
                          void* to, uint64_t len, Pasid pasid) const {
  return Transfer(
      iova, len,
      [&](uint64_t at) {
        return unit.Translate(tables, {source_, at, kRead, pasid});
      },
      MoveOut(memory, to));
}

DmaResult PciDevice::Write(Unit& unit, PhysicalMemory& tables, sim::PageData& memory, uint64_t iova,
                           const void* from, uint64_t len, Pasid pasid) const {
  return Transfer(
      iova, len,
      [&](uint64_t at) {
        return unit.Translate(tables, {source_, at, kWrite, pasid});
      },
      MoveIn(memory, from));
}

}  // namespace iovalid::hwmodel
