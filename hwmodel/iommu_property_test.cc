// SPDX-License-Identifier: Apache-2.0
// Random sequences of map, unmap and copy against a flat map of pages, read back through table
// memory only.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <tuple>
#include <vector>

#include "hwmodel/iommu.h"
#include "hwmodel/model_reader.h"
#include "hwmodel/naive_walk.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;
using sim::PageId;

constexpr uint64_t kShift = sim::kPageShift;
constexpr uint64_t k2MPages = 512;
constexpr uint64_t k1GPages = 512 * 512;

struct Op {
  enum Kind { kMap, kMapSmall, kUnmap } kind;
  uint64_t page;
  uint64_t pages;
  PageId first;
  unsigned rights;
};

std::ostream& operator<<(std::ostream& os, const Op& op) {
  return os << (op.kind == Op::kMap        ? "map"
                : op.kind == Op::kMapSmall ? "map-small"
                                           : "unmap")
            << "(page " << op.page << ", pages " << op.pages << ", first " << op.first
            << ", rights " << op.rights << ")";
}

// Pages around the places where tables and large pages begin, and the top of 39 bits.
rc::Gen<uint64_t> GenPage() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::element(uint64_t{0}, k2MPages, 2 * k2MPages, k1GPages, k1GPages + k2MPages,
                           2 * k1GPages, 512 * k1GPages - 2 * k2MPages),
          rc::gen::weightedOneOf<uint64_t>({{3, rc::gen::just<uint64_t>(0)},
                                            {2, rc::gen::inRange<uint64_t>(0, 8)},
                                            {1, rc::gen::inRange<uint64_t>(500, 520)}})),
      [](const std::tuple<uint64_t, uint64_t>& t) { return std::get<0>(t) + std::get<1>(t); });
}

rc::Gen<Op> GenOp() {
  return rc::gen::apply(
      [](int kind, uint64_t page, uint64_t pages, uint64_t frames, bool alike, unsigned rights) {
        // Only large leaves make a long mapping cheap to check.
        if (!alike || kind == Op::kMapSmall) pages = std::min<uint64_t>(pages, 1100);
        // Frames that are aligned as the IOVA is, or one off.
        const PageId first = frames * k1GPages + page % k1GPages + (alike ? 0 : 1);
        return Op{static_cast<Op::Kind>(kind), page, pages, first, rights};
      },
      rc::gen::weightedElement<int>({{4, Op::kMap}, {1, Op::kMapSmall}, {3, Op::kUnmap}}),
      GenPage(),
      rc::gen::weightedOneOf<uint64_t>(
          {{4, rc::gen::inRange<uint64_t>(1, 12)},
           {3, rc::gen::element(uint64_t{k2MPages}, 2 * k2MPages, 3 * k2MPages)},
           {2, rc::gen::inRange<uint64_t>(500, 1100)},
           {1, rc::gen::element(uint64_t{k1GPages}, k1GPages + 1, k1GPages + k2MPages)}}),
      rc::gen::inRange<uint64_t>(0, 3), rc::gen::weightedElement<bool>({{3, true}, {1, false}}),
      rc::gen::inRange<unsigned>(1, 4));
}

// What should be mapped: leaves by first page, chosen one page at a time by the rule "the largest
// size that fits". Nothing here knows of tables.
class Oracle {
 public:
  struct Leaf {
    uint64_t pages;
    PageId first;
    unsigned rights;
  };

  Errno Map(const Op& op, uint64_t top_pages) {
    if (op.page + op.pages > top_pages) return Errno::kRANGE;
    if (Overlaps(op.page, op.pages)) return Errno::kADDRINUSE;
    for (uint64_t done = 0; done < op.pages;) {
      const uint64_t left = op.pages - done;
      uint64_t size = 1;
      for (const uint64_t larger : {k2MPages, k1GPages}) {
        if (op.kind == Op::kMap && left >= larger && (op.page + done) % larger == 0 &&
            (op.first + done) % larger == 0) {
          size = larger;
        }
      }
      leaves_[op.page + done] = {size, op.first + done, op.rights};
      done += size;
    }
    return Errno::kOk;
  }

