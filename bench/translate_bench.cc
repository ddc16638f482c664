// SPDX-License-Identifier: Apache-2.0
// What a translation and a mapping cost, for VT-d second-stage tables and for RISC-V Sv48: one
// unit, one domain, everything on (rights, faults, domain and PASID tags, dirty bits,
// invalidation). items_per_second counts translations or page-table entries. Yardsticks of the same
// run: BM_NaiveWalk (the test walker), BM_Memcpy8 (one 8-byte load and store at a random place of
// 512 KiB).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "hwmodel/hwmodel.h"
#include "hwmodel/iommu.h"
#include "hwmodel/naive_formats.h"
#include "hwmodel/naive_walk.h"

namespace iovalid::hwmodel {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint32_t kWalkPages = 65536;
constexpr uint64_t kBase = uint64_t{1} << 32;
constexpr uint64_t kData = uint64_t{1} << 33;  // where the pages lead to, off by one page
constexpr unsigned kRw = kRead | kWrite;

// A permutation of [0, n), n a power of two, the same in every run.
std::vector<uint32_t> RandomOrder(uint32_t n) {
  std::vector<uint32_t> order(n);
  for (uint32_t i = 0; i < n; ++i) order[i] = i;
  uint64_t state = 12345;
  for (uint32_t i = n - 1; i > 0; --i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    std::swap(order[i], order[(state >> 33) % (i + 1)]);
  }
  return order;
}

IoPageTableConfig TableConfig(FormatId format, unsigned bits = 48) {
  IoPageTableConfig config;
  config.format = format;
  config.input_bits = bits;
  config.ad = AdMode::kHardware;
  return config;
}

struct Bench {
  explicit Bench(FormatId format, const UnitConfig& config = {})
      : unit(config), table(memory, TableConfig(format), 1) {
    Context context;
    context.mode = Context::Mode::kSecond;
    context.domain = 1;
    context.second = table.stage();
    context.pasids = true;
    unit.SetContext(0, context);
  }
  void MapWalkPages() { table.Map(memory, kBase, kData + kPage, kWalkPages * kPage, kRw); }
  Translation Read(uint64_t address) { return unit.Translate(memory, {0, address, kRead}); }

  TableMemory memory;
  Unit unit;
  IoPageTable table;
};

// 1,024 live entries in random order.
void BM_IotlbHit(benchmark::State& state, FormatId format) {
  constexpr uint32_t kLive = 1024;
  Bench b(format);
  b.MapWalkPages();
  const std::vector<uint32_t> order = RandomOrder(kLive);
  for (const uint32_t page : order) b.Read(kBase + page * kPage);
  if (b.unit.iotlb().size() != kLive) state.SkipWithError("not every page is cached");
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.Read(kBase + order[i++ % kLive] * kPage));
  }
  state.SetItemsProcessed(state.iterations());
}

// 65,536 pages of one range in random order, the IOTLB off; with paging-structure caches of 64 sets
// of 4 ways a level, or without any.
void Walk(benchmark::State& state, FormatId format, unsigned walk_cache_sets) {
  UnitConfig config;
  config.iotlb_sets_4k = 0;
  config.walk_cache_sets = walk_cache_sets;
  Bench b(format, config);
  b.MapWalkPages();
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.Read(kBase + order[i++ % kWalkPages] * kPage));
  }
  state.SetItemsProcessed(state.iterations());
}
void BM_Walk4Level(benchmark::State& state, FormatId format) { Walk(state, format, 64); }
void BM_Walk4LevelUncached(benchmark::State& state, FormatId format) { Walk(state, format, 0); }

// A four-level first stage over a four-level second stage of 4 KiB pages, as BM_Walk4Level.
void BM_WalkNested(benchmark::State& state, FormatId first_format, FormatId second_format) {
  UnitConfig config;
  config.iotlb_sets_4k = 0;
  TableMemory memory;
  Unit unit(config);
  IoPageTable first(memory, TableConfig(first_format), 1);
  const unsigned bits = second_format == FormatId::kRiscvGStage ? 50 : 48;
  IoPageTable second(memory, TableConfig(second_format, bits), 2);
  first.Map(memory, kBase, kData + kPage, kWalkPages * kPage, kRw);
  // The first stage's tables are at their own place in the guest.
  for (uint64_t frame = 1; frame < 1024; ++frame) {
    second.Map(memory, frame * kPage, frame * kPage, kPage, kRw);
  }
  second.Map(memory, kData + kPage, kData, kWalkPages * kPage, kRw);
  Context context;
  context.mode = Context::Mode::kNested;
  context.first = first.stage();
  context.second = second.stage();
  unit.SetContext(0, context);
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  if (!unit.Translate(memory, {0, kBase, kRead}).ok) state.SkipWithError("not mapped");
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        unit.Translate(memory, {0, kBase + order[i++ % kWalkPages] * kPage, kRead}));
  }
  state.SetItemsProcessed(state.iterations());
}

