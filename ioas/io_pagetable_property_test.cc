// SPDX-License-Identifier: Apache-2.0
// Two address spaces that share pages objects, under random calls, against a flat oracle that keeps
// one record a page and knows nothing of areas as intervals, pin tables or page tables.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "ioas/test_machine.h"
#include "sim/state_hash.h"

namespace iovalid::ioas {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kBase = 0x1ff000;  // IOVA of page 0; the next page starts a large one
constexpr unsigned kIovaPages = 24;
constexpr unsigned kVaPages = 24;  // 16 writable, 4 read-only, 2 missing, 2 writable
constexpr uint64_t kVa = 0x40000000;
constexpr unsigned kTables = 2;
constexpr unsigned kDomains = 2;  // for each table

struct Op {
  enum Kind : unsigned { kMap, kUnmap, kCopy, kCut, kAddDomain, kRemoveDomain, kLimit, kKinds };
  unsigned kind, table, first, pages, other, rights;
};

rc::Gen<Op> OpGen() {
  return rc::gen::build<Op>(
      rc::gen::set(&Op::kind, rc::gen::weightedElement<unsigned>({{6, Op::kMap},
                                                                  {4, Op::kUnmap},
                                                                  {3, Op::kCopy},
                                                                  {2, Op::kCut},
                                                                  {2, Op::kAddDomain},
                                                                  {1, Op::kRemoveDomain},
                                                                  {1, Op::kLimit}})),
      rc::gen::set(&Op::table, rc::gen::inRange(0u, kTables)),
      rc::gen::set(&Op::first, rc::gen::inRange(0u, kIovaPages)),
      rc::gen::set(&Op::pages, rc::gen::inRange(1u, 7u)),
      rc::gen::set(&Op::other, rc::gen::inRange(0u, kVaPages)),
      rc::gen::set(&Op::rights, rc::gen::inRange(1u, 4u)));
}

// One IOVA page of the oracle.
struct Slot {
  unsigned object;  // pages object
  unsigned index;   // page in it
  unsigned rights;
  unsigned area;  // pages of one area have one number
};

struct Object {
  unsigned va_page;  // of page 0
  bool writable;
};

// The oracle.
struct Flat {
  std::array<std::array<std::optional<Slot>, kIovaPages>, kTables> slots;
  std::array<unsigned, kTables> domains{};
  std::vector<Object> objects;
  unsigned areas = 0;
  uint64_t limit = ~uint64_t{0};

  using Pinned = std::set<std::pair<unsigned, unsigned>>;
  Pinned Pins() const {
    Pinned pins;
    for (unsigned t = 0; t < kTables; ++t) {
      if (domains[t] == 0) continue;
      for (const auto& slot : slots[t]) {
        if (slot) pins.emplace(slot->object, slot->index);
      }
    }
    return pins;
  }
  static bool Pinnable(unsigned va_page, bool write) {
    if (va_page >= kVaPages || va_page == 20 || va_page == 21) return false;
    return !write || va_page < 16 || va_page > 19;
  }
  // What pinning the pages of `area` slots says: the first page that can't be pinned, else the
  // limit.
  Errno Fill(const std::vector<Slot>& area, Pinned* pins) const {
    Pinned added = *pins;
    for (const Slot& slot : area) {
      const Object& object = objects[slot.object];
      if (!added.emplace(slot.object, slot.index).second) continue;
      if (!Pinnable(object.va_page + slot.index, object.writable)) return Errno::kFAULT;
    }
    if (added.size() > pins->size() && added.size() > limit) return Errno::kNOMEM;
    *pins = std::move(added);
    return Errno::kOk;
  }
  // Puts slots at `first` of table `t`, area by area.
  Errno Put(unsigned t, unsigned first, const std::vector<std::vector<Slot>>& pieces) {
    unsigned at = first;
    for (const auto& piece : pieces) at += static_cast<unsigned>(piece.size());
    if (at > kIovaPages) return Errno::kINVAL;  // reserved by the test
    for (unsigned i = first; i < at; ++i) {
      if (slots[t][i]) return Errno::kEXIST;
    }
    for (const auto& piece : pieces) {
      if ((piece[0].rights & hwmodel::kWrite) != 0 && !objects[piece[0].object].writable) {
        return Errno::kPERM;
      }
    }
    if (domains[t] != 0) {
      Pinned pins = Pins();
      for (const auto& piece : pieces) {
        const Errno err = Fill(piece, &pins);
        if (err != Errno::kOk) return err;
      }
    }
    at = first;
    for (const auto& piece : pieces) {
      const unsigned area = areas++;
      for (Slot slot : piece) {
        slot.area = area;
        slots[t][at++] = slot;
      }
    }
    return Errno::kOk;
  }

