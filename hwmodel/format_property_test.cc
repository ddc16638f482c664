// SPDX-License-Identifier: Apache-2.0
// Random sequences of map, unmap, device access and dirty reading on every format, against a flat
// map of leaves that knows nothing of tables, under every policy; read back through table memory
// only.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <tuple>
#include <utility>
#include <vector>

#include "hwmodel/format_shapes.h"
#include "hwmodel/formats.h"
#include "hwmodel/io_page_table.h"
#include "hwmodel/unit.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;
using Partial = DriverRules::PartialUnmap;

// Of a format: what the test must know of it, as numbers.
struct Sizes {
  unsigned granule_log2;
  unsigned index_bits;
  uint64_t leaf_sizes;  // bit map in bytes, of the levels there are
};

Sizes SizesOf(const FormatShape& shape) {
  return VisitFormat(shape.format, [&shape](auto f) {
    using Format = decltype(f);
    uint64_t sizes = 0;
    for (unsigned level = 1; level <= shape.levels; ++level) sizes |= Format::LeafSizes(level);
    return Sizes{Format::kGranuleLog2, Format::kIndexBits, sizes};
  });
}

// Formats without write-only pages.
unsigned Granted(FormatId format, unsigned rights) {
  const bool write_reads = format == FormatId::kVtdFirstStage || format == FormatId::kRiscvSv ||
                           format == FormatId::kRiscvGStage || format == FormatId::kArm4KStage1 ||
                           format == FormatId::kArm16KStage1 || format == FormatId::kArm64KStage1;
  return write_reads && (rights & kWrite) != 0 ? kRead | kWrite : rights;
}

struct Op {
  enum Kind { kMap, kUnmap, kTouch, kReadDirty } kind;
  uint64_t page;
  uint64_t pages;
  uint64_t first;
  unsigned rights;
};

std::ostream& operator<<(std::ostream& os, const Op& op) {
  static constexpr const char* kNames[] = {"map", "unmap", "touch", "read-dirty"};
  return os << kNames[op.kind] << "(page " << op.page << ", pages " << op.pages << ", first "
            << op.first << ", rights " << op.rights << ")";
}

// Pages around the places where tables and large leaves begin, and the end of the aperture.
rc::Gen<uint64_t> GenPage(const FormatShape& shape) {
  const Sizes sizes = SizesOf(shape);
  const uint64_t second = uint64_t{1} << sizes.index_bits;
  const bool half = shape.format == FormatId::kVtdFirstStage || shape.format == FormatId::kRiscvSv;
  const uint64_t end = uint64_t{1} << (shape.input_bits - half - sizes.granule_log2);
  const std::vector<uint64_t> bases = {0,
                                       16,
                                       256,
                                       second,
                                       2 * second,
                                       std::min(second * second, end - 3 * second),
                                       end - 2 * second};
  return rc::gen::map(
      rc::gen::tuple(rc::gen::elementOf(bases),
                     rc::gen::weightedOneOf<uint64_t>({{4, rc::gen::just<uint64_t>(0)},
                                                       {2, rc::gen::inRange<uint64_t>(0, 8)},
                                                       {1, rc::gen::element<uint64_t>(16, 32, 128)},
                                                       {1, rc::gen::inRange<uint64_t>(500, 520)}})),
      [](const std::tuple<uint64_t, uint64_t>& t) { return std::get<0>(t) + std::get<1>(t); });
}

rc::Gen<Op> GenOp(const FormatShape& shape) {
  const Sizes sizes = SizesOf(shape);
  const uint64_t second = uint64_t{1} << sizes.index_bits;
  return rc::gen::apply(
      [second](int kind, uint64_t page, uint64_t pages, uint64_t frames, int delta,
               unsigned rights) {
        // Only large leaves make a long mapping cheap to check.
        if (delta != 0) pages = std::min<uint64_t>(pages, 600);
        const uint64_t first =
            frames * 4 * second + page % (4 * second) + static_cast<uint64_t>(delta);
        return Op{static_cast<Op::Kind>(kind), page, pages, first, rights};
      },
      rc::gen::weightedElement<int>(
          {{5, Op::kMap}, {3, Op::kUnmap}, {4, Op::kTouch}, {3, Op::kReadDirty}}),
      GenPage(shape),
      rc::gen::weightedOneOf<uint64_t>({{4, rc::gen::inRange<uint64_t>(1, 12)},
                                        {3, rc::gen::element<uint64_t>(16, 32, 64, 128, 256)},
                                        {3, rc::gen::elementOf(std::vector<uint64_t>{
                                                second, 2 * second, second + 16, 3 * second})},
                                        {1, rc::gen::inRange<uint64_t>(200, 600)}}),
      rc::gen::inRange<uint64_t>(0, 3), rc::gen::weightedElement<int>({{5, 0}, {1, 1}, {1, 16}}),
      rc::gen::inRange<unsigned>(1, 4));
}

