// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/pci_device.h"

#include <algorithm>

namespace iovalid::hwmodel {
namespace {

// `move(page, offset, done, chunk)` moves one piece that lies within a page; false: no such page.
template <typename Move>
DmaResult Transfer(Iommu& iommu, SourceId source, uint64_t iova, uint64_t len, unsigned access,
                   Move move) {
  DmaResult result;
  while (result.bytes < len) {
    const uint64_t at = iova + result.bytes;
    // A request never crosses a 4 KiB boundary, so each page is translated for itself.
    const uint64_t offset = at & (sim::kPageSize - 1);
    const Iommu::Translation t = iommu.Translate(source, at, access);
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

}  // namespace

DmaResult PciDevice::Read(Iommu& iommu, sim::PageData& memory, uint64_t iova, void* to,
                          uint64_t len) const {
  return Transfer(iommu, source_, iova, len, kRead,
                  [&](sim::PageId page, uint64_t offset, uint64_t done, uint64_t chunk) {
                    return memory.ReadPage(page, offset, static_cast<char*>(to) + done, chunk);
                  });
}

DmaResult PciDevice::Write(Iommu& iommu, sim::PageData& memory, uint64_t iova, const void* from,
                           uint64_t len) const {
  return Transfer(iommu, source_, iova, len, kWrite,
                  [&](sim::PageId page, uint64_t offset, uint64_t done, uint64_t chunk) {
                    return memory.WritePage(page, offset, static_cast<const char*>(from) + done,
                                            chunk);
                  });
}

}  // namespace iovalid::hwmodel