  Errno Map(const Op& op) {
    objects.push_back({op.other, (op.rights & hwmodel::kWrite) != 0});
    const unsigned object = static_cast<unsigned>(objects.size()) - 1;
    std::vector<Slot> piece;
    for (unsigned i = 0; i < op.pages; ++i) piece.push_back({object, i, op.rights, 0});
    return Put(op.table, op.first, {piece});
  }
  // From table op.table at op.first to the other table at op.other.
  Errno Copy(const Op& op) {
    std::vector<std::vector<Slot>> pieces;
    std::optional<unsigned> area;
    for (unsigned i = op.first; i < op.first + op.pages; ++i) {
      if (i >= kIovaPages || !slots[op.table][i]) return Errno::kNOENT;
      Slot slot = *slots[op.table][i];
      if (area != slot.area) pieces.emplace_back();
      area = slot.area;
      slot.rights = op.rights;
      pieces.back().push_back(slot);
    }
    return Put(1 - op.table, op.other, pieces);
  }
  Errno Unmap(const Op& op, uint64_t* pages) {
    *pages = 0;
    auto& s = slots[op.table];
    const unsigned end = std::min(op.first + op.pages, kIovaPages);
    for (unsigned i = op.first; i < end;) {
      if (!s[i]) {
        ++i;
        continue;
      }
      const unsigned area = s[i]->area;
      unsigned last = i;
      while (last + 1 < kIovaPages && s[last + 1] && s[last + 1]->area == area) ++last;
      const bool starts_before = i > 0 && s[i - 1] && s[i - 1]->area == area;
      if (starts_before || last >= end) return Errno::kNOENT;
      for (; i <= last; ++i) {
        s[i].reset();
        ++*pages;
      }
    }
    return Errno::kOk;
  }
  void Cut(const Op& op) {
    auto& s = slots[op.table];
    const unsigned next = op.first + 1;
    if (next >= kIovaPages || !s[op.first] || !s[next] || s[next]->area != s[op.first]->area)
      return;
    const unsigned old = s[next]->area;
    const unsigned area = areas++;
    for (unsigned i = next; i < kIovaPages && s[i] && s[i]->area == old; ++i) s[i]->area = area;
  }
  Errno AddDomain(unsigned t) {
    if (domains[t] == 0) {
      Pinned pins = Pins();
      for (unsigned i = 0; i < kIovaPages;) {
        if (!slots[t][i]) {
          ++i;
          continue;
        }
        std::vector<Slot> piece;
        const unsigned area = slots[t][i]->area;
        for (; i < kIovaPages && slots[t][i] && slots[t][i]->area == area; ++i) {
          piece.push_back(*slots[t][i]);
        }
        const Errno err = Fill(piece, &pins);
        if (err != Errno::kOk) return err;
      }
    }
    ++domains[t];
    return Errno::kOk;
  }
};

// The system under test.
struct Model {
  explicit Model(bool small_pages) {
    using M = TestMachine;
    const auto add = [&](unsigned first, unsigned pages, bool write) {
      m.AddMemory(kVa + first * M::kPage, pages, write);
    };
    add(0, 16, true);
    add(16, 4, false);
    add(22, 2, true);
    for (IoPagetable& table : tables) {
      EXPECT_TRUE(table
                      .Reserve(m.Begin(), kBase + kIovaPages * kPage,
                               kBase + (kIovaPages + 16) * kPage - 1, DeviceOwner(0))
                      .ok());
      if (small_pages) {
        EXPECT_TRUE(table.DisableLargePages(m.Begin()).ok());
      }
    }
  }
  uint64_t Iova(unsigned page) const { return kBase + page * kPage; }

