// SPDX-License-Identifier: Apache-2.0
// Properties of the simulated memory under random programs: what is done to a range at once equals
// what is done page by page; pins and their order never change the ids that a program's own calls
// lead to; no page belongs to two owners; counts add up.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

// Two blocks of 2 MiB, and places in them that lie near block boundaries as well as anywhere.
constexpr uint64_t kBase = 0x140000000;
constexpr uint64_t kPages = 1024;

// The size at which rapidcheck's generators use their whole range.
constexpr int kFullSize = 100;

enum class Step { kMap, kUnmap, kProtect, kTouch, kRemap, kResize, kDontNeed };

struct Range {
  uint64_t addr;
  uint64_t pages;
};

// A number in [low, high), over the whole range whatever rapidcheck's size is.
template <typename T>
T Draw(T low, T high) {
  return *rc::gen::resize(kFullSize, rc::gen::inRange<T>(low, high));
}

Range AnyRange() {
  constexpr uint64_t kEdges[] = {0, 1, 510, 511, 512, 513, 1023};
  constexpr uint64_t kLengths[] = {511, 512, 513, kPages};
  const uint64_t first = Draw(0, 2) == 0 ? Draw<uint64_t>(0, kPages) : kEdges[Draw(0, 7)];
  const uint64_t pages = Draw(0, 4) != 0 ? Draw<uint64_t>(1, 8) : kLengths[Draw(0, 4)];
  return Range{kBase + first * kPageSize, std::min(pages, kPages - first)};
}

// What the program does; pins are not among it.
class Program {
 public:
  // Draws one step and does it to all of `memories`, which must be in step.
  void Do(const std::vector<SimMemory*>& memories) {
    const Step step = *rc::gen::weightedElement<Step>({{4, Step::kMap},
                                                       {2, Step::kUnmap},
                                                       {2, Step::kProtect},
                                                       {6, Step::kTouch},
                                                       {1, Step::kRemap},
                                                       {1, Step::kResize},
                                                       {1, Step::kDontNeed}});
    const Range range = AnyRange();
    const bool read = Draw(0, 5) > 0;
    const bool write = Draw(0, 3) > 0;
    const int kind = Draw(0, 5);
    const uint64_t offset = Draw<uint64_t>(0, 600);
    const uint64_t size = Draw<uint64_t>(0, 700);
    const uint64_t to = kBase + Draw<uint64_t>(0, 2 * kPages) * kPageSize;
    ++steps[step];
    std::vector<Errno> errors;
    for (SimMemory* memory : memories) {
      SimMm& mm = memory->mm(0);
      const uint64_t len = range.pages * kPageSize;
      Errno e = Errno::kOk;
      switch (step) {
        case Step::kMap: {
          MapRequest request = MemoryFixture::Anonymous(range.addr, range.pages, read, write);
          request.shared = kind == 1 || kind == 2;
          if (kind == 2 || kind == 3) request.object = 0;
          if (request.object == 0) request.offset = offset * kPageSize;
          e = mm.Map(request, &released);
          break;
        }
        case Step::kUnmap:
          e = mm.Unmap(range.addr, len, &released);
          break;
        case Step::kProtect:
          e = mm.Protect(range.addr, len, read, write, false);
          break;
        case Step::kTouch:
          mm.Touch(range.addr, len, write);
          break;
        case Step::kRemap:
          e = mm.Remap(range.addr, len, to, len, &released);
          break;
        case Step::kResize:
          e = memory->Resize(0, size * kPageSize);
          break;
        case Step::kDontNeed:
          e = mm.Madvise(range.addr, len, 4);
          break;
      }
      errors.push_back(e);
    }
    for (Errno e : errors) RC_ASSERT(e == errors[0]);
    if (errors[0] != Errno::kOk) ++refused;
  }

  std::map<Step, int> steps;
  int refused = 0;
  std::vector<uint32_t> released;
};

SimMemory Start(const MemoryPolicy& policy) {
  SimMemory memory(policy);
  memory.AddMm();
  memory.CreateObject(ObjectKind::kShmem, 600 * kPageSize);
  std::vector<uint32_t> released;
  EXPECT_EQ(memory.mm(0).Map(MemoryFixture::Anonymous(kBase, kPages), &released), Errno::kOk);
  return memory;
}

MemoryPolicy AnyPolicy() {
  return *rc::gen::element(Policy61(), Policy612WithoutThp(), Policy73(), [] {
    MemoryPolicy stock612;
    stock612.huge_zero_copied_whole = false;
    return stock612;
  }());
}

