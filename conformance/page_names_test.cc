// SPDX-License-Identifier: Apache-2.0
#include "conformance/page_names.h"

#include <gtest/gtest.h>

#include <vector>

#include "hwmodel/iommu.h"
#include "sim/sim_memory.h"

namespace iovalid::conformance {
namespace {

using What = ViewRun::What;
constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kAddr = 0x100000000;
constexpr uint32_t kLabel = 5;

// A program that has seen four pages of a file, of which the last two were then truncated away, one
// of them pinned before.
struct PageNamesTest : ::testing::Test {
  PageNamesTest() : memory(sim::MemoryPolicy{}), iommu(hwmodel::IommuConfig{}) {
    memory.AddMm();
    const sim::ObjectId file = memory.CreateObject(sim::ObjectKind::kShmem, 4 * kPage);
    sim::MapRequest request;
    request.addr = kAddr;
    request.len = 4 * kPage;
    request.read = request.write = request.shared = true;
    request.object = file;
    std::vector<uint32_t> released;
    EXPECT_EQ(memory.mm(0).Map(request, &released), sim::Errno::kOk);
    names.AddMapping(kAddr, 4 * kPage, kLabel, 0);
    memory.mm(0).Touch(kAddr, 4 * kPage, true);
    names.Look(memory.mm(0));
    std::vector<sim::PageRun> pinned;
    EXPECT_EQ(memory.mm(0).PinFile(file, 3, 1, &pinned).pages, 1u);
    EXPECT_EQ(memory.Resize(file, 2 * kPage), sim::Errno::kOk);
    std::vector<ViewRun> none;
    names.View(iommu, 0, {}, memory.mm(0), &none);
  }
  static ViewRun Stale(uint64_t page, uint64_t pages) {
    return {page * kPage, pages * kPage, What::kStale, page * kPage, kLabel, 3};
  }
  std::vector<ViewRun> WithoutGone(const std::vector<ViewRun>& runs) const {
    return names.WithoutGone(runs, memory);
  }

  sim::SimMemory memory;
  hwmodel::Iommu iommu;
  PageNames names;
};

TEST_F(PageNamesTest, ANameOfAPageThatIsGoneNamesNothing) {
  const ViewRun some{2 * kPage, kPage, What::kSomePage, 0, kNoName, 3};
  EXPECT_EQ(WithoutGone({Stale(0, 4)}), (std::vector<ViewRun>{Stale(0, 2), some, Stale(3, 1)}));
}

TEST_F(PageNamesTest, ItJoinsOtherPagesWithoutAName) {
  const ViewRun next{3 * kPage, 2 * kPage, What::kSomePage, 0, kNoName, 3};
  const ViewRun joined{2 * kPage, 3 * kPage, What::kSomePage, 0, kNoName, 3};
  EXPECT_EQ(WithoutGone({Stale(2, 1), next}), std::vector<ViewRun>{joined});
}

// However much a program has mapped, what is looked at stays little.
TEST_F(PageNamesTest, MoreThanCanBeNamedIsSomePage) {
  constexpr uint64_t kPages = PageNames::kMaxNamedPages + 2;
  const hwmodel::DomainId domain = iommu.AllocDomain();
  iommu.Attach(0, domain);
  ASSERT_EQ(iommu.Map(domain, 0, 0x1000000, kPages, 3), sim::Errno::kOk);
  std::vector<ViewRun> runs;
  names.View(iommu, 0, {}, memory.mm(0), &runs);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[1], (ViewRun{PageNames::kMaxNamedPages * kPage, 2 * kPage, What::kSomePage, 0,
                              kNoName, 3}));
}

// 512 GiB that were only read are 2^27 zero pages.
TEST_F(PageNamesTest, AWalkOverZeroPagesEndsWhenItIsToldTo) {
  sim::MapRequest request;
  request.addr = 0x7000'0000'0000;
  request.len = uint64_t{1} << 39;
  request.read = true;
  std::vector<uint32_t> released;
  ASSERT_EQ(memory.mm(0).Map(request, &released), sim::Errno::kOk);
  memory.mm(0).Touch(request.addr, request.len, false);
  uint64_t walked = 0;
  memory.mm(0).ForEachPresentRun([&](uint64_t va, sim::PageId page, uint64_t pages) {
    if (va < request.addr) return true;
    EXPECT_EQ(page, sim::kHugeZeroPage + walked);
    EXPECT_EQ(pages, 1u);
    return ++walked != 5;
  });
  EXPECT_EQ(walked, 5u);
}

TEST_F(PageNamesTest, ARunWithoutBoundsIsNotWalked) {
  const std::vector<ViewRun> runs = {{0, ~uint64_t{0}, What::kStale, 0, kLabel, 3}};
  EXPECT_EQ(WithoutGone(runs), runs);
}

TEST_F(PageNamesTest, WhatIsThereOrWasNeverSeenStays) {
  ViewRun other = Stale(2, 1);
  other.label = kLabel + 1;
  const std::vector<ViewRun> runs = {Stale(0, 1), other, Stale(3, 1)};
  EXPECT_EQ(WithoutGone(runs), runs);
}

}  // namespace
}  // namespace iovalid::conformance