  TestMachine m;
  std::array<IoPagetable, kTables> tables;
  std::array<std::vector<hwmodel::DomainId>, kTables> domains;
};

void ExpectSame(const Flat& flat, Model& model) {
  const Flat::Pinned pins = flat.Pins();
  RC_ASSERT(model.m.pinned_vm() == pins.size());
  RC_ASSERT(model.m.locked() == pins.size());
  RC_ASSERT(model.m.store.pinned() == pins.size());
  RC_ASSERT(model.m.memory.pinned_pages() == pins.size());
  std::map<sim::PageId, uint32_t> counts;  // of pins, by frame
  for (const auto& [object, index] : pins) {
    ++counts[model.m.Frame(kVa + (flat.objects[object].va_page + index) * kPage)];
  }
  for (const auto& [frame, count] : counts) {
    RC_ASSERT(model.m.memory.PinCount(frame) == count);
  }
  for (unsigned t = 0; t < kTables; ++t) {
    std::vector<std::tuple<uint64_t, uint64_t, unsigned>> expected, actual;
    sim::Digest mappings;
    for (unsigned i = 0; i < kIovaPages; ++i) {
      const auto& slot = flat.slots[t][i];
      if (!slot) continue;
      const bool joins = i > 0 && flat.slots[t][i - 1] && flat.slots[t][i - 1]->area == slot->area;
      if (!joins) expected.emplace_back(model.Iova(i), 0, slot->rights);
      std::get<1>(expected.back()) = model.Iova(i + 1) - 1;
    }
    for (const auto& [first, last, rights] : expected) {
      mappings += sim::HashMapping(first, last, rights);
    }
    const auto& areas = model.tables[t].areas();
    for (auto c = areas.Begin(); c; c = areas.Next(c)) {
      actual.emplace_back(areas.first(c), areas.last(c), areas.value(c).rights);
    }
    RC_ASSERT(actual == expected);
    RC_ASSERT(model.tables[t].mappings_digest() == mappings);
    RC_ASSERT(model.domains[t].size() == flat.domains[t]);
    for (hwmodel::DomainId domain : model.domains[t]) {
      std::map<uint64_t, std::pair<sim::PageId, unsigned>> reach;
      model.m.iommu.ForEachRun(
          domain, 0, ~uint64_t{0},
          [&](uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights) {
            for (uint64_t i = 0; i < pages; ++i) {
              reach[iova + i * kPage] = {first + i, rights};
            }
          });
      size_t mapped = 0;
      for (unsigned i = 0; i < kIovaPages; ++i) {
        const auto& slot = flat.slots[t][i];
        if (!slot) continue;
        ++mapped;
        const uint64_t va = kVa + (flat.objects[slot->object].va_page + slot->index) * kPage;
        RC_ASSERT(reach.count(model.Iova(i)) == 1u);
        RC_ASSERT(reach[model.Iova(i)] == std::make_pair(model.m.Frame(va), slot->rights));
      }
      RC_ASSERT(reach.size() == mapped);
    }
  }
}

// One call on both; returns what it answered.
Errno Step(const Op& op, bool small_pages, Flat& flat, Model& model) {
  IoPagetable& table = model.tables[op.table];
  TestMachine& m = model.m;
  switch (op.kind) {
    case Op::kMap: {
      const Errno expected = flat.Map(op);
      const Result result =
          m.Map(table, model.Iova(op.first), kVa + op.other * kPage, op.pages * kPage, op.rights);
      RC_ASSERT(result.err == expected);
      return expected;
    }
    case Op::kCopy: {
      const Errno expected = flat.Copy(op);
      const Result result = m.Copy(table, model.Iova(op.first), model.tables[1 - op.table],
                                   model.Iova(op.other), op.pages * kPage, op.rights);
      RC_ASSERT(result.err == expected);
      return expected;
    }
    case Op::kUnmap: {
      uint64_t expected_pages = 0, unmapped = 0;
      const Errno expected = flat.Unmap(op, &expected_pages);
      const Result result = m.Unmap(table, model.Iova(op.first), op.pages * kPage, &unmapped);
      RC_ASSERT(result.err == expected);
      RC_ASSERT(unmapped == expected_pages * kPage);
      return expected;
    }
    case Op::kCut:
      if (!small_pages) return Errno::kOk;
      flat.Cut(op);
      RC_ASSERT(m.Cut(table, model.Iova(op.first + 1) - 1).ok());
      return Errno::kOk;
    case Op::kAddDomain: {
      if (flat.domains[op.table] == kDomains) return Errno::kOk;
      const Errno expected = flat.AddDomain(op.table);
      const hwmodel::DomainId domain = m.iommu.AllocDomain();
      RC_ASSERT(m.AddDomain(table, domain).err == expected);
      if (expected == Errno::kOk) {
        model.domains[op.table].push_back(domain);
      } else {
        RC_ASSERT(m.iommu.reach(domain).zero());
        m.iommu.FreeDomain(domain);
      }
      return expected;
    }
    case Op::kRemoveDomain: {
      auto& domains = model.domains[op.table];
      if (domains.empty()) return Errno::kOk;
      const size_t which = op.first % domains.size();
      m.RemoveDomain(table, domains[which]);
      RC_ASSERT(m.iommu.reach(domains[which]).zero());
      m.iommu.FreeDomain(domains[which]);
      domains.erase(domains.begin() + static_cast<std::ptrdiff_t>(which));
      --flat.domains[op.table];
      return Errno::kOk;
    }
    default:
      flat.limit = op.first;
      m.SetLimit(flat.limit);
      return Errno::kOk;
  }
}

RC_GTEST_PROP(IoPagetablePropertyTest, BehavesAsTheFlatOracle, ()) {
  const bool small_pages = *rc::gen::arbitrary<bool>();
  const auto ops = *rc::gen::resize(200, rc::gen::container<std::vector<Op>>(OpGen()));
  Flat flat;
  Model model(small_pages);
  for (const Op& op : ops) {
    Step(op, small_pages, flat, model);
    ExpectSame(flat, model);
  }
}

// A copy goes its own way and leaves the original alone.
RC_GTEST_PROP(IoPagetablePropertyTest, IsAValue, ()) {
  const auto ops = *rc::gen::resize(100, rc::gen::container<std::vector<Op>>(OpGen()));
  Flat flat;
  Model model(true);
  for (size_t i = 0; i < ops.size(); ++i) {
    if (i == ops.size() / 2) {
      Flat other_flat = flat;
      const PagesStore store = model.m.store;
      const auto tables = model.tables;
      const auto domains = model.domains;
      const hwmodel::Iommu iommu = model.m.iommu;
      const sim::SimMemory memory = model.m.memory;
      const auto users = model.m.users;
      const auto accounts = model.m.mm_accounts;
      const auto tasks = model.m.tasks;
      for (size_t j = i; j < ops.size(); ++j) Step(ops[j], true, other_flat, model);
      model.m.store = store;
      model.tables = tables;
      model.domains = domains;
      model.m.iommu = iommu;
      model.m.memory = memory;
      model.m.mms = model.m.releasers = {&model.m.memory.mm(0)};
      model.m.users = users;
      model.m.mm_accounts = accounts;
      model.m.tasks = tasks;
      ExpectSame(flat, model);
    }
    Step(ops[i], true, flat, model);
  }
  ExpectSame(flat, model);
}

// The generator reaches what the property is about: each answer, shared pages, two domains.
TEST(IoPagetablePropertyGeneratorTest, ReachesEveryAnswer) {
  std::map<std::pair<unsigned, Errno>, unsigned> seen;
  unsigned shared = 0, two_domains = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    rc::Random random(seed);
    Flat flat;
    Model model(true);
    for (int i = 0; i < 150; ++i) {
      const Op op = OpGen()(random.split(), 100).value();
      ++seen[{op.kind, Step(op, true, flat, model)}];
      shared += !model.m.store.table().empty();
      two_domains += flat.domains[0] == 2;
    }
  }
  const auto at = [&](unsigned kind, Errno err) { return seen[{kind, err}]; };
  for (Errno err : {Errno::kOk, Errno::kINVAL, Errno::kEXIST, Errno::kFAULT, Errno::kNOMEM}) {
    EXPECT_GT(at(Op::kMap, err), 20u) << sim::ErrnoName(err);
  }
  for (Errno err : {Errno::kOk, Errno::kEXIST, Errno::kNOENT, Errno::kPERM}) {
    EXPECT_GT(at(Op::kCopy, err), 5u) << sim::ErrnoName(err);
  }
  EXPECT_GT(at(Op::kUnmap, Errno::kOk), 100u);
  EXPECT_GT(at(Op::kUnmap, Errno::kNOENT), 20u);
  for (Errno err : {Errno::kOk, Errno::kFAULT, Errno::kNOMEM}) {
    EXPECT_GT(at(Op::kAddDomain, err), 5u) << sim::ErrnoName(err);
  }
  EXPECT_GT(shared, 200u);
  EXPECT_GT(two_domains, 100u);
}

}  // namespace
}  // namespace iovalid::ioas