  uint64_t Unmap(uint64_t page, uint64_t pages) {
    uint64_t at = page;
    while (at < page + pages) {
      const auto it = leaves_.find(at);
      if (it == leaves_.end()) break;  // a hole, or the inside of a leaf
      at += it->second.pages;
      leaves_.erase(it);
    }
    return at - page;
  }

  bool Overlaps(uint64_t page, uint64_t pages) const {
    const auto next = leaves_.lower_bound(page);
    if (next != leaves_.end() && next->first < page + pages) return true;
    return next != leaves_.begin() && std::prev(next)->first + std::prev(next)->second.pages > page;
  }

  // The leaf that covers a page, or null.
  const Leaf* At(uint64_t page, uint64_t* start) const {
    auto it = leaves_.upper_bound(page);
    if (it == leaves_.begin()) return nullptr;
    --it;
    *start = it->first;
    return page < it->first + it->second.pages ? &it->second : nullptr;
  }

  const std::map<uint64_t, Leaf>& leaves() const { return leaves_; }

 private:
  std::map<uint64_t, Leaf> leaves_;
};

// How often the generator reached what it is for.
struct Reached {
  int mapped = 0;
  int conflicts = 0;
  int outside = 0;
  int leaves_2m = 0;
  int leaves_1g = 0;
  int unmapped = 0;
  int unmap_nothing = 0;
  int unmap_beyond_end = 0;
  int unmap_stopped = 0;
  int write_only = 0;
};

class Machine {
 public:
  Machine() : iommu_(IommuConfig{}), domain_(iommu_.AllocDomain()) { iommu_.Attach(0, domain_); }

  void Apply(const Op& op, Reached* reached) {
    if (op.kind == Op::kUnmap) {
      // A range that passes the top is refused as a whole.
      if (op.page + op.pages > kTop) {
        RC_ASSERT(iommu_.Unmap(domain_, op.page << kShift, op.pages << kShift) == 0u);
        return;
      }
      const uint64_t expected = oracle_.Unmap(op.page, op.pages);
      RC_ASSERT(iommu_.Unmap(domain_, op.page << kShift, op.pages << kShift) == expected << kShift);
      reached->unmapped += expected != 0;
      reached->unmap_nothing += expected == 0;
      reached->unmap_beyond_end += expected > op.pages;
      reached->unmap_stopped += expected != 0 && expected < op.pages;
      return;
    }
    const Errno expected = oracle_.Map(op, kTop);
    RC_ASSERT(iommu_.Map(domain_, op.page << kShift, op.first, op.pages, op.rights,
                         op.kind == Op::kMapSmall) == expected);
    reached->mapped += expected == Errno::kOk;
    reached->conflicts += expected == Errno::kADDRINUSE;
    reached->outside += expected == Errno::kRANGE;
    reached->write_only += expected == Errno::kOk && op.rights == kWrite;
  }

  // The tables hold exactly the oracle's pages, and the digest is theirs.
  void Check(Reached* reached) const {
    std::vector<std::tuple<uint64_t, PageId, uint64_t, unsigned>> expected;
    sim::Digest digest;
    for (const auto& [page, leaf] : oracle_.leaves()) {
      reached->leaves_2m += leaf.pages == k2MPages;
      reached->leaves_1g += leaf.pages == k1GPages;
      digest += sim::HashReach(page, leaf.first, leaf.pages, leaf.rights);
      if (!expected.empty()) {
        auto& [iova, first, pages, rights] = expected.back();
        if ((iova >> kShift) + pages == page && first + pages == leaf.first &&
            rights == leaf.rights) {
          pages += leaf.pages;
          continue;
        }
      }
      expected.emplace_back(page << kShift, leaf.first, leaf.pages, leaf.rights);
    }
    std::vector<std::tuple<uint64_t, PageId, uint64_t, unsigned>> actual;
    sim::Digest sum;
    iommu_.ForEachRun(domain_, 0, ~uint64_t{0},
                      [&](uint64_t iova, PageId first, uint64_t pages, unsigned rights) {
                        actual.emplace_back(iova, first, pages, rights);
                        sum += sim::HashReach(iova >> kShift, first, pages, rights);
                      });
    RC_ASSERT(actual == expected);
    RC_ASSERT(iommu_.reach(domain_) == digest);
    RC_ASSERT(sum == digest);
  }

