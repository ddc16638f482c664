// SPDX-License-Identifier: Apache-2.0
// What areas that share their pages must not let show: that the other one goes, and that there are
// two where there was one.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "ioas/shared_states.h"

namespace iovalid::ioas {
namespace {

using Op = SharedStates::Op;
constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kCopyIova = 0x800000;

// Frame and rights of each page that a domain shows in [first, first + bytes).
using Pages = std::map<uint64_t, std::pair<sim::PageId, unsigned>>;
Pages Reached(const SharedStates& s, hwmodel::DomainId domain, uint64_t first, uint64_t bytes) {
  Pages reached;
  s.m.iommu.ForEachRun(domain, first, first + bytes - 1,
                       [&](uint64_t iova, sim::PageId frame, uint64_t pages, unsigned rights) {
                         for (uint64_t i = 0; i < pages; ++i) {
                           reached[iova + i * kPage - first] = {frame + i, rights};
                         }
                       });
  return reached;
}

// Everything is unmapped: nothing may be left pinned or charged.
void ExpectEmptyAfterUnmap(SharedStates& s) {
  for (IoPagetable& table : s.tables) {
    Machine machine = s.m.Begin();
    uint64_t unmapped = 0;
    RC_ASSERT(table.UnmapAll(machine, s.m.store, &unmapped).ok());
  }
  RC_ASSERT(s.m.store.pinned() == 0u);
  RC_ASSERT(s.m.locked() == 0u);
  RC_ASSERT(s.m.pinned_vm() == 0u);
  RC_ASSERT(s.m.memory.pinned_pages() == 0u);
  RC_ASSERT(s.m.store.table().empty());
}

RC_GTEST_PROP(SharingPropertyTest, ACopySurvivesItsSource, ()) {
  const auto small_pages = *rc::gen::arbitrary<bool>();
  const auto before = *rc::gen::container<std::vector<Op>>(SharedStates::OpGen());
  const auto after = *rc::gen::container<std::vector<Op>>(SharedStates::OpGen());
  const auto same_table = *rc::gen::arbitrary<bool>();
  const auto with_domain = *rc::gen::arbitrary<bool>();
  SharedStates s(small_pages, before);
  if (with_domain) (void)s.Run({Op::kAddDomain, 1, 0, 0, 0, 0});
  // The longest run of areas of table 0.
  uint64_t first = 0, last = 0;
  const auto& areas = s.tables[0].areas();
  uint64_t start = 0, next = 0;
  unsigned rights = 0;
  for (auto c = areas.Begin(); c; c = areas.Next(c)) {
    if (areas.first(c) != next) start = areas.first(c);
    next = areas.last(c) + 1;
    if (next - start > last - first) {
      first = start;
      last = next;
    }
  }
  RC_PRE(last != first);
  rights = hwmodel::kRead;
  IoPagetable& target = s.tables[same_table ? 0 : 1];
  const auto& domains = s.domains[same_table ? 0 : 1];
  RC_ASSERT(s.m.Copy(s.tables[0], first, target, kCopyIova, last - first, rights).ok());
  std::vector<Pages> shown;
  for (hwmodel::DomainId domain : domains) {
    shown.push_back(Reached(s, domain, kCopyIova, last - first));
    RC_ASSERT(shown.back().size() == (last - first) / kPage);
  }
  uint64_t unmapped = 0;
  RC_ASSERT(s.m.Unmap(s.tables[0], first, last - first, &unmapped).ok());
  RC_ASSERT(unmapped == last - first);
  for (size_t i = 0; i < domains.size(); ++i) {
    RC_ASSERT(Reached(s, domains[i], kCopyIova, last - first) == shown[i]);
  }
  // Nor does anything disturb it that happens elsewhere.
  for (const Op& op : after) (void)s.Run(op);
  for (size_t i = 0; i < shown.size(); ++i) {
    RC_ASSERT(Reached(s, domains[i], kCopyIova, last - first) == shown[i]);
  }
  ExpectEmptyAfterUnmap(s);
}

// The same calls with and without cuts: devices, pins and charges can't tell, whatever comes after
// that does not depend on where areas end.
RC_GTEST_PROP(SharingPropertyTest, NobodySeesACut, ()) {
  const auto before = *rc::gen::container<std::vector<Op>>(
      rc::gen::suchThat(SharedStates::OpGen(), [](const Op& op) { return op.kind != Op::kCut; }));
  const auto cuts = *rc::gen::container<std::vector<std::pair<unsigned, unsigned>>>(rc::gen::pair(
      rc::gen::inRange(0u, SharedStates::kTables), rc::gen::inRange(1u, SharedStates::kIovaPages)));
  const auto after = *rc::gen::container<std::vector<Op>>(rc::gen::suchThat(
      SharedStates::OpGen(),
      [](const Op& op) { return op.kind == Op::kMap || op.kind == Op::kAddDomain; }));
  SharedStates whole(true, before), cut(true, before);
  RC_ASSERT(whole.See() == cut.See());
  const auto same = [&] {
    const auto a = whole.See(), b = cut.See();
    RC_ASSERT(a.pinned == b.pinned);
    RC_ASSERT(a.pinned_vm == b.pinned_vm);
    RC_ASSERT(a.locked == b.locked);
    RC_ASSERT(a.frames == b.frames);
    for (unsigned t = 0; t < SharedStates::kTables; ++t) {
      for (size_t i = 0; i < whole.domains[t].size(); ++i) {
        RC_ASSERT(whole.m.iommu.reach(whole.domains[t][i]) == cut.m.iommu.reach(cut.domains[t][i]));
      }
    }
  };
  for (const auto& [table, page] : cuts) {
    RC_ASSERT(cut.Run({Op::kCut, table, page, 0, 0, 0}).ok());
    same();
  }
  for (const Op& op : after) {
    RC_ASSERT(whole.Run(op).err == cut.Run(op).err);
    same();
  }
  ExpectEmptyAfterUnmap(cut);
}

// The states hold what the properties are about.
TEST(SharedStatesGeneratorTest, SharesCutsAndFills) {
  unsigned shared = 0, filled = 0, several = 0, cuts = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    rc::Random random(seed);
    const auto ops =
        rc::gen::container<std::vector<Op>>(40, SharedStates::OpGen())(random, 100).value();
    SharedStates s(true, ops);
    shared += !s.m.store.table().empty();
    filled += s.m.store.pinned() > 20;
    several += s.domains[0].size() == 2;
    size_t areas = s.See().areas.size();
    for (unsigned page = 1; page < SharedStates::kIovaPages; ++page) {
      (void)s.Run({Op::kCut, 0, page, 0, 0, 0});
    }
    cuts += s.See().areas.size() > areas;
  }
  EXPECT_GT(shared, 50u);
  EXPECT_GT(filled, 50u);
  EXPECT_GT(several, 30u);
  EXPECT_GT(cuts, 80u);
}

}  // namespace
}  // namespace iovalid::ioas