// What should be mapped, in granules.
class FlatMap {
 public:
  struct Leaf {
    uint64_t pages;
    uint64_t first;
    unsigned rights;
    bool dirty;
  };
  FlatMap(const FormatShape& shape, Partial partial)
      : sizes_(SizesOf(shape)), format_(shape.format), partial_(partial) {}

  const std::map<uint64_t, Leaf>& leaves() const { return leaves_; }

  std::map<uint64_t, Leaf>::iterator At(uint64_t page) {
    auto it = leaves_.upper_bound(page);
    if (it == leaves_.begin()) return leaves_.end();
    --it;
    return page - it->first < it->second.pages ? it : leaves_.end();
  }
  bool AnyIn(uint64_t page, uint64_t pages) {
    if (At(page) != leaves_.end()) return true;
    const auto it = leaves_.lower_bound(page);
    return it != leaves_.end() && it->first < page + pages;
  }

  void Map(uint64_t page, uint64_t first, uint64_t pages, unsigned rights) {
    const unsigned granted = Granted(format_, rights);
    // The first stage of VT-d has no tracking: what can be written counts as dirty.
    const bool dirty = format_ == FormatId::kVtdFirstStage && (granted & kWrite) != 0;
    while (pages > 0) {
      uint64_t size = 1;
      for (unsigned log2 = sizes_.granule_log2; log2 < 60; ++log2) {
        const uint64_t candidate = uint64_t{1} << (log2 - sizes_.granule_log2);
        if ((sizes_.leaf_sizes >> log2 & 1) != 0 && page % candidate == 0 &&
            first % candidate == 0 && candidate <= pages) {
          size = candidate;
        }
      }
      leaves_[page] = {size, first, granted, dirty};
      page += size;
      first += size;
      pages -= size;
    }
  }

  // Returns the pages unmapped.
  uint64_t Unmap(uint64_t page, uint64_t pages) {
    const uint64_t end = page + pages;
    uint64_t at = page;
    while (at < end) {
      auto it = At(at);
      if (it == leaves_.end()) break;
      const auto [start, leaf] = *it;
      if (start != at || start + leaf.pages > end) {
        if (partial_ == Partial::kRefuse) break;
        if (partial_ == Partial::kWholeLeaf && start != at) break;
        if (partial_ == Partial::kSplit) {
          if (!Split(it)) break;
          continue;
        }
      }
      at = start + leaf.pages;
      leaves_.erase(it);
    }
    return at - page;
  }

 private:
  // A group of entries becomes its entries, an entry the entries of a table of the next level.
  bool Split(std::map<uint64_t, Leaf>::iterator it) {
    const auto [start, leaf] = *it;
    unsigned log2 = 0;
    while (uint64_t{1} << log2 < leaf.pages) ++log2;
    const unsigned piece_log2 =
        log2 % sizes_.index_bits != 0 ? log2 - log2 % sizes_.index_bits : log2 - sizes_.index_bits;
    if ((sizes_.leaf_sizes >> (piece_log2 + sizes_.granule_log2) & 1) == 0) return false;
    const uint64_t piece = uint64_t{1} << piece_log2;
    for (uint64_t done = 0; done < leaf.pages; done += piece) {
      leaves_[start + done] = {piece, leaf.first + done, leaf.rights, leaf.dirty};
    }
    return true;
  }

  Sizes sizes_;
  FormatId format_;
  Partial partial_;
  std::map<uint64_t, Leaf> leaves_;
};

