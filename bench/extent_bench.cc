// SPDX-License-Identifier: Apache-2.0
// sim::ExtentMap at the number of live extents that a DMA entry limit allows (65,535), with
// std::map and absl::btree_map keyed by the first number as yardsticks. One item = one operation.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "sim/extent_map.h"
#include "sim/random.h"

namespace iovalid {
namespace {

constexpr uint64_t kExtents = 65535;
constexpr uint64_t kStride = 16;  // an extent takes 4 numbers, the rest is a gap
constexpr uint64_t kLength = 4;

// Keys in random order, the same in every run.
std::vector<uint64_t> ShuffledKeys(uint64_t n) {
  std::vector<uint64_t> keys(n);
  for (uint64_t i = 0; i < n; ++i) keys[i] = i * kStride;
  sim::Random random(1);
  for (uint64_t i = n; i > 1; --i) std::swap(keys[i - 1], keys[random.Below(i)]);
  return keys;
}

// The same few operations over each container.
template <unsigned kLeaf, unsigned kInner>
struct Extents {
  sim::ExtentMap<uint32_t, kLeaf, kInner> map;

  void Insert(uint64_t key) { map.Insert(key, key + kLength - 1, 1); }
  bool Has(uint64_t point) const { return static_cast<bool>(map.Find(point)); }
  void Erase(uint64_t key) { map.Erase(map.Find(key)); }
  uint64_t Sum() const {
    uint64_t sum = 0;
    for (auto c = map.Begin(); c; c = map.Next(c)) sum += map.last(c);
    return sum;
  }
};

struct Record {
  uint64_t last;
  uint32_t value;
};

template <typename Map>
struct Ordered {
  Map map;

  void Insert(uint64_t key) { map.emplace(key, Record{key + kLength - 1, 1}); }
  bool Has(uint64_t point) const {
    auto it = map.upper_bound(point);
    return it != map.begin() && (--it)->second.last >= point;
  }
  void Erase(uint64_t key) { map.erase(map.find(key)); }
  uint64_t Sum() const {
    uint64_t sum = 0;
    for (const auto& [first, record] : map) sum += record.last;
    return sum;
  }
};

using StdMap = Ordered<std::map<uint64_t, Record>>;
using BtreeMap = Ordered<absl::btree_map<uint64_t, Record>>;

template <typename Container>
Container Filled(const std::vector<uint64_t>& keys) {
  Container container;
  for (uint64_t key : keys) container.Insert(key);
  return container;
}

template <typename Container>
void BM_Find(benchmark::State& state) {
  const auto keys = ShuffledKeys(kExtents);
  const auto container = Filled<Container>(keys);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(container.Has(keys[i] + 1));
    if (++i == keys.size()) i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

// One erase and one insert each, at a constant number of extents: two items.
template <typename Container>
void BM_EraseInsert(benchmark::State& state) {
  const auto keys = ShuffledKeys(kExtents);
  auto container = Filled<Container>(keys);
  size_t i = 0;
  for (auto _ : state) {
    container.Erase(keys[i]);
    container.Insert(keys[i]);
    if (++i == keys.size()) i = 0;
  }
  state.SetItemsProcessed(state.iterations() * 2);
}

template <typename Container>
void BM_FillAscending(benchmark::State& state) {
  for (auto _ : state) {
    Container container;
    for (uint64_t i = 0; i < kExtents; ++i) container.Insert(i * kStride);
    benchmark::DoNotOptimize(container);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kExtents));
}

template <typename Container>
void BM_Walk(benchmark::State& state) {
  const auto container = Filled<Container>(ShuffledKeys(kExtents));
  for (auto _ : state) benchmark::DoNotOptimize(container.Sum());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kExtents));
}

// Copying a container of 1,000 extents; one item = one copy.
template <typename Container>
void BM_Copy(benchmark::State& state) {
  const auto container = Filled<Container>(ShuffledKeys(1000));
  for (auto _ : state) {
    Container copy = container;
    benchmark::DoNotOptimize(copy);
  }
  state.SetItemsProcessed(state.iterations());
}

// The node sizes that the choice was made among, then the yardsticks.
#define EXTENT_BENCHMARK(name)                    \
  BENCHMARK_TEMPLATE(name, Extents<16, 32>);      \
  BENCHMARK_TEMPLATE(name, Extents<32, 32>);      \
  BENCHMARK_TEMPLATE(name, Extents<32, 64>);      \
  BENCHMARK_TEMPLATE(name, Extents<64, 64>);      \
  BENCHMARK_TEMPLATE(name, StdMap);               \
  BENCHMARK_TEMPLATE(name, BtreeMap)

EXTENT_BENCHMARK(BM_Find);
EXTENT_BENCHMARK(BM_EraseInsert);
EXTENT_BENCHMARK(BM_FillAscending);
EXTENT_BENCHMARK(BM_Walk);
EXTENT_BENCHMARK(BM_Copy);

}  // namespace
}  // namespace iovalid
