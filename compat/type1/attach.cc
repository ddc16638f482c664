// SPDX-License-Identifier: Apache-2.0
// Groups joining and leaving a type1 container: vfio_iommu_type1_attach_group, _detach_group,
// _release, vfio_iommu_replay.
#include <algorithm>
#include <iterator>

#include "compat/type1/type1_iommu.h"
#include "sim/state_hash.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;

constexpr Rule kAttachSuspended{"type1.attach.suspended", "vfio_iommu_type1_attach_group",
                                "a mapping is suspended (VADDR), so nothing can be pinned"};
constexpr Rule kAttachTwice{"type1.attach.twice", "vfio_iommu_type1_attach_group",
                            "the group is in the container already"};
constexpr Rule kAttachAlloc{"type1.attach.alloc", "vfio_iommu_type1_attach_group",
                            "no memory for the group or its domain"};
constexpr Rule kAttachNesting{"type1.attach.nesting", "vfio_iommu_type1_attach_group",
                              "the domain does not support nesting"};
constexpr Rule kAttachAperture{"type1.attach.aperture", "vfio_iommu_aper_conflict",
                               "a mapping or the usable range is outside the group's aperture"};
constexpr Rule kAttachReserved{"type1.attach.reserved", "vfio_iommu_resv_conflict",
                               "a mapping meets a reserved region of the group"};
constexpr Rule kAttachNothingLeft{"type1.attach.nothing_left", "vfio_iommu_resv_exclude",
                                  "the reserved regions leave no usable IOVA"};
constexpr Rule kAttachMsi{"type1.attach.msi", "vfio_iommu_type1_attach_group",
                          "interrupts are not isolated and allow_unsafe_interrupts is off"};
constexpr Rule kReplayMap{"type1.attach.replay_map", "vfio_iommu_replay",
                          "the new domain refuses a mapping of the container"};

// The reserved regions of the groups of one IOMMU unit: the MSI window
// (intel_iommu_get_resv_regions). None where the window is empty.
std::vector<IovaRange> ReservedRegions(const hwmodel::Iommu& iommu) {
  if (iommu.config().msi_first > iommu.config().msi_last) return {};
  return {{iommu.config().msi_first, iommu.config().msi_last}};
}

}  // namespace

Domain* Type1Iommu::DomainOf(GroupIndex group) {
  for (Domain& domain : domains_) {
    if (std::count(domain.groups.begin(), domain.groups.end(), group) != 0) return &domain;
  }
  return nullptr;
}

// vfio_update_pgsize_bitmap: sizes below a CPU page are hidden behind it.
void Type1Iommu::UpdatePageSizes(const Kernel& kernel) {
  page_sizes_ = ~uint64_t{0};
  for (const Domain& domain : domains_) page_sizes_ &= kernel.iommu.page_sizes(domain.id);
  if (page_sizes_ & ~sim::kPageMask) page_sizes_ = (page_sizes_ & sim::kPageMask) | sim::kPageSize;
}

Outcome Type1Iommu::CheckConflicts(const Kernel& kernel, hwmodel::DomainId domain) const {
  const uint64_t first = kernel.iommu.aperture_first(domain);
  const uint64_t last = kernel.iommu.aperture_last(domain);
  const bool conflict =
      iova_list_.Disjoint(first, last) ||
      (!iova_list_.empty() && first > iova_list_.first() &&
       index_.Find(iova_list_.first(), first - iova_list_.first()) != kNoDma) ||
      (!iova_list_.empty() && last < iova_list_.last() &&
       index_.Find(last + 1, iova_list_.last() - last) != kNoDma);
  if (conflict) return Fail(Errno::kINVAL, kAttachAperture);
  for (const IovaRange& region : ReservedRegions(kernel.iommu)) {
    if (index_.Find(region.first, region.last - region.first + 1) != kNoDma) {
      return Fail(Errno::kINVAL, kAttachReserved);
    }
  }
  return Ok();
}

Outcome Type1Iommu::AttachGroup(Call& call, GroupIndex group) {
  Kernel& kernel = call.kernel;
  if (suspended_ != 0) return Fail(Errno::kBUSY, kAttachSuspended);
  if (DomainOf(group) != nullptr || HasGroup(group)) return Fail(Errno::kINVAL, kAttachTwice);
  if (call.AllocFails("alloc:vfio_group")) return Fail(Errno::kNOMEM, kAttachAlloc);
  if (kernel.groups[group].kind == DeviceKind::kEmulated) {
    emulated_groups_.insert(emulated_groups_.begin(), group);
    return Ok();
  }
  if (call.AllocFails("alloc:vfio_domain") || call.AllocFails("alloc:iommu_domain")) {
    return Fail(Errno::kNOMEM, kAttachAlloc);
  }
  Domain domain;
  domain.id = kernel.iommu.AllocDomain();
  if (domain.id == hwmodel::kNoDomain) return Fail(Errno::kNOMEM, kAttachAlloc);
  auto give_up = [&](Outcome outcome) {
    kernel.SetGroupDomain(group, hwmodel::kNoDomain);
    kernel.iommu.FreeDomain(domain.id);
    return outcome;
  };
  if (nesting_) return give_up(Fail(Errno::kINVAL, kAttachNesting));
  kernel.SetGroupDomain(group, domain.id);

  Outcome checked = CheckConflicts(kernel, domain.id);
  if (!checked.ok()) return give_up(checked);
  IovaList list = iova_list_;
  list.NarrowTo(kernel.iommu.aperture_first(domain.id), kernel.iommu.aperture_last(domain.id));
  for (const IovaRange& region : ReservedRegions(kernel.iommu)) {
    list.Exclude(region.first, region.last);
  }
  if (list.empty()) return give_up(Fail(Errno::kINVAL, kAttachNothingLeft));
  if (!kernel.parameters.allow_unsafe_interrupts && !kernel.isolated_msi) {
    return give_up(Fail(Errno::kPERM, kAttachMsi));
  }
  domain.enforce_cache_coherency = kernel.iommu.EnforceCacheCoherency(domain.id);

  auto match = std::find_if(domains_.begin(), domains_.end(), [&](const Domain& d) {
    return d.enforce_cache_coherency == domain.enforce_cache_coherency;
  });
  if (match != domains_.end()) {
    kernel.SetGroupDomain(group, match->id);
    kernel.iommu.FreeDomain(domain.id);
    match->groups.insert(match->groups.begin(), group);
  } else {
    Outcome replayed = Replay(call, domain);
    if (!replayed.ok()) return give_up(replayed);
    domain.groups.push_back(group);
    domains_.insert(domains_.begin(), std::move(domain));
    UpdatePageSizes(kernel);
  }
  SetIovaList(std::move(list));
  ++non_pinned_groups_;
  return Ok();
}

