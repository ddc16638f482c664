// SPDX-License-Identifier: Apache-2.0
// Domains of an IOAS, its alignment, and what is reserved and allowed.
#include <algorithm>
#include <utility>

#include "ioas/io_pagetable.h"
#include "ioas/rules.h"

namespace iovalid::ioas {
namespace {

uint64_t LowestBit(uint64_t bits) { return bits & (~bits + 1); }

}  // namespace

Result IoPagetable::SetAllowed(std::vector<IovaRange> allowed) {
  std::sort(allowed.begin(), allowed.end(),
            [](const IovaRange& a, const IovaRange& b) { return a.first < b.first; });
  for (const IovaRange& range : allowed) {
    if (reserved_.Overlaps(range.first, range.last)) {
      return Failure(sim::Errno::kADDRINUSE, rules::kAllowedReserved);
    }
  }
  allowed_ = std::move(allowed);
  return Success();
}

Result IoPagetable::Reserve(const Machine& machine, uint64_t first, uint64_t last,
                            OwnerToken owner) {
  const bool allowed = std::any_of(allowed_.begin(), allowed_.end(), [&](const IovaRange& range) {
    return Overlaps(range, first, last);
  });
  if (allowed || areas_.FirstOverlap(first, last)) {
    return Failure(sim::Errno::kADDRINUSE, rules::kReserveInUse);
  }
  if (machine.Fails("alloc:iopt_reserved")) {
    return Failure(sim::Errno::kNOMEM, rules::kReserveAlloc);
  }
  reserved_.Add(first, last, owner);
  return Success();
}

Result IoPagetable::DisableLargePages(const Machine& machine) {
  if (large_pages_disabled_) return Success();
  if (!domains_.empty() && !areas_.empty()) {
    return Failure(sim::Errno::kINVAL, rules::kLargePagesInUse);
  }
  large_pages_disabled_ = true;
  const Result result = RecalculateAlignment(machine);
  if (!result.ok()) large_pages_disabled_ = false;
  return result;
}

void IoPagetable::EnableLargePages(const Machine& machine) {
  large_pages_disabled_ = false;
  (void)RecalculateAlignment(machine);
}

Result IoPagetable::AddDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain) {
  const hwmodel::Iommu& iommu = machine.iommu;
  const uint64_t alignment = std::max(LowestBit(iommu.page_sizes(domain)), iova_alignment_);
  if (alignment > sim::kPageSize) {
    return Failure(sim::Errno::kINVAL, rules::kDomainPageSize);
  }
  if (alignment != iova_alignment_) {
    const Result result = CheckAlignment(alignment);
    if (!result.ok()) return result;
  }
  const OwnerToken owner = DomainOwner(domain);
  Result result;
  if (iommu.aperture_first(domain) != 0) {
    result = Reserve(machine, 0, iommu.aperture_first(domain) - 1, owner);
  }
  if (result.ok() && iommu.aperture_last(domain) != ~uint64_t{0}) {
    result = Reserve(machine, iommu.aperture_last(domain) + 1, ~uint64_t{0}, owner);
  }
  if (result.ok()) result = FillDomain(machine, store, domain);
  if (!result.ok()) {
    reserved_.RemoveOwner(owner);
    return result;
  }
  iova_alignment_ = alignment;
  domains_.push_back(domain);
  return result;
}

// iopt_fill_domain: maps all areas in a new domain, ascending; on a failure none is left.
Result IoPagetable::FillDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain) {
  for (auto c = areas_.Begin(); c; c = areas_.Next(c)) {
    const Result result = FillArea(machine, store, areas_.entry(c), {&domain, 1});
    if (result.ok()) continue;
    for (auto done = areas_.Begin(); done != c; done = areas_.Next(done)) {
      if (domains_.empty()) {
        UnfillArea(machine, store, areas_.entry(done), {&domain, 1});
      } else {
        UnmapFrom(machine, store.at(areas_.value(done).pages), domain, areas_.entry(done));
      }
    }
    return result;
  }
  return Success();
}

void IoPagetable::RemoveDomain(Machine& machine, PagesStore& store, hwmodel::DomainId domain) {
  const auto at = std::find(domains_.begin(), domains_.end(), domain);
  if (at == domains_.end()) return;
  // The last domain of the array takes the free place.
  *at = domains_.back();
  domains_.pop_back();
  for (auto c = areas_.Begin(); c; c = areas_.Next(c)) {
    if (domains_.empty()) {
      UnfillArea(machine, store, areas_.entry(c), {&domain, 1});
    } else {
      UnmapFrom(machine, store.at(areas_.value(c).pages), domain, areas_.entry(c));
    }
  }
  reserved_.RemoveOwner(DomainOwner(domain));
  (void)RecalculateAlignment(machine);
}

void IoPagetable::UnmapRevoked(Machine& machine, PagesStore& store, PagesId pages) {
  for (auto c = areas_.Begin(); c; c = areas_.Next(c)) {
    if (areas_.value(c).pages != pages) continue;
    for (hwmodel::DomainId domain : domains_) {
      UnmapFrom(machine, store.at(pages), domain, areas_.entry(c));
    }
  }
}

Result IoPagetable::CheckAlignment(uint64_t alignment) const {
  const uint64_t mask = alignment - 1;
  for (auto c = areas_.Begin(); c; c = areas_.Next(c)) {
    const uint64_t length = areas_.last(c) - areas_.first(c) + 1;
    if (((areas_.first(c) | length | areas_.value(c).page_offset) & mask) != 0) {
      return Failure(sim::Errno::kADDRINUSE, rules::kAreasMisaligned);
    }
  }
  return Success();
}

// iopt_calculate_iova_alignment.
Result IoPagetable::RecalculateAlignment(const Machine& machine) {
  uint64_t alignment = large_pages_disabled_ || !accesses_.empty() ? sim::kPageSize : 1;
  for (hwmodel::DomainId domain : domains_) {
    alignment = std::max(alignment, LowestBit(machine.iommu.page_sizes(domain)));
  }
  if (alignment > iova_alignment_) {
    const Result result = CheckAlignment(alignment);
    if (!result.ok()) return result;
  }
  iova_alignment_ = alignment;
  return Success();
}

}  // namespace iovalid::ioas