std::map<uint64_t, PageId> Present(const SimMemory& memory) {
  std::map<uint64_t, PageId> pages;
  for (MmId id = 0; id < memory.mm_count(); ++id) {
    memory.mm(id).ForEachPresentRun([&](uint64_t va, PageId first, uint64_t n) {
      for (uint64_t k = 0; k < n; ++k) {
        pages[(uint64_t{id} << 48) + va + k * kPageSize] = first + k;
      }
      return true;
    });
  }
  return pages;
}

std::vector<PageId> Pages(const std::vector<PageRun>& runs) {
  std::vector<PageId> pages;
  for (const PageRun& run : runs) {
    for (uint64_t k = 0; k < run.pages; ++k) {
      RC_ASSERT(ClassOf(run.first + k) == run.cls);
      pages.push_back(run.first + k);
    }
  }
  return pages;
}

RC_GTEST_PROP(SimMemoryProperty, RangeAtOnceEqualsPageByPage, ()) {
  SimMemory at_once = Start(AnyPolicy());
  Program program;
  const int steps = Draw(1, 12);
  for (int i = 0; i < steps; ++i) program.Do({&at_once});
  SimMemory by_page = at_once;
  const Range range = AnyRange();
  const bool write = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) {
    std::vector<PageRun> runs;
    const PinResult result = at_once.mm(0).Pin(range.addr, range.pages, write, &runs);
    std::vector<PageRun> single_runs;
    PinResult single;
    while (single.pages < range.pages) {
      const PinResult one =
          by_page.mm(0).Pin(range.addr + single.pages * kPageSize, 1, write, &single_runs);
      single.pages += one.pages;
      single.error = one.error;
      if (one.error != Errno::kOk) break;
    }
    RC_ASSERT(result.pages == single.pages);
    RC_ASSERT(result.error == single.error);
    RC_ASSERT(Pages(runs) == Pages(single_runs));
    RC_ASSERT(at_once.pinned_pages() == result.pages);
    RC_ASSERT(by_page.pinned_pages() == result.pages);
    for (const PageRun& run : runs) at_once.mm(0).Unpin(run, write);
    RC_ASSERT(at_once.pinned_pages() == 0u);
  } else {
    const TouchResult touched = at_once.mm(0).Touch(range.addr, range.pages * kPageSize, write);
    uint64_t done = 0;
    int signal = 0;
    while (done < range.pages * kPageSize && signal == 0) {
      const TouchResult one = by_page.mm(0).Touch(range.addr + done, kPageSize, write);
      done += one.done;
      signal = one.signal;
    }
    RC_ASSERT(touched.done == done);
    RC_ASSERT(touched.signal == signal);
  }
  RC_ASSERT(Present(at_once) == Present(by_page));
}

// Two sides of a replay: the same program, different pins. In the end, every writable page that
// both touch is the same page on both.
RC_GTEST_PROP(SimMemoryProperty, PinsDoNotChangeIds, ()) {
  SimMemory left = Start(AnyPolicy());
  SimMemory right = left;
  Program program;
  std::vector<PageRun> runs;
  const int steps = Draw(1, 20);
  for (int i = 0; i < steps; ++i) {
    program.Do({&left, &right});
    if (*rc::gen::arbitrary<bool>()) {
      SimMemory* const side = *rc::gen::arbitrary<bool>() ? &left : &right;
      const Range range = AnyRange();
      side->mm(0).Pin(range.addr, range.pages, *rc::gen::arbitrary<bool>(), &runs);
    }
  }
  for (uint64_t page = 0; page < 3 * kPages; ++page) {
    const uint64_t addr = kBase + page * kPageSize;
    const int signal = left.mm(0).Touch(addr, 1, true).signal;
    RC_ASSERT(right.mm(0).Touch(addr, 1, true).signal == signal);
    if (signal != 0) continue;
    PageId of_left = 0;
    PageId of_right = 0;
    RC_ASSERT(left.mm(0).PresentPage(addr, &of_left));
    RC_ASSERT(right.mm(0).PresentPage(addr, &of_right));
    RC_ASSERT(of_left == of_right);
  }
}

