// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_PCI_DEVICE_H_
#define IOVALID_HWMODEL_PCI_DEVICE_H_

#include <cstddef>
#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/fault_log.h"
#include "hwmodel/iommu.h"
#include "sim/page_data.h"

namespace iovalid::hwmodel {

// How a DMA transfer ended.
struct DmaResult {
  enum class Stop : uint8_t {
    kDone,       // all bytes moved
    kFault,      // the IOMMU blocked the next byte: `reason`
    kInterrupt,  // the next byte is in the MSI window (a write: an interrupt message was sent)
    kNoMemory,   // translated, but no such page exists
  };
  // Bytes moved, counted from the start.
  uint64_t bytes = 0;
  Stop stop = Stop::kDone;
  FaultReason reason = FaultReason::kNone;
};

// A PCI function's DMA engine: moves bytes through translations and nothing else, page by page in
// ascending order. What was moved before a fault stays moved. No transfer is atomic as a whole:
// each piece within a page is, and others may come between two of them.
class PciDevice {
 public:
  explicit PciDevice(SourceId source) : source_(source) {}

  SourceId source() const { return source_; }

  // Memory to device: `len` bytes at byte address `iova`.
  DmaResult Read(Iommu& iommu, sim::PageData& memory, uint64_t iova, void* to, uint64_t len) const;
  // Device to memory.
  DmaResult Write(Iommu& iommu, sim::PageData& memory, uint64_t iova, const void* from,
                  uint64_t len) const;

  // The same through a unit alone, whose tables are in `tables`; with a PASID or without.
  DmaResult Read(Unit& unit, PhysicalMemory& tables, sim::PageData& memory, uint64_t iova, void* to,
                 uint64_t len, Pasid pasid = kNoPasid) const;
  DmaResult Write(Unit& unit, PhysicalMemory& tables, sim::PageData& memory, uint64_t iova,
                  const void* from, uint64_t len, Pasid pasid = kNoPasid) const;

 private:
  SourceId source_;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_PCI_DEVICE_H_