  // A page: what a lookup says, what a DMA reaches, and what the naive walker makes of the tables.
  void Probe(uint64_t page) {
    uint64_t start = 0;
    const Oracle::Leaf* leaf = page < kTop ? oracle_.At(page, &start) : nullptr;
    const uint64_t iova = (page << kShift) + 0x123;
    const NaiveUnit unit = NaiveUnitFor(iommu_, domain_);
    for (const unsigned access : {unsigned{kRead}, unsigned{kWrite}, unsigned{kRead | kWrite}}) {
      const Iommu::Translation t = iommu_.Translate(0, iova, access);
      RC_ASSERT(t.ok == (leaf != nullptr && (access & ~leaf->rights) == 0));
      const NaiveWalkResult naive =
          NaiveWalk(unit, iova, (access & kRead) != 0, (access & kWrite) != 0);
      RC_ASSERT(naive.reason == static_cast<int>(t.reason));
      if (!t.ok) continue;
      RC_ASSERT(t.page == leaf->first + (page - start));
      RC_ASSERT(naive.address == (t.page << kShift) + 0x123);
      RC_ASSERT(naive.page_bytes == leaf->pages << kShift);
      RC_ASSERT(t.bytes_left_in_run == ((start + leaf->pages) << kShift) - iova);
    }
    const Iommu::Run run = iommu_.Lookup(domain_, iova, 1);
    RC_ASSERT(run.mapped == (leaf != nullptr));
    if (leaf == nullptr) return;
    RC_ASSERT(run.first == leaf->first + (page - start));
    RC_ASSERT(run.pages == 1u);
    RC_ASSERT(run.rights == leaf->rights);
  }

  void FreeAndCheckForLeaks() {
    iommu_.FreeDomain(domain_);
    RC_ASSERT(iommu_.table_memory().in_use() == 0u);
  }

 private:
  static constexpr uint64_t kTop = uint64_t{1} << (39 - kShift);

  Iommu iommu_;
  DomainId domain_;
  Oracle oracle_;
};

TEST(IommuPropertyTest, TablesHoldWhatAFlatMapHolds) {
  Reached reached;
  const bool ok = rc::check("tables and oracle agree after every step", [&reached] {
    const auto ops = *rc::gen::container<std::vector<Op>>(GenOp());
    Machine machine;
    for (const Op& op : ops) {
      machine.Apply(op, &reached);
      machine.Check(&reached);
      for (const uint64_t page :
           {op.page, op.page + 1, op.page + op.pages - 1, op.page + op.pages, *GenPage()}) {
        machine.Probe(page);
      }
    }
    machine.FreeAndCheckForLeaks();
  });
  EXPECT_TRUE(ok);
  EXPECT_GT(reached.mapped, 100);
  EXPECT_GT(reached.conflicts, 50);
  EXPECT_GT(reached.outside, 0);
  EXPECT_GT(reached.leaves_2m, 50);
  EXPECT_GT(reached.leaves_1g, 10);
  EXPECT_GT(reached.unmapped, 20);
  EXPECT_GT(reached.unmap_nothing, 50);
  EXPECT_GT(reached.unmap_beyond_end, 5);
  EXPECT_GT(reached.unmap_stopped, 5);
  EXPECT_GT(reached.write_only, 20);
}

RC_GTEST_PROP(IommuPropertyTest, CopiesGoTheirOwnWays, ()) {
  Reached reached;
  const auto shared = *rc::gen::container<std::vector<Op>>(GenOp());
  const auto left = *rc::gen::container<std::vector<Op>>(GenOp());
  const auto right = *rc::gen::container<std::vector<Op>>(GenOp());
  Machine original;
  for (const Op& op : shared) original.Apply(op, &reached);
  Machine copy = original;
  for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    if (i < left.size()) original.Apply(left[i], &reached);
    if (i < right.size()) copy.Apply(right[i], &reached);
    original.Check(&reached);
    copy.Check(&reached);
  }
  original.FreeAndCheckForLeaks();
  copy.Check(&reached);
  copy.FreeAndCheckForLeaks();
}

}  // namespace
}  // namespace iovalid::hwmodel
