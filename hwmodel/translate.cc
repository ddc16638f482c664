// SPDX-License-Identifier: Apache-2.0
// The hardware half of Iommu: what happens to a DMA request.
#include <algorithm>

#include "hwmodel/iommu.h"

namespace iovalid::hwmodel {

using Format = VtdSecondStage;

Iommu::Translation Iommu::Fault(SourceId source, uint64_t iova, unsigned access, FaultReason reason,
                                unsigned level) {
  faults_.Record({source, iova >> sim::kPageShift, access, reason, static_cast<uint8_t>(level)});
  Translation t;
  t.reason = reason;
  return t;
}

Iommu::Translation Iommu::Translated(uint64_t iova, sim::PageId page, unsigned size_log2) const {
  const uint64_t size = uint64_t{1} << size_log2;
  Translation t;
  t.ok = true;
  t.page = page;
  t.bytes_left_in_run = size - (iova & (size - 1));
  if (iova < config_.msi_first) {
    t.bytes_left_in_run = std::min(t.bytes_left_in_run, config_.msi_first - iova);
  }
  return t;
}

Iommu::Translation Iommu::Translate(SourceId source, uint64_t iova, unsigned access) {
  // Section 3.14 "Handling Requests to Interrupt Address Range": before any remapping.
  if (iova >= config_.msi_first && iova <= config_.msi_last) {
    Translation t;
    t.interrupt = true;
    return t;
  }
  const DomainId domain = attached(source);
  if (domain == kNoDomain) {
    return Fault(source, iova, access, FaultReason::kContextNotPresent, 0);
  }
  if (iova >> config_.aw_bits != 0) {
    return Fault(source, iova, access, FaultReason::kAddressBeyondWidth, 0);
  }
  Iotlb::Entry entry;
  // Where a cached entry lacks a right, the tables decide before a fault is reported.
  if (iotlb_.Find(domain, iova, &entry) && (access & ~entry.rights) == 0) {
    return Translated(iova, entry.page, entry.size_log2);
  }
  return Walk(source, domain, iova, access);
}

Iommu::Translation Iommu::Walk(SourceId source, DomainId domain, uint64_t iova, unsigned access) {
  const uint64_t page = iova >> sim::kPageShift;
  unsigned rights = kRead | kWrite;
  uint64_t frame = domains_[domain].root;
  for (unsigned level = levels_;; --level) {
    const TableFrame* table = memory_.Find(frame);
    if (table == nullptr) {
      return Fault(source, iova, access, FaultReason::kTableAccessError, level);
    }
    const uint64_t entry =
        table->entry[page >> (Format::kIndexBits * (level - 1)) & (kFrameEntries - 1)];
    rights &= Format::RightsOf(entry);
    const unsigned missing = access & ~Format::RightsOf(entry);
    if (missing != 0 || !Format::Present(entry)) {
      const FaultReason reason = (access & kWrite & ~rights) != 0 ? FaultReason::kWriteNotPermitted
                                                                  : FaultReason::kReadNotPermitted;
      return Fault(source, iova, access, reason, level);
    }
    if (Format::IsLeaf(entry, level)) {
      if ((entry & limits_.reserved_in_leaf[level]) != 0) {
        return Fault(source, iova, access, FaultReason::kReservedBit, level);
      }
      const sim::PageId first = Format::PageOf(entry, level);
      const unsigned size_log2 = Format::EntrySizeLog2(level);
      iotlb_.Fill(domain, iova, first, rights, size_log2);
      return Translated(iova, first + (page & (Format::EntryPages(level) - 1)), size_log2);
    }
    if ((entry & limits_.reserved_in_table[level]) != 0) {
      return Fault(source, iova, access, FaultReason::kReservedBit, level);
    }
    frame = Format::TableFrameOf(entry);
  }
}

}  // namespace iovalid::hwmodel