struct Reached {
  int mapped = 0;
  int conflicts = 0;
  int large = 0;
  int unmapped = 0;
  int stopped = 0;
  int beyond_end = 0;
  int touched = 0;
  int dirty = 0;
};

class Machine {
 public:
  Machine(const FormatShape& shape, const DriverRules& rules)
      : sizes_(SizesOf(shape)),
        flat_(shape, rules.partial_unmap),
        table_(memory_, ConfigOf(shape, rules), 1),
        unit_(UnitConfig{.msi_first = 1, .msi_last = 0}) {
    Context context;
    context.mode = Context::Mode::kSecond;
    context.second = table_.stage();
    unit_.SetContext(0, context);
    end_ = (table_.aperture_last() >> sizes_.granule_log2) + 1;
  }

  void Apply(const Op& op, Reached* reached) {
    switch (op.kind) {
      case Op::kMap:
        return Map(op, reached);
      case Op::kUnmap:
        return Unmap(op, reached);
      case Op::kTouch:
        return Touch(op.page, op.rights, reached);
      case Op::kReadDirty:
        return ReadDirty(op.page, op.page + op.pages - 1, (op.rights & 1) != 0, reached);
    }
  }

  // The tables hold exactly the flat map's leaves, and the digest is theirs.
  void Check(Reached* reached) {
    auto expected = flat_.leaves().begin();
    sim::Digest digest;
    table_.ForEachLeaf(memory_, 0, ~uint64_t{0}, [&](const IoPageTable::Leaf& leaf) {
      RC_ASSERT(expected != flat_.leaves().end());
      const auto& [page, flat] = *expected++;
      RC_ASSERT(leaf.iova == Bytes(page));
      RC_ASSERT(leaf.address == Bytes(flat.first));
      RC_ASSERT(leaf.bytes == Bytes(flat.pages));
      RC_ASSERT(leaf.rights == flat.rights);
      reached->large += flat.pages > 1;
      digest += sim::HashReach(page, flat.first, flat.pages, flat.rights);
      return true;
    });
    RC_ASSERT(expected == flat_.leaves().end());
    RC_ASSERT(table_.reach() == digest);
  }

  void FreeAndCheckForLeaks() {
    table_.Free(memory_);
    RC_ASSERT(memory_.in_use() == 0u);
  }

  // Every table is reachable and owned, and with the policy "empty" holds something.
  void CheckEmptyTablesAreGone() {
    RC_ASSERT(flat_.leaves().size() > 0 || memory_.in_use() <= 16u);
  }

  // A device's access: through the unit. Nothing that it cached is out of date, or it would show.
  void Touch(uint64_t page, unsigned access, Reached* reached) {
    if (page >= end_) return;  // beyond, bytes would wrap around where 64 bits are translated
    const uint64_t address = Bytes(page) + 0x123;
    const Translation t = unit_.Translate(memory_, {0, address, access, kNoPasid});
    const auto leaf = flat_.At(page);
    const bool allowed = leaf != flat_.leaves().end() && (access & ~leaf->second.rights) == 0;
    RC_ASSERT(t.ok == allowed);
    if (!allowed) return;
    RC_ASSERT(t.address == Bytes(leaf->second.first + (page - leaf->first)) + 0x123);
    if ((access & kWrite) != 0) leaf->second.dirty = true;
    ++reached->touched;
  }

 private:
  static IoPageTableConfig ConfigOf(const FormatShape& shape, const DriverRules& rules) {
    IoPageTableConfig config;
    config.format = shape.format;
    config.levels = shape.levels;
    config.input_bits = shape.input_bits;
    config.hardware.host_address_bits = 48;
    config.ad = AdMode::kHardware;
    config.attributes.dirty_tracking = true;
    config.rules = rules;
    return config;
  }
  uint64_t Bytes(uint64_t pages) const { return pages << sizes_.granule_log2; }
  void Flush() { unit_.Invalidate({}); }