// Brings all mappings of the container into a new domain: those in a domain already from its page
// tables, the others by pinning them now (they came while the container had emulated devices only).
Outcome Type1Iommu::Replay(Call& call, const Domain& domain) {
  Kernel& kernel = call.kernel;
  const std::vector<Domain> only_new = {domain};
  auto undo = [&](DmaIndex::Cursor failed) {
    for (auto c = index_.Begin();; c = index_.Next(c)) {
      Dma& dma = dmas_[index_.at(c)];
      if (dma.iommu_mapped) {
        kernel.iommu.Unmap(domain.id, dma.iova, dma.size);
      } else {
        Uncharge(kernel, &dma, UnmapUnpin(kernel, index_.at(c), &dma, only_new));
      }
      if (c == failed) return;
    }
  };
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    Dma& dma = dmas_[index_.at(c)];
    if (!dma.iommu_mapped) {
      uint64_t done = 0;
      Outcome outcome = PinChunks(call, index_.at(c), &dma, dma.size, only_new, &done);
      if (!outcome.ok()) {
        undo(c);
        return outcome;
      }
      continue;
    }
    for (uint64_t pos = 0; pos < dma.size;) {
      const hwmodel::Iommu::Run run = kernel.iommu.Lookup(
          domains_.front().id, dma.iova + pos, (dma.size - pos) >> sim::kPageShift);
      const Errno err =
          kernel.iommu.Map(domain.id, dma.iova + pos, run.first, run.pages, dma.rights);
      if (err != Errno::kOk) {
        undo(c);
        return Fail(err, kReplayMap);
      }
      pos += run.pages << sim::kPageShift;
    }
  }
  for (auto c = index_.Begin(); c; c = index_.Next(c)) dmas_[index_.at(c)].iommu_mapped = true;
  return Ok();
}

void Type1Iommu::SetIovaList(IovaList list) {
  iova_list_ = std::move(list);
  usable_ = sim::Digest();
  for (const IovaRange& range : iova_list_.ranges()) {
    usable_ += sim::HashRange(range.first, range.last);
  }
}

void Type1Iommu::DetachGroup(Kernel& kernel, GroupIndex group) {
  if (std::erase(emulated_groups_, group) != 0) {
    if (emulated_groups_.empty() && domains_.empty()) RemoveAll(kernel);
    return;
  }
  Domain* domain = DomainOf(group);
  if (domain == nullptr) return;
  IovaList list = iova_list_;
  kernel.SetGroupDomain(group, hwmodel::kNoDomain);
  domain->groups.erase(std::find(domain->groups.begin(), domain->groups.end(), group));
  if (domain->groups.empty()) {
    if (domains_.size() == 1) {
      if (emulated_groups_.empty()) {
        RemoveAll(kernel);
      } else {
        Reaccount(kernel);
      }
    }
    kernel.iommu.FreeDomain(domain->id);
    domains_.erase(domains_.begin() + (domain - domains_.data()));
    uint64_t first = 0;
    uint64_t last = ~uint64_t{0};
    for (const Domain& d : domains_) {
      first = std::max(first, kernel.iommu.aperture_first(d.id));
      last = std::min(last, kernel.iommu.aperture_last(d.id));
    }
    list.MoveEndsTo(first, last);
    UpdatePageSizes(kernel);
  }
  // vfio_iommu_resv_refresh: built anew from the outer ends and what the remaining groups reserve;
  // the old list stays where nothing would be left.
  IovaList fresh;
  if (!list.empty()) fresh.NarrowTo(list.first(), list.last());
  if (std::any_of(domains_.begin(), domains_.end(), [](const Domain& d) {
        return !d.groups.empty();
      })) {
    for (const IovaRange& region : ReservedRegions(kernel.iommu)) {
      fresh.Exclude(region.first, region.last);
    }
  }
  if (!fresh.empty()) SetIovaList(std::move(fresh));
  if (std::erase(pinning_groups_, group) != 0) return;
  // With one group less whose writes are unknown: whatever it wrote is dirty once.
  --non_pinned_groups_;
  if (dirty_tracking_) MarkAllDirty();
}

void Type1Iommu::Release(Kernel& kernel) {
  emulated_groups_.clear();
  RemoveAll(kernel);
  for (const Domain& domain : domains_) {
    for (GroupIndex group : domain.groups) kernel.SetGroupDomain(group, hwmodel::kNoDomain);
    kernel.iommu.FreeDomain(domain.id);
  }
  domains_.clear();
}

}  // namespace iovalid::compat::type1