// A byte written through one address space and one address, checked against a plain map: forks,
// copies and pins change who sees it exactly as private and shared memory say. Every own page is in
// one place only, and no id that was left behind comes back for other memory.
RC_GTEST_PROP(SimMemoryProperty, ContentsFollowTheProgram, ()) {
  constexpr uint64_t kFew = 6;
  SimMemory memory = Start(Policy612WithoutThp());
  std::vector<uint32_t> ignored;
  ASSERT_EQ(memory.mm(0).Map(MemoryFixture::Anonymous(kBase, kFew), &ignored), Errno::kOk);
  ASSERT_EQ(memory.mm(0).Map(MemoryFixture::Shared(kBase + kFew * kPageSize, kFew, 0), &ignored),
            Errno::kOk);
  std::vector<std::vector<uint8_t>> expected_private(1, std::vector<uint8_t>(kFew, 0));
  std::vector<uint8_t> expected_shared(kFew, 0);
  std::vector<PageRun> runs;
  const int steps = Draw(1, 60);
  for (int i = 0; i < steps; ++i) {
    const MmId mm = Draw<MmId>(0, static_cast<MmId>(memory.mm_count()));
    const uint64_t index = Draw<uint64_t>(0, 2 * kFew);
    const uint64_t addr = kBase + index * kPageSize;
    switch (Draw(0, 6)) {
      case 0:
        if (memory.mm_count() < 4) {
          RC_ASSERT(memory.ForkMm(mm, &ignored) == expected_private.size());
          expected_private.push_back(std::vector<uint8_t>(expected_private[mm]));
        }
        break;
      case 1:
        memory.mm(mm).Pin(addr, 1, *rc::gen::arbitrary<bool>(), &runs);
        break;
      case 2:
        if (!runs.empty()) {
          memory.mm(mm).Unpin(runs.back(), true);
          runs.pop_back();
        }
        break;
      default: {
        const uint8_t byte = *rc::gen::arbitrary<uint8_t>();
        RC_ASSERT(memory.mm(mm).CopyOut(addr, &byte, 1) == 1u);
        (index < kFew ? expected_private[mm][index] : expected_shared[index - kFew]) = byte;
      }
    }
    for (MmId id = 0; id < memory.mm_count(); ++id) {
      for (uint64_t k = 0; k < 2 * kFew; ++k) {
        uint8_t byte = 0;
        RC_ASSERT(memory.mm(id).CopyIn(kBase + k * kPageSize, &byte, 1) == 1u);
        RC_ASSERT(byte == (k < kFew ? expected_private[id][k] : expected_shared[k - kFew]));
      }
    }
  }
  // A pinned page is still the page of whoever pinned it, or of nobody; never of two.
  std::map<PageId, int> owners;
  for (const auto& [va, page] : Present(memory)) {
    const bool is_private = (va & ((uint64_t{1} << 48) - 1)) < kBase + kFew * kPageSize;
    if (is_private && page != kZeroPage) ++owners[page];
  }
  for (const PageRun& run : runs) {
    if (owners.count(run.first) != 0) RC_ASSERT(owners[run.first] == 1);
  }
}

// The properties above say little if the programs do little.
TEST(SimMemoryPropertyGenerator, ProgramsReachEveryKindOfState) {
  Program program;
  std::map<PresentState, int> states;
  int runs_in_pieces = 0;
  int at_most_partly_pinned = 0;
  rc::check([&] {
    SimMemory memory = Start(AnyPolicy());
    const auto& runs = memory.mm(0).space().runs;
    for (int i = 0; i < 12; ++i) {
      program.Do({&memory});
      for (auto c = runs.Begin(); c; c = runs.Next(c)) ++states[runs.value(c).state];
    }
    if (runs.size() > 4) ++runs_in_pieces;
    const Range range = AnyRange();
    std::vector<PageRun> pinned;
    const PinResult result = memory.mm(0).Pin(range.addr, range.pages, false, &pinned);
    if (result.pages > 0 && result.error != Errno::kOk) ++at_most_partly_pinned;
  });
  for (Step step : {Step::kMap, Step::kUnmap, Step::kProtect, Step::kTouch, Step::kRemap,
                    Step::kResize, Step::kDontNeed}) {
    EXPECT_GT(program.steps[step], 20);
  }
  EXPECT_GT(program.refused, 20);
  for (PresentState state : {PresentState::kOwn, PresentState::kObject, PresentState::kZero,
                             PresentState::kHugeZero}) {
    EXPECT_GT(states[state], 20) << static_cast<int>(state);
  }
  EXPECT_GT(runs_in_pieces, 10);
  EXPECT_GT(at_most_partly_pinned, 3);
}

}  // namespace
}  // namespace iovalid::sim