  void Map(const Op& op, Reached* reached) {
    const Errno error =
        table_.Map(memory_, Bytes(op.page), Bytes(op.first), Bytes(op.pages), op.rights);
    if (op.page + op.pages > end_) {
      // Beyond 64 bits where the tables translate as many.
      RC_ASSERT(error == Errno::kRANGE || error == Errno::kOVERFLOW);
    } else if (flat_.AnyIn(op.page, op.pages)) {
      RC_ASSERT(error == Errno::kADDRINUSE);
      ++reached->conflicts;
    } else {
      RC_ASSERT(error == Errno::kOk);
      flat_.Map(op.page, op.first, op.pages, op.rights);
      ++reached->mapped;
    }
    if (table_.freed_tables()) Flush();
  }

  void Unmap(const Op& op, Reached* reached) {
    const uint64_t unmapped = table_.Unmap(memory_, Bytes(op.page), Bytes(op.pages));
    if (op.page + op.pages > end_) {
      RC_ASSERT(unmapped == 0u);
      return;
    }
    const uint64_t expected = flat_.Unmap(op.page, op.pages);
    RC_ASSERT(unmapped == Bytes(expected));
    reached->unmapped += expected > 0;
    reached->stopped += expected > 0 && expected < op.pages;
    reached->beyond_end += expected > op.pages;
    Flush();
  }

  void ReadDirty(uint64_t page, uint64_t last, bool clear, Reached* reached) {
    last = std::min(last, end_ - 1);
    std::vector<std::pair<uint64_t, uint64_t>> expected;
    for (uint64_t at = page; at <= last;) {
      auto leaf = flat_.At(at);
      if (leaf == flat_.leaves().end()) {
        const auto next = flat_.leaves().lower_bound(at);
        if (next == flat_.leaves().end()) break;
        at = next->first;
        continue;
      }
      const uint64_t end = leaf->first + leaf->second.pages;
      if (leaf->second.dirty) {
        expected.emplace_back(Bytes(at), Bytes(std::min(end, last + 1) - at));
        // Without DBM or in a read-only page there is no dirty state to clear.
        if (clear) leaf->second.dirty = false;
      }
      at = end;
    }
    std::vector<std::pair<uint64_t, uint64_t>> actual;
    table_.ReadDirty(
        memory_, Bytes(page), Bytes(last + 1) - 1, clear,
        [&actual](uint64_t iova, uint64_t bytes) { actual.emplace_back(iova, bytes); });
    RC_ASSERT(actual == expected);
    reached->dirty += static_cast<int>(expected.size());
    if (clear) Flush();
  }

  Sizes sizes_;
  FlatMap flat_;
  TableMemory memory_;
  IoPageTable table_;
  Unit unit_;
  uint64_t end_ = 0;
};

class FormatPropertyTest : public testing::TestWithParam<FormatShape> {};

TEST_P(FormatPropertyTest, TablesHoldWhatAFlatMapHolds) {
  const FormatShape shape = GetParam();
  Reached reached;
  const bool ok = rc::check(ShapeName(shape), [&shape, &reached] {
    DriverRules rules;
    rules.partial_unmap = static_cast<Partial>(*rc::gen::inRange(0, 3));
    rules.free_tables = static_cast<DriverRules::FreeTables>(*rc::gen::inRange(0, 3));
    const auto ops = *rc::gen::container<std::vector<Op>>(GenOp(shape));
    Machine machine(shape, rules);
    for (const Op& op : ops) {
      machine.Apply(op, &reached);
      machine.Check(&reached);
      for (const uint64_t page : {op.page, op.page + 1, op.page + op.pages - 1}) {
        machine.Touch(page, kRead, &reached);
      }
    }
    if (rules.free_tables == DriverRules::FreeTables::kEmpty) machine.CheckEmptyTablesAreGone();
    machine.FreeAndCheckForLeaks();
  });
  EXPECT_TRUE(ok);
  // The generator gets everywhere.
  EXPECT_GT(reached.mapped, 100);
  EXPECT_GT(reached.conflicts, 10);
  EXPECT_GT(reached.large, 50);
  EXPECT_GT(reached.unmapped, 5);
  EXPECT_GT(reached.stopped, 1);
  EXPECT_GT(reached.touched, 100);
  EXPECT_GT(reached.dirty, 3);
}

INSTANTIATE_TEST_SUITE_P(AllFormats, FormatPropertyTest, testing::ValuesIn(kFormatShapes),
                         [](const auto& info) { return ShapeName(info.param); });

}  // namespace
}  // namespace iovalid::hwmodel
