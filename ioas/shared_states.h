// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_SHARED_STATES_H_
#define IOVALID_IOAS_SHARED_STATES_H_

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include "ioas/test_machine.h"

namespace iovalid::ioas {

// For property tests: two address spaces with areas, copies, cuts and domains, made by a list of
// calls of which any may fail. Units: pages.
struct SharedStates {
  static constexpr uint64_t kPage = sim::kPageSize;
  static constexpr unsigned kTables = 2;
  static constexpr unsigned kIovaPages = 32;

  struct Op {
    enum Kind : unsigned { kMap, kCopy, kUnmap, kCut, kAddDomain };
    unsigned kind, table, first, pages, other, rights;
  };
  static rc::Gen<Op> OpGen() {
    return rc::gen::build<Op>(
        rc::gen::set(&Op::kind, rc::gen::weightedElement<unsigned>({{6, Op::kMap},
                                                                    {4, Op::kCopy},
                                                                    {2, Op::kUnmap},
                                                                    {2, Op::kCut},
                                                                    {1, Op::kAddDomain}})),
        rc::gen::set(&Op::table, rc::gen::inRange(0u, kTables)),
        rc::gen::set(&Op::first, rc::gen::inRange(0u, kIovaPages)),
        rc::gen::set(&Op::pages, rc::gen::inRange(1u, 9u)),
        rc::gen::set(&Op::other, rc::gen::inRange(0u, kIovaPages)),
        rc::gen::set(&Op::rights, rc::gen::inRange(1u, 4u)));
  }

  // `small_pages`: large IOMMU pages are off, so that areas can be cut.
  explicit SharedStates(bool small_pages, const std::vector<Op>& ops) {
    for (IoPagetable& table : tables) {
      if (small_pages) (void)table.DisableLargePages(m.Begin());
    }
    for (const Op& op : ops) (void)Run(op);
  }

  static uint64_t Iova(unsigned page) { return 0x1f0000 + page * kPage; }

  Result Run(const Op& op, sim::PointHook* hook = nullptr) {
    IoPagetable& table = tables[op.table];
    uint64_t unmapped = 0;
    switch (op.kind) {
      case Op::kMap:
        return m.Map(table, Iova(op.first), TestMachine::kBuffer + op.other * kPage,
                     op.pages * kPage, op.rights, hook);
      case Op::kCopy:
        return m.Copy(table, Iova(op.first), tables[op.other % kTables], Iova(op.other),
                      op.pages * kPage, op.rights, hook);
      case Op::kUnmap: {
        Machine machine = m.Begin(hook);
        return table.Unmap(machine, m.store, Iova(op.first), op.pages * kPage, &unmapped);
      }
      case Op::kCut:
        return table.Cut(m.Begin(hook), m.store, Iova(op.first) - 1);
      default:
        break;
    }
    if (domains[op.table].size() == 2) return Success();
    const hwmodel::DomainId domain = m.iommu.AllocDomain();
    const Result result = m.AddDomain(table, domain, hook);
    if (result.ok()) {
      domains[op.table].push_back(domain);
    } else {
      m.iommu.FreeDomain(domain);
    }
    return result;
  }

  // All that a program, a device or an accountant can see.
  struct Seen {
    std::vector<std::tuple<uint64_t, uint64_t, unsigned>> areas;  // of all tables
    std::vector<sim::Digest> digests;  // mappings, usable and reach, table by table
    uint64_t pinned, pinned_vm, locked, frames;
    bool operator==(const Seen&) const = default;
  };
  Seen See() const {
    Seen seen{{}, {}, m.store.pinned(), m.pinned_vm(), m.locked(), m.memory.pinned_pages()};
    for (unsigned t = 0; t < kTables; ++t) {
      const auto& areas = tables[t].areas();
      for (auto c = areas.Begin(); c; c = areas.Next(c)) {
        seen.areas.emplace_back(areas.first(c), areas.last(c), areas.value(c).rights);
      }
      seen.digests.push_back(tables[t].mappings_digest());
      seen.digests.push_back(tables[t].usable_digest());
      for (hwmodel::DomainId domain : domains[t]) seen.digests.push_back(m.iommu.reach(domain));
    }
    return seen;
  }

  TestMachine m;
  std::array<IoPagetable, kTables> tables;
  std::array<std::vector<hwmodel::DomainId>, kTables> domains;
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_SHARED_STATES_H_
