// SPDX-License-Identifier: Apache-2.0
// What a translation and a mapping cost: VT-d second-stage tables, one domain, everything on
// (rights, faults, domain tags, invalidation). items_per_second counts translations or page-table
// entries. Yardsticks of the same run: BM_NaiveWalk (the test walker), BM_Memcpy8 (one 8-byte load
// and store at a random place of 512 KiB).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "hwmodel/iommu.h"
#include "hwmodel/model_reader.h"
#include "hwmodel/naive_walk.h"

namespace iovalid::hwmodel {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kWalkPages = 65536;
constexpr uint64_t kBase = uint64_t{1} << 32;
constexpr unsigned kRw = kRead | kWrite;

IommuConfig Config(unsigned levels) {
  IommuConfig config;
  config.aw_bits = 12 + 9 * levels;
  config.aperture_last = (uint64_t{1} << config.aw_bits) - 1;
  return config;
}

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

struct Bench {
  explicit Bench(const IommuConfig& config) : iommu(config), domain(iommu.AllocDomain()) {
    iommu.Attach(0, domain);
  }
  Iommu iommu;
  DomainId domain;
};

void BM_IotlbHit(benchmark::State& state) {
  constexpr uint32_t kLive = 1024;
  Bench b(Config(3));
  b.iommu.Map(b.domain, kBase, 1001, kLive, kRw);
  const std::vector<uint32_t> order = RandomOrder(kLive);
  for (const uint32_t page : order) b.iommu.Translate(0, kBase + page * kPage, kRead);
  if (b.iommu.iotlb().size() != kLive) state.SkipWithError("not every page is cached");
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.iommu.Translate(0, kBase + order[i++ % kLive] * kPage, kRead));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_IotlbHit);

// 65,536 pages in random order; an IOTLB of one set instead of none, so that nearly all miss. No
// paging-structure caches.
void Walk(benchmark::State& state, unsigned levels) {
  IommuConfig config = Config(levels);
  config.iotlb_sets_4k = 1;
  Bench b(config);
  b.iommu.Map(b.domain, kBase, 1001, kWalkPages, kRw);
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.iommu.Translate(0, kBase + order[i++ % kWalkPages] * kPage, kRead));
  }
  state.SetItemsProcessed(state.iterations());
}
void BM_Walk3Level(benchmark::State& state) { Walk(state, 3); }
void BM_Walk4Level(benchmark::State& state) { Walk(state, 4); }
BENCHMARK(BM_Walk3Level);
BENCHMARK(BM_Walk4Level);

void BM_Fault(benchmark::State& state) {
  Bench b(Config(4));
  b.iommu.Map(b.domain, kBase, 1001, 1, kRead);
  for (auto _ : state) {
    benchmark::DoNotOptimize(b.iommu.Translate(0, kBase, kWrite));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Fault);

void BM_NaiveWalk(benchmark::State& state) {
  Bench b(Config(3));
  b.iommu.Map(b.domain, kBase, 1001, kWalkPages, kRw);
  const NaiveUnit unit = NaiveUnitFor(b.iommu, b.domain);
  const std::vector<uint32_t> order = RandomOrder(kWalkPages);
  uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(NaiveWalk(unit, kBase + order[i++ % kWalkPages] * kPage, true, false));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_NaiveWalk);

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

// One 4 KiB page a call, ascending, tables there already; unmapped again outside of the time.
void BM_MapPte(benchmark::State& state) {
  Bench b(Config(3));
  constexpr uint64_t kBatch = 4096;
  b.iommu.Map(b.domain, kBase, 1001, kBatch + 1, kRw);
  for (uint64_t i = 0; i < kBatch; ++i) b.iommu.Unmap(b.domain, kBase + i * kPage, kPage);
  uint64_t i = 0;
  for (auto _ : state) {
    if (i == kBatch) {
      state.PauseTiming();
      for (i = 0; i < kBatch; ++i) b.iommu.Unmap(b.domain, kBase + i * kPage, kPage);
      i = 0;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(b.iommu.Map(b.domain, kBase + i * kPage, 2 * i + 1, 1, kRw));
    ++i;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_MapPte);

// 256 pages a call, frames consecutive but not aligned with the IOVA: 256 entries.
enum class Timed { kMap, kUnmap };
void Batch(benchmark::State& state, Timed timed) {
  Bench b(Config(3));
  constexpr uint64_t kBatch = 256;
  constexpr uint64_t kSlots = 64;
  auto map = [&b](uint64_t i) {
    benchmark::DoNotOptimize(
        b.iommu.Map(b.domain, kBase + i * kBatch * kPage, i * kBatch * 3 + 1, kBatch, kRw));
  };
  auto unmap = [&b](uint64_t i) {
    benchmark::DoNotOptimize(b.iommu.Unmap(b.domain, kBase + i * kBatch * kPage, kBatch * kPage));
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
  state.SetItemsProcessed(state.iterations() * kBatch);
}
void BM_MapBatch256(benchmark::State& state) { Batch(state, Timed::kMap); }
void BM_UnmapBatch256(benchmark::State& state) { Batch(state, Timed::kUnmap); }
BENCHMARK(BM_MapBatch256);
BENCHMARK(BM_UnmapBatch256);

// Copying a unit with `range` mappings of one page, and copying it and then mapping a page, as a
// search does.
void BM_IommuCopy(benchmark::State& state) {
  Bench b(Config(3));
  const uint64_t mappings = static_cast<uint64_t>(state.range(0));
  for (uint64_t i = 0; i < mappings; ++i) b.iommu.Map(b.domain, kBase + 2 * i * kPage, i, 1, kRw);
  for (auto _ : state) {
    Iommu copy = b.iommu;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(BM_IommuCopy)->Arg(1000)->Arg(100000);

void BM_IommuCopyAndMap(benchmark::State& state) {
  Bench b(Config(3));
  for (uint64_t i = 0; i < 1000; ++i) b.iommu.Map(b.domain, kBase + 2 * i * kPage, i, 1, kRw);
  for (auto _ : state) {
    Iommu copy = b.iommu;
    benchmark::DoNotOptimize(copy.Map(b.domain, kBase + kPage, 7, 1, kRw));
  }
}
BENCHMARK(BM_IommuCopyAndMap);

}  // namespace
}  // namespace iovalid::hwmodel
