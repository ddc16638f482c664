// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iommu.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "hwmodel/leaf_walk.h"
#include "hwmodel/page_table.h"
#include "hwmodel/reach_runs.h"
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {
namespace {

using Format = VtdSecondStage;

[[noreturn]] void Broken(std::string_view what) {
  std::fprintf(stderr, "hwmodel: broken invariant: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

unsigned LevelsOf(const IommuConfig& config) {
  const std::string_view error = ConfigError(config);
  if (!error.empty()) Broken(error);
  if (config.levels != 0) return config.levels;
  return config.aw_bits <= 39 ? 3 : config.aw_bits <= 48 ? 4 : 5;
}

UnitConfig HardwareOf(const IommuConfig& config) {
  UnitConfig unit;
  unit.host_address_bits = config.host_address_bits;
  unit.msi_first = config.msi_first;
  unit.msi_last = config.msi_last;
  unit.iotlb_sets_4k = config.iotlb_sets_4k;
  unit.walk_cache_sets = config.walk_cache_sets;
  unit.fault_records = config.fault_records;
  return unit;
}

// The kind of an invalidation of a domain or a range of it.
Invalidation OfDomain(Invalidation::Kind kind, DomainId domain) {
  Invalidation what;
  what.kind = kind;
  what.domain = domain;
  return what;
}

}  // namespace

Iommu::Iommu(const IommuConfig& config)
    : config_(config), levels_(LevelsOf(config)), unit_(HardwareOf(config)) {}

Context Iommu::ContextOf(DomainId domain) const {
  Context context;
  context.mode = Context::Mode::kSecond;
  context.domain = domain;
  const Domain& d = Get(domain);
  context.second =
      MakeStageTables(Format::kId, levels_, config_.aw_bits, uint64_t{d.root} << 12,
                      {config_.host_address_bits, config_.page_sizes, config_.snoop_control},
                      d.dirty_tracking ? AdMode::kHardware : AdMode::kOff);
  return context;
}

const Iommu::Domain& Iommu::Get(DomainId domain) const {
  if (!domain_exists(domain)) Broken("no such domain");
  return domains_[domain];
}

DomainId Iommu::AllocDomain() { return AddDomain(levels_, config_.aw_bits, /*software=*/false); }

DomainId Iommu::AllocSoftwareDomain() {
  constexpr unsigned kLevels = 6;  // the least that hold 64 bits
  return AddDomain(kLevels, 64, /*software=*/true);
}

DomainId Iommu::AddDomain(unsigned levels, unsigned address_bits, bool software) {
  DomainId id = 0;
  while (id < domains_.size() && domains_[id].root != kNoFrame) ++id;
  if (id >= config_.max_domains) return kNoDomain;
  const FrameId root = memory_.Allocate(id);
  if (root == kNoFrame) return kNoDomain;
  if (id == domains_.size()) domains_.emplace_back();
  Domain& domain = domains_[id] = Domain{};
  domain.root = root;
  domain.levels = levels;
  domain.address_bits = address_bits;
  domain.software = software;
  return id;
}

void Iommu::FreeDomain(DomainId domain) {
  Domain& d = Get(domain);
  for (SourceId source = 0; source < contexts_.size(); ++source) {
    if (contexts_[source] == domain) Detach(source);
  }
  InvalidateDomain(domain);
  memory_.FreeOwnedBy(domain);
  d = Domain{};
}

uint64_t Iommu::page_sizes(DomainId domain) const {
  Get(domain);
  return config_.page_sizes;
}

uint64_t Iommu::aperture_first(DomainId domain) const {
  return Get(domain).software ? 0 : config_.aperture_first;
}

uint64_t Iommu::aperture_last(DomainId domain) const {
  return Get(domain).software ? ~uint64_t{0} : config_.aperture_last;
}

bool Iommu::EnforceCacheCoherency(DomainId domain) {
  if (!config_.snoop_control) return false;
  Get(domain).force_snoop = true;
  return true;
}

bool Iommu::SetDirtyTracking(DomainId domain, bool on) {
  Domain& d = Get(domain);
  if (!config_.dirty_tracking) return false;
  d.dirty_tracking = on;
  for (SourceId source = 0; source < contexts_.size(); ++source) {
    if (contexts_[source] == domain) Attach(source, domain);
  }
  return true;
}

void Iommu::ReadDirty(DomainId domain, uint64_t first_iova, uint64_t last_iova, bool clear,
                      absl::FunctionRef<void(uint64_t iova, uint64_t bytes)> dirty) {
  const Domain& d = Get(domain);
  last_iova = std::min(last_iova, BitsBelow(d.address_bits));
  if (first_iova > last_iova) return;
  PageTable<Format> table(memory_, {d.root, d.levels, domain});
  table.ReadDirty(first_iova >> sim::kPageShift, last_iova >> sim::kPageShift, clear,
                  [&dirty](uint64_t page, uint64_t pages) {
                    dirty(page << sim::kPageShift, pages << sim::kPageShift);
                  });
}

void Iommu::Attach(SourceId source, DomainId domain) {
  if (Get(domain).software) Broken("no hardware translates for this domain");
  Detach(source);
  if (source >= contexts_.size()) contexts_.resize(source + 1, kNoDomain);
  contexts_[source] = domain;
  unit_.SetContext(source, ContextOf(domain));
  // domain_context_mapping_one: with caching mode the driver flushes what the unit may have cached
  // for the new context entry's domain.
  if (config_.caching_mode) InvalidateDomain(domain);
}

void Iommu::Detach(SourceId source) {
  const DomainId old = attached(source);
  if (old == kNoDomain) return;
  contexts_[source] = kNoDomain;
  unit_.ClearContext(source);
  // domain_context_clear_one: the context of the source, then the domain's translations.
  Invalidation context;
  context.kind = Invalidation::Kind::kContextOfSource;
  context.source = source;
  unit_.Invalidate(context);
  InvalidateDomain(old);
}

void Iommu::InvalidateDomain(DomainId domain) {
  unit_.Invalidate(OfDomain(Invalidation::Kind::kIotlbDomain, domain));
}

void Iommu::InvalidateAll() { unit_.Invalidate({}); }

sim::Digest Iommu::reach_of_source(SourceId source) const {
  const DomainId domain = attached(source);
  return domain == kNoDomain ? sim::Digest{} : Get(domain).reach;
}

sim::Errno Iommu::MapNoSync(DomainId domain, uint64_t iova, sim::PageId first, uint64_t pages,
                            unsigned rights, bool small_pages_only) {
  Domain& d = Get(domain);
  const DriverRules& rules = config_.rules;
  rights &= kRead | kWrite;
  if (rights == 0) return rules.map_no_rights;
  // The format holds 52 address bits, whatever the host has.
  constexpr uint64_t kMaxFrames = uint64_t{1} << (52 - sim::kPageShift);
  if (first >= kMaxFrames || pages > kMaxFrames - first) return rules.map_frame_too_high;
  if (pages == 0) return rules.map_empty;
  if ((iova & (sim::kPageSize - 1)) != 0) return rules.map_misaligned;
  const uint64_t page = iova >> sim::kPageShift;
  const uint64_t last = page + pages - 1;
  if (last >> (64 - sim::kPageShift) != 0) return rules.map_wraps;
  if (last >> (d.address_bits - sim::kPageShift) != 0) return rules.map_outside;

  if (rights == kWrite && rules.write_implies_read) rights |= kRead;
  PageTable<Format> table(memory_, {d.root, d.levels, domain});
  PageAttributes attributes;
  attributes.force_snoop = d.force_snoop;
  uint64_t done = 0;
  const sim::Errno error =
      table.Map(page, first, pages, Format::Attributes(rights, attributes),
                small_pages_only ? kSize4K : config_.page_sizes, rules, &d.reach, &done);
  // The table that a large leaf took the place of may be known to the unit.
  if (table.freed_tables()) InvalidateRange(domain, iova, pages << sim::kPageShift);
  // What it had mapped up to the error goes again, as iommu_map_nosync does it.
  if (error != sim::Errno::kOk && done != 0) Unmap(domain, iova, done << sim::kPageShift);
  return error;
}

sim::Errno Iommu::Map(DomainId domain, uint64_t iova, sim::PageId first, uint64_t pages,
                      unsigned rights, bool small_pages_only) {
  const sim::Errno error = MapNoSync(domain, iova, first, pages, rights, small_pages_only);
  // intel_iommu_iotlb_sync_map: without caching mode nothing not present is ever cached.
  if (error == sim::Errno::kOk && config_.caching_mode && pages != 0) {
    InvalidateRange(domain, iova, pages << sim::kPageShift);
  }
  return error;
}

uint64_t Iommu::UnmapNoSync(DomainId domain, uint64_t iova, uint64_t bytes) {
  Domain& d = Get(domain);
  if (bytes == 0 || ((iova | bytes) & (sim::kPageSize - 1)) != 0) return 0;
  const uint64_t page = iova >> sim::kPageShift;
  const uint64_t last = page + (bytes >> sim::kPageShift) - 1;
  if (last >> (d.address_bits - sim::kPageShift) != 0) return 0;
  PageTable<Format> table(memory_, {d.root, d.levels, domain});
  return table.Unmap(page, last, config_.page_sizes, config_.rules, &d.reach) << sim::kPageShift;
}

uint64_t Iommu::Unmap(DomainId domain, uint64_t iova, uint64_t bytes) {
  const uint64_t unmapped = UnmapNoSync(domain, iova, bytes);
  if (unmapped != 0) InvalidateRange(domain, iova, unmapped);
  return unmapped;
}

void Iommu::InvalidateRange(DomainId domain, uint64_t iova, uint64_t bytes) {
  if (bytes == 0 || (iotlb().size() == 0 && walk_cache().size() == 0)) return;
  // calculate_psi_aligned_address: the aligned power of two that spans first and last byte.
  const uint64_t last = iova + (bytes - 1);
  const unsigned size_log2 = static_cast<unsigned>(std::bit_width(iova ^ last));
  const unsigned pages_log2 = size_log2 <= sim::kPageShift ? 0 : size_log2 - sim::kPageShift;
  if (last < iova || !config_.page_selective || pages_log2 > config_.max_invalidate_log2) {
    InvalidateDomain(domain);
  } else {
    Invalidation range = OfDomain(Invalidation::Kind::kIotlbRange, domain);
    range.address = iova;
    range.size_log2 = static_cast<uint8_t>(sim::kPageShift + pages_log2);
    unit_.Invalidate(range);
  }
}

Iommu::Run Iommu::Lookup(DomainId domain, uint64_t iova, uint64_t max_pages) const {
  const Domain& d = Get(domain);
  Run run;
  const uint64_t page = iova >> sim::kPageShift;
  const uint64_t table_last = BitsBelow(d.address_bits) >> sim::kPageShift;
  if (page > table_last || max_pages == 0) return run;
  const uint64_t last = page + std::min(max_pages - 1, table_last - page);
  auto visit = [&run, page, last](uint64_t entry, unsigned level, uint64_t start) {
    const uint64_t from = std::max(start, page);
    const sim::PageId frame = LeafPage<Format>(entry, level) + (from - start);
    if (!run.mapped) {
      if (from != page) return false;
      run = {true, frame, 0, Format::RightsOf(entry)};
    } else if (from != page + run.pages || frame != run.first + run.pages ||
               Format::RightsOf(entry) != run.rights) {
      return false;
    }
    run.pages = std::min(start + EntryPages<Format>(level) - 1, last) - page + 1;
    return true;
  };
  ForEachLeaf<Format>(memory_, d.root, d.levels, page, last, visit);
  return run;
}

void Iommu::ForEachRun(
    DomainId domain, uint64_t first_iova, uint64_t last_iova,
    absl::FunctionRef<void(uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights)> run)
    const {
  const Domain& d = Get(domain);
  last_iova = std::min(last_iova, BitsBelow(d.address_bits));
  if (first_iova > last_iova) return;
  const uint64_t page = first_iova >> sim::kPageShift;
  const uint64_t last = last_iova >> sim::kPageShift;
  RunJoiner joiner([&run](const MappedRun& r) {
    run(r.iova_page << sim::kPageShift, r.first, r.pages, r.rights);
  });
  auto visit = [&joiner, page, last](uint64_t entry, unsigned level, uint64_t start) {
    const uint64_t from = std::max(start, page);
    const uint64_t to = std::min(start + EntryPages<Format>(level) - 1, last);
    joiner.Add(from, LeafPage<Format>(entry, level) + (from - start), to - from + 1,
               Format::RightsOf(entry));
    return true;
  };
  ForEachLeaf<Format>(memory_, d.root, d.levels, page, last, visit);
  joiner.Flush();
}

}  // namespace iovalid::hwmodel