// A write to a read-only page.
void BM_Fault(benchmark::State& state, FormatId format) {
  Bench b(format);
  b.table.Map(b.memory, kBase, kData, kPage, kRead);
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.unit.Translate(b.memory, {0, kBase, kWrite}));
  }
  state.SetItemsProcessed(state.iterations());
}

// One page invalidated and asked for again, 1,024 in random order.
void BM_InvalidatePageAndTranslate(benchmark::State& state, FormatId format) {
  constexpr uint32_t kLive = 1024;
  Bench b(format);
  b.MapWalkPages();
  const std::vector<uint32_t> order = RandomOrder(kLive);
  for (const uint32_t page : order) b.Read(kBase + page * kPage);
  Invalidation page;
  page.kind = Invalidation::Kind::kIotlbRange;
  page.domain = 1;
  page.leaf_only = true;
  uint32_t i = 0;
  for (auto _ : state) {
    page.address = kBase + order[i++ % kLive] * kPage;
    b.unit.Invalidate(page);
    benchmark::DoNotOptimize(b.Read(page.address));
  }
  state.SetItemsProcessed(state.iterations());
}

// One 4 KiB page a call, ascending, tables there already; unmapped again outside of the time.
void BM_MapPte(benchmark::State& state, FormatId format) {
  Bench b(format);
  constexpr uint64_t kBatch = 4096;
  const auto unmap_all = [&b] {
    for (uint64_t i = 0; i < kBatch; ++i) b.table.Unmap(b.memory, kBase + i * kPage, kPage);
  };
  b.table.Map(b.memory, kBase, kData + kPage, kBatch * kPage, kRw);
  unmap_all();
  uint64_t i = 0;
  for (auto _ : state) {
    if (i == kBatch) {
      state.PauseTiming();
      unmap_all();
      i = 0;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(
        b.table.Map(b.memory, kBase + i * kPage, kData + (2 * i + 1) * kPage, kPage, kRw));
    ++i;
  }
  state.SetItemsProcessed(state.iterations());
}

// 256 pages a call, addresses consecutive but not aligned with the IOVA: 256 entries.
enum class Timed { kMap, kUnmap };
void Batch(benchmark::State& state, FormatId format, Timed timed) {
  Bench b(format);
  constexpr uint64_t kBatch = 256 * kPage;
  constexpr uint64_t kSlots = 64;
  auto map = [&b](uint64_t i) {
    benchmark::DoNotOptimize(
        b.table.Map(b.memory, kBase + i * kBatch, kData + i * kBatch * 3 + kPage, kBatch, kRw));
  };
  auto unmap = [&b](uint64_t i) {
    benchmark::DoNotOptimize(b.table.Unmap(b.memory, kBase + i * kBatch, kBatch));
  };
  for (uint64_t i = 0; i < kSlots; ++i) map(i);
  if (timed == Timed::kMap) {
    for (uint64_t i = 0; i < kSlots; ++i) unmap(i);
  }
  uint64_t i = 0;
  for (auto _ : state) {
    if (i == kSlots) {
      state.PauseTiming();
      for (i = 0; i < kSlots; ++i) timed == Timed::kMap ? unmap(i) : map(i);
      i = 0;
      state.ResumeTiming();
    }
    timed == Timed::kMap ? map(i) : unmap(i);
    ++i;
  }
  state.SetItemsProcessed(state.iterations() * 256);
}
void BM_MapBatch256(benchmark::State& state, FormatId format) { Batch(state, format, Timed::kMap); }
void BM_UnmapBatch256(benchmark::State& state, FormatId format) {
  Batch(state, format, Timed::kUnmap);
}

#define IOVALID_BOTH_FORMATS(function)                                      \
  BENCHMARK_CAPTURE(function, vtd_second_stage, FormatId::kVtdSecondStage); \
  BENCHMARK_CAPTURE(function, sv48, FormatId::kRiscvSv)
IOVALID_BOTH_FORMATS(BM_IotlbHit);
IOVALID_BOTH_FORMATS(BM_Walk4Level);
IOVALID_BOTH_FORMATS(BM_Walk4LevelUncached);
BENCHMARK_CAPTURE(BM_WalkNested, vtd_second_stage, FormatId::kVtdFirstStage,
                  FormatId::kVtdSecondStage);
BENCHMARK_CAPTURE(BM_WalkNested, sv48, FormatId::kRiscvSv, FormatId::kRiscvGStage);
IOVALID_BOTH_FORMATS(BM_Fault);
IOVALID_BOTH_FORMATS(BM_InvalidatePageAndTranslate);
IOVALID_BOTH_FORMATS(BM_MapPte);
IOVALID_BOTH_FORMATS(BM_MapBatch256);
IOVALID_BOTH_FORMATS(BM_UnmapBatch256);
#undef IOVALID_BOTH_FORMATS

void BM_NaiveWalk(benchmark::State& state, FormatId format) {
  Bench b(format);
  b.MapWalkPages();
  const auto read = [&b](uint64_t address, uint64_t* word) {
    const uint64_t* words = b.memory.Words(address / 4096);
    if (words == nullptr) return false;
    *word = words[address % 4096 / 8];
    return true;
  };
  const uint64_t root = uint64_t{b.table.root()} * 4096;
  NaiveUnit vtd;
  vtd.read = read;
  vtd.top_table_address = root;
  vtd.levels = 4;
  vtd.input_width = 48;
  NaiveTables riscv;
  riscv.read = read;
  riscv.top_table_address = root;
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  uint32_t i = 0;
  for (auto _ : state) {
    const uint64_t address = kBase + order[i++ % kWalkPages] * kPage;
    if (format == FormatId::kVtdSecondStage) {
      benchmark::DoNotOptimize(NaiveWalk(vtd, address, true, false));
    } else {
      benchmark::DoNotOptimize(NaiveRiscv(riscv, false, address, true, false));
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(BM_NaiveWalk, vtd_second_stage, FormatId::kVtdSecondStage);
BENCHMARK_CAPTURE(BM_NaiveWalk, sv48, FormatId::kRiscvSv);

void BM_Memcpy8(benchmark::State& state) {
  std::vector<uint64_t> from(kWalkPages);
  std::vector<uint64_t> to(kWalkPages);
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  uint32_t i = 0;
  for (auto _ : state) {
    const uint32_t at = order[i++ % kWalkPages];
    std::memcpy(&to[at], &from[at], 8);
    benchmark::DoNotOptimize(to[at]);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Memcpy8);

// The driver and the unit of the product: legacy VT-d, 39 bits.
struct Legacy {
  Legacy() : domain(iommu.AllocDomain()) { iommu.Attach(0, domain); }
  Iommu iommu{IommuConfig{}};
  DomainId domain;
};

// One 4 KiB page mapped and unmapped, invalidation included.
void BM_IommuMapUnmap(benchmark::State& state) {
  Legacy b;
  b.iommu.Map(b.domain, kBase, 1, 1024, kRw);
  uint64_t i = 0;
  for (auto _ : state) {
    const uint64_t iova = kBase + i++ % 1024 * kPage;
    b.iommu.Unmap(b.domain, iova, kPage);
    benchmark::DoNotOptimize(b.iommu.Map(b.domain, iova, 7 * i + 1, 1, kRw));
  }
}
BENCHMARK(BM_IommuMapUnmap);

// Copying a unit with `range` mappings of one page, and copying it and then mapping a page, as a
// search does.
void BM_IommuCopy(benchmark::State& state) {
  Legacy b;
  const uint64_t mappings = static_cast<uint64_t>(state.range(0));
  for (uint64_t i = 0; i < mappings; ++i) b.iommu.Map(b.domain, kBase + 2 * i * kPage, i, 1, kRw);
  for (auto _ : state) {
    Iommu copy = b.iommu;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(BM_IommuCopy)->Arg(1000)->Arg(100000);

void BM_IommuCopyAndMap(benchmark::State& state) {
  Legacy b;
  for (uint64_t i = 0; i < 1000; ++i) b.iommu.Map(b.domain, kBase + 2 * i * kPage, i, 1, kRw);
  for (auto _ : state) {
    Iommu copy = b.iommu;
    benchmark::DoNotOptimize(copy.Map(b.domain, kBase + kPage, 7, 1, kRw));
  }
}
BENCHMARK(BM_IommuCopyAndMap);

}  // namespace
}  // namespace iovalid::hwmodel
