// SPDX-License-Identifier: Apache-2.0
#include "compat/type1/type1_iommu.h"

#include <algorithm>

#include "sim/state_hash.h"

namespace iovalid::compat::type1 {

namespace {
constexpr Rule kUnknownIoctl{"type1.ioctl.unknown", "vfio_iommu_type1_ioctl",
                             "type1 has no such ioctl"};
}  // namespace

Type1Iommu::Type1Iommu(const Kernel& kernel, uint64_t type)
    : v2_(type != abi::kVfioType1Iommu),
      nesting_(type == abi::kVfioType1NestingIommu),
      dma_avail_(kernel.parameters.dma_entry_limit),
      index_(kernel.profile->type1.exclusive_ends) {}

Outcome Type1Iommu::Ioctl(Call& call, uint32_t cmd, uint64_t arg) {
  switch (cmd) {
    case abi::kVfioCheckExtension:
      return Ok(CheckExtension(call.profile(), arg));
    case abi::kVfioIommuGetInfo:
      return GetInfo(call, arg);
    case abi::kVfioIommuMapDma:
      return MapDma(call, arg);
    case abi::kVfioIommuUnmapDma:
      return UnmapDma(call, arg);
    case abi::kVfioIommuDirtyPages:
      return DirtyPages(call, arg);
    default:
      return Fail(sim::Errno::kNOTTY, kUnknownIoctl);
  }
}

bool Type1Iommu::HasDomain(hwmodel::DomainId domain) const {
  return std::any_of(domains_.begin(), domains_.end(),
                     [&](const Domain& d) { return d.id == domain; });
}

void Type1Iommu::AddTo(StateSnapshot* snapshot) const {
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    const Dma& dma = dmas_[index_.at(c)];
    snapshot->mappings.push_back({dma.iova, dma.iova + (dma.size - 1), dma.rights, dma.vaddr});
    if (dma.bitmap == 0) continue;
    const std::vector<uint64_t>& words = bitmaps_[dma.bitmap - 1];
    for (uint64_t page = 0; page < dma.size >> PageShift(); ++page) {
      if ((words[page / 64] >> (page % 64) & 1) == 0) continue;
      const uint64_t first = dma.iova + (page << PageShift());
      snapshot->dirty.push_back({first, first + (PageBytes() - 1)});
    }
  }
  for (const IovaRange& range : iova_list_.ranges()) {
    snapshot->usable.push_back({range.first, range.last});
  }
  snapshot->charged_pages += charged_pages_;
  snapshot->dma_avail = dma_avail_;
}

sim::Digest Type1Iommu::DirtyDigest() const {
  sim::Digest digest;
  if (!dirty_tracking_) return digest;
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    const Dma& dma = dmas_[index_.at(c)];
    // Every GET reports all pages of mapped memory while a group's writes are unknown.
    if (non_pinned_groups_ != 0 && dma.iommu_mapped) {
      digest += sim::HashRange(dma.iova, dma.iova + (dma.size - 1));
    } else if (dma.bitmap != 0) {
      for (uint64_t word : bitmaps_[dma.bitmap - 1]) digest += sim::HashWords('d', dma.iova, word);
    }
  }
  return digest;
}

sim::Digest Type1Iommu::IdentityDigest() const {
  sim::Digest digest = sim::HashWords('1', v2_ | nesting_ << 1 | dirty_tracking_ << 2, dma_avail_,
                                      page_sizes_, non_pinned_groups_);
  uint64_t position = 0;
  for (GroupIndex group : emulated_groups_) digest += sim::HashWords('e', position++, group);
  for (GroupIndex group : pinning_groups_) digest += sim::HashWords('p', group);
  for (DeviceIndex device : devices_) digest += sim::HashWords('r', position++, device);
  for (const Domain& domain : domains_) {
    for (GroupIndex group : domain.groups) {
      digest += sim::HashWords('g', position++, domain.enforce_cache_coherency, group);
    }
    ++position;
  }
  for (const IovaRange& range : iova_list_.ranges()) {
    digest += sim::HashWords('l', range.first, range.last);
  }
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    const Dma& dma = dmas_[index_.at(c)];
    digest += sim::HashWords('m', dma.iova, dma.size, dma.vaddr,
                             dma.rights | dma.iommu_mapped << 2 | dma.lock_cap << 3 |
                                 dma.vaddr_invalid << 4 | dma.has_reserved << 5 |
                                 uint64_t{dma.task} << 8 | uint64_t{dma.mm} << 36);
    digest += sim::HashWords('c', dma.iova, dma.locked_pages);
    external_.ForEach(index_.at(c), [&](uint64_t iova, const ExternalPin& pin) {
      digest += sim::HashWords('x', iova, pin.frame, pin.refs);
    });
    if (dma.bitmap == 0) continue;
    uint64_t index = 0;
    for (uint64_t word : bitmaps_[dma.bitmap - 1]) {
      digest += sim::HashWords('d', dma.iova, index++, word);
    }
  }
  return digest;
}

}  // namespace iovalid::compat::type1
