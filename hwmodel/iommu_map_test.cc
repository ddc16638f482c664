// SPDX-License-Identifier: Apache-2.0
// The driver half of Iommu: what Map and Unmap write, and what they answer.
#include <gtest/gtest.h>

#include <cstdint>
#include <tuple>
#include <vector>

#include "hwmodel/iommu.h"
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;
using sim::PageId;

constexpr unsigned kRw = kRead | kWrite;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t k4K = 4096;

using RunTuple = std::tuple<uint64_t, PageId, uint64_t, unsigned>;

std::vector<RunTuple> Runs(const Iommu& iommu, DomainId domain, uint64_t first = 0,
                           uint64_t last = ~uint64_t{0}) {
  std::vector<RunTuple> runs;
  iommu.ForEachRun(domain, first, last,
                   [&runs](uint64_t iova, PageId page, uint64_t pages, unsigned rights) {
                     runs.emplace_back(iova, page, pages, rights);
                   });
  return runs;
}

// The leaf entry that translates `iova`, and its level; entry 0 where there is none.
struct Leaf {
  uint64_t entry = 0;
  unsigned level = 0;
};
Leaf LeafAt(const Iommu& iommu, DomainId domain, uint64_t iova) {
  uint64_t frame = iommu.root(domain);
  for (unsigned level = iommu.levels(); level >= 1; --level) {
    const uint64_t entry =
        iommu.table_memory().Find(frame)->entry[iova >> (12 + 9 * (level - 1)) & 511];
    if (entry == 0) return {};
    if (level == 1 || (entry & 0x80) != 0) return {entry, level};
    frame = entry >> 12 & 0xffffffffff;
  }
  return {};
}

class IommuMapTest : public testing::Test {
 protected:
  explicit IommuMapTest(const IommuConfig& config = {}) : iommu_(config) {
    domain_ = iommu_.AllocDomain();
  }
  Errno Map(uint64_t iova, PageId first, uint64_t pages, unsigned rights = kRw) {
    return iommu_.Map(domain_, iova, first, pages, rights);
  }

  Iommu iommu_;
  DomainId domain_;
};

class LegacyIommuMapTest : public IommuMapTest {
 protected:
  static IommuConfig Config() {
    IommuConfig config;
    config.rules = LegacyDriverRules();
    return config;
  }
  LegacyIommuMapTest() : IommuMapTest(Config()) {}
};

TEST_F(IommuMapTest, WritesTheBitsOfTheSpecification) {
  ASSERT_EQ(Map(0x5000, 0x1234, 1, kRead), Errno::kOk);
  ASSERT_EQ(Map(0x6000, 0x1235, 1, kWrite), Errno::kOk);
  ASSERT_EQ(Map(2 * kMiB, 0x200, 512, kRw), Errno::kOk);
  ASSERT_EQ(Map(kGiB, 0x40000, 0x40000, kRw), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu_, domain_, 0x5000).entry, 0x1234001u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 0x6000).entry, 0x1235002u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kMiB).entry, 0x200083u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kMiB).level, 2u);
  EXPECT_EQ(LeafAt(iommu_, domain_, kGiB).entry, 0x40000083u);
  EXPECT_EQ(LeafAt(iommu_, domain_, kGiB).level, 3u);
}

TEST_F(IommuMapTest, UsesTheLargestPagesThatBothAddressesAllow) {
  // From 4 KiB below 1 GiB to 4 KiB beyond 2 GiB + 2 MiB, frames aligned alike.
  const uint64_t pages = 1 + 0x40000 + 512 + 1;
  ASSERT_EQ(Map(kGiB - k4K, 0x7ffff, pages), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu_, domain_, kGiB - k4K).level, 1u);
  EXPECT_EQ(LeafAt(iommu_, domain_, kGiB).level, 3u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kGiB).level, 2u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kGiB + 2 * kMiB).level, 1u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kGiB + 2 * kMiB + k4K).level, 0u);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{kGiB - k4K, 0x7ffff, pages, kRw}}));
}

TEST_F(IommuMapTest, MisalignedFramesNeedSmallPages) {
  ASSERT_EQ(Map(2 * kMiB, 0x201, 1024), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kMiB).level, 1u);
  EXPECT_EQ(LeafAt(iommu_, domain_, 4 * kMiB).level, 1u);
}

TEST_F(IommuMapTest, SmallPagesOnlyWhenAsked) {
  ASSERT_EQ(iommu_.Map(domain_, 2 * kMiB, 0x200, 512, kRw, /*small_pages_only=*/true), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kMiB).level, 1u);
  // What is reached is the same.
  Iommu other{IommuConfig{}};
  const DomainId d = other.AllocDomain();
  ASSERT_EQ(other.Map(d, 2 * kMiB, 0x200, 512, kRw), Errno::kOk);
  EXPECT_EQ(LeafAt(other, d, 2 * kMiB).level, 2u);
  EXPECT_EQ(iommu_.reach(domain_), other.reach(d));
}

TEST(IommuPageSizesTest, FollowTheBitmap) {
  IommuConfig config;
  config.page_sizes = kSize4K | kSize1G;
  Iommu iommu(config);
  const DomainId d = iommu.AllocDomain();
  ASSERT_EQ(iommu.Map(d, 0, 0, 0x40000 + 512, kRw), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu, d, 0).level, 3u);
  EXPECT_EQ(LeafAt(iommu, d, kGiB).level, 1u);
  EXPECT_EQ(iommu.page_sizes(d), kSize4K | kSize1G);
}

TEST(IommuLevelsTest, FourAndFiveLevelsReachTheirTop) {
  for (const unsigned bits : {39u, 48u, 57u}) {
    IommuConfig config;
    config.aw_bits = bits;
    config.aperture_last = (uint64_t{1} << bits) - 1;
    Iommu iommu(config);
    EXPECT_EQ(iommu.levels(), (bits - 12) / 9);
    const DomainId d = iommu.AllocDomain();
    EXPECT_EQ(iommu.aperture_first(d), 0u);
    EXPECT_EQ(iommu.aperture_last(d), (uint64_t{1} << bits) - 1);
    const uint64_t top = (uint64_t{1} << bits) - k4K;
    EXPECT_EQ(iommu.Map(d, top, 5, 1, kRead), Errno::kOk);
    EXPECT_EQ(iommu.Map(d, top, 5, 2, kRead), Errno::kRANGE);
    EXPECT_EQ(iommu.Map(d, top + k4K, 5, 1, kRead), Errno::kRANGE);
    EXPECT_EQ(Runs(iommu, d), (std::vector<RunTuple>{{top, 5, 1, kRead}}));
    EXPECT_EQ(iommu.table_frames(d), iommu.levels());
    EXPECT_EQ(iommu.Unmap(d, top, k4K), k4K);
    EXPECT_TRUE(iommu.reach(d).zero());
  }
}

TEST_F(IommuMapTest, RefusesWhatThe73DriverRefuses) {
  EXPECT_EQ(Map(0, 1, 1, 0), Errno::kINVAL);
  EXPECT_EQ(Map(0, 1, 0), Errno::kINVAL);
  EXPECT_EQ(Map(0x800, 1, 1), Errno::kNXIO);
  EXPECT_EQ(Map(uint64_t{1} << 39, 1, 1), Errno::kRANGE);
  EXPECT_EQ(Map((uint64_t{1} << 39) - k4K, 1, 2), Errno::kRANGE);
  EXPECT_EQ(Map(~uint64_t{0xfff}, 1, 2), Errno::kOVERFLOW);
  EXPECT_EQ(Map(0, uint64_t{1} << 40, 1), Errno::kRANGE);
  EXPECT_EQ(Map(0, (uint64_t{1} << 40) - 1, 2), Errno::kRANGE);
  EXPECT_TRUE(Runs(iommu_, domain_).empty());
  EXPECT_TRUE(iommu_.reach(domain_).zero());
}

TEST_F(LegacyIommuMapTest, AnswersAsThe6xDriver) {
  EXPECT_EQ(Map(0, 1, 1, 0), Errno::kINVAL);
  EXPECT_EQ(Map(0, 1, 0), Errno::kOk);
  EXPECT_EQ(Map(0x800, 1, 1), Errno::kINVAL);
  EXPECT_EQ(Map(uint64_t{1} << 39, 1, 1), Errno::kFAULT);
  EXPECT_TRUE(Runs(iommu_, domain_).empty());
}

TEST_F(IommuMapTest, WriteOnlyStaysWriteOnly) {
  ASSERT_EQ(Map(0, 9, 1, kWrite), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{0, 9, 1, kWrite}}));
}

TEST_F(LegacyIommuMapTest, WriteOnlyBecomesReadWrite) {
  ASSERT_EQ(Map(0, 9, 1, kWrite), Errno::kOk);
  ASSERT_EQ(Map(k4K, 10, 1, kRead), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{0, 9, 1, kRw}, {k4K, 10, 1, kRead}}));
}

TEST_F(IommuMapTest, PresentEntryFailsAndLeavesEverythingAsItWas) {
  ASSERT_EQ(Map(10 * k4K, 100, 1), Errno::kOk);
  const sim::Digest before = iommu_.reach(domain_);
  EXPECT_EQ(Map(8 * k4K, 200, 4), Errno::kADDRINUSE);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{10 * k4K, 100, 1, kRw}}));
  EXPECT_EQ(iommu_.reach(domain_), before);
  // Small under large, and large over small.
  ASSERT_EQ(Map(4 * kMiB, 0x400, 512), Errno::kOk);
  EXPECT_EQ(Map(4 * kMiB - k4K, 1, 3), Errno::kADDRINUSE);
  EXPECT_EQ(Map(0, 0x600, 512), Errno::kADDRINUSE);
  EXPECT_EQ(Map(0, 0x80000, 0x40000), Errno::kADDRINUSE);
  EXPECT_EQ(Runs(iommu_, domain_),
            (std::vector<RunTuple>{{10 * k4K, 100, 1, kRw}, {4 * kMiB, 0x400, 512, kRw}}));
}

TEST_F(IommuMapTest, LargePageTakesThePlaceOfAnEmptyTable) {
  ASSERT_EQ(Map(2 * kMiB, 1, 1), Errno::kOk);
  ASSERT_EQ(iommu_.Unmap(domain_, 2 * kMiB, k4K), k4K);
  EXPECT_EQ(iommu_.table_frames(domain_), 3u);  // the empty last table is still there
  ASSERT_EQ(Map(2 * kMiB, 0x200, 512), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu_, domain_, 2 * kMiB).level, 2u);
  EXPECT_EQ(iommu_.table_frames(domain_), 2u);
}

TEST_F(LegacyIommuMapTest, PresentEntryStaysAndTheCallSucceeds) {
  ASSERT_EQ(Map(10 * k4K, 100, 1), Errno::kOk);
  ASSERT_EQ(Map(8 * k4K, 200, 4), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_),
            (std::vector<RunTuple>{
                {8 * k4K, 200, 2, kRw}, {10 * k4K, 100, 1, kRw}, {11 * k4K, 203, 1, kRw}}));
  // A large leaf in the way stays too; a large leaf over small ones replaces them.
  ASSERT_EQ(Map(4 * kMiB, 0x400, 512), Errno::kOk);
  ASSERT_EQ(Map(4 * kMiB - k4K, 1, 514), Errno::kOk);
  ASSERT_EQ(Map(0, 0x600, 512), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{0, 0x600, 512, kRw},
                                                          {4 * kMiB - k4K, 1, 1, kRw},
                                                          {4 * kMiB, 0x400, 512, kRw},
                                                          {6 * kMiB, 514, 1, kRw}}));
  sim::Digest sum;
  for (const auto& [iova, page, pages, rights] : Runs(iommu_, domain_)) {
    sum += sim::HashReach(iova / k4K, page, pages, rights);
  }
  EXPECT_EQ(iommu_.reach(domain_), sum);
}

TEST_F(IommuMapTest, OutOfTablesIsENOMEMAndUndone) {
  iommu_.mutable_table_memory().set_limit(3);
  // The second 2 MiB needs a table more than there are.
  EXPECT_EQ(Map(2 * kMiB, 1, 1024), Errno::kNOMEM);
  EXPECT_TRUE(Runs(iommu_, domain_).empty());
  EXPECT_TRUE(iommu_.reach(domain_).zero());
  EXPECT_EQ(Map(2 * kMiB, 1, 512), Errno::kOk);
}

TEST_F(IommuMapTest, UnmapTakesTheWholeLargePageThatTheEndFallsInto) {
  ASSERT_EQ(Map(2 * kMiB, 0x200, 1024), Errno::kOk);
  EXPECT_EQ(iommu_.Unmap(domain_, 2 * kMiB, k4K), 2 * kMiB);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{4 * kMiB, 0x400, 512, kRw}}));
}

TEST_F(IommuMapTest, UnmapFromTheMiddleOfALargePageDoesNothing) {
  ASSERT_EQ(Map(2 * kMiB, 0x200, 512), Errno::kOk);
  EXPECT_EQ(iommu_.Unmap(domain_, 3 * kMiB, kMiB), 0u);
  EXPECT_EQ(Runs(iommu_, domain_).size(), 1u);
}

TEST_F(IommuMapTest, UnmapStopsAtAHole) {
  ASSERT_EQ(Map(0, 1, 2), Errno::kOk);
  ASSERT_EQ(Map(3 * k4K, 4, 1), Errno::kOk);
  EXPECT_EQ(iommu_.Unmap(domain_, 0, 4 * k4K), 2 * k4K);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{3 * k4K, 4, 1, kRw}}));
  EXPECT_EQ(iommu_.Unmap(domain_, 0, k4K), 0u);
}

TEST_F(LegacyIommuMapTest, UnmapGoesOnOverAHole) {
  ASSERT_EQ(Map(0, 1, 2), Errno::kOk);
  ASSERT_EQ(Map(3 * k4K, 4, 1), Errno::kOk);
  EXPECT_EQ(iommu_.Unmap(domain_, 0, 4 * k4K), 4 * k4K);
  EXPECT_TRUE(Runs(iommu_, domain_).empty());
}

TEST_F(IommuMapTest, UnmapRefusesWhatIsNotWholePagesOrOutside) {
  ASSERT_EQ(Map(0, 1, 1), Errno::kOk);
  EXPECT_EQ(iommu_.Unmap(domain_, 0, 100), 0u);
  EXPECT_EQ(iommu_.Unmap(domain_, 100, k4K), 0u);
  EXPECT_EQ(iommu_.Unmap(domain_, 0, 0), 0u);
  EXPECT_EQ(iommu_.Unmap(domain_, 0, uint64_t{1} << 40), 0u);
  EXPECT_EQ(iommu_.Unmap(domain_, ~uint64_t{0xfff}, k4K), 0u);
  EXPECT_EQ(Runs(iommu_, domain_).size(), 1u);
}

// A table goes if one call covers what it translates, and only then: many small unmaps leave tables
// behind, which nothing gives back before the domain is freed.
TEST_F(IommuMapTest, SparseUnmapsKeepTheirTables) {
  for (uint64_t i = 0; i < 8; ++i) ASSERT_EQ(Map(i * 2 * kMiB, 1, 512), Errno::kOk);
  EXPECT_EQ(iommu_.table_frames(domain_), 10u);
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(iommu_.Unmap(domain_, i * 2 * kMiB, 2 * kMiB), 2 * kMiB);
  }
  EXPECT_EQ(iommu_.table_frames(domain_), 6u);
  for (uint64_t i = 4; i < 8; ++i) {
    EXPECT_EQ(iommu_.Unmap(domain_, i * 2 * kMiB, kMiB), kMiB);
    EXPECT_EQ(iommu_.Unmap(domain_, i * 2 * kMiB + kMiB, kMiB), kMiB);
  }
  EXPECT_TRUE(Runs(iommu_, domain_).empty());
  EXPECT_EQ(iommu_.table_frames(domain_), 6u);
}

TEST(IommuFreeTablesTest, OtherPolicies) {
  for (const auto policy : {DriverRules::FreeTables::kEmpty, DriverRules::FreeTables::kNever}) {
    IommuConfig config;
    config.rules.free_tables = policy;
    Iommu iommu(config);
    const DomainId d = iommu.AllocDomain();
    ASSERT_EQ(iommu.Map(d, 0, 1, 512, kRw), Errno::kOk);
    EXPECT_EQ(iommu.Unmap(d, 0, kMiB), kMiB);
    EXPECT_EQ(iommu.table_frames(d), 3u);
    EXPECT_EQ(iommu.Unmap(d, kMiB, kMiB), kMiB);
    EXPECT_EQ(iommu.table_frames(d), policy == DriverRules::FreeTables::kEmpty ? 1u : 3u);
  }
}

TEST_F(IommuMapTest, LookupGivesTheRunFromAnAddress) {
  ASSERT_EQ(Map(2 * kMiB - k4K, 0x1ff, 514), Errno::kOk);       // 4K, 2M, 4K
  ASSERT_EQ(Map(4 * kMiB + k4K, 0x401, 1, kRead), Errno::kOk);  // other rights
  Iommu::Run run = iommu_.Lookup(domain_, 2 * kMiB - k4K, 10000);
  EXPECT_TRUE(run.mapped);
  EXPECT_EQ(run.first, 0x1ffu);
  EXPECT_EQ(run.pages, 514u);
  EXPECT_EQ(run.rights, kRw);
  run = iommu_.Lookup(domain_, 3 * kMiB + 5, 7);
  EXPECT_EQ(run.first, 0x300u);
  EXPECT_EQ(run.pages, 7u);
  run = iommu_.Lookup(domain_, 4 * kMiB + k4K, 100);
  EXPECT_EQ(run.pages, 1u);
  EXPECT_EQ(run.rights, unsigned{kRead});
  EXPECT_FALSE(iommu_.Lookup(domain_, 0, 100).mapped);
  EXPECT_FALSE(iommu_.Lookup(domain_, 2 * kMiB - 2 * k4K, 100).mapped);
  EXPECT_FALSE(iommu_.Lookup(domain_, uint64_t{1} << 39, 1).mapped);
  EXPECT_FALSE(iommu_.Lookup(domain_, 2 * kMiB, 0).mapped);
}

TEST_F(IommuMapTest, LookupEndsWithTheAddressSpace) {
  const uint64_t top = (uint64_t{1} << 39) - k4K;
  ASSERT_EQ(Map(top, 7, 1), Errno::kOk);
  EXPECT_EQ(iommu_.Lookup(domain_, top, ~uint64_t{0}).pages, 1u);
}

TEST_F(IommuMapTest, ForEachRunKeepsToItsWindow) {
  ASSERT_EQ(Map(2 * kMiB, 0x200, 512), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_, 3 * kMiB, 3 * kMiB + 2 * k4K - 1),
            (std::vector<RunTuple>{{3 * kMiB, 0x300, 2, kRw}}));
  EXPECT_EQ(Runs(iommu_, domain_, 3 * kMiB + 5, 3 * kMiB + 5),
            (std::vector<RunTuple>{{3 * kMiB, 0x300, 1, kRw}}));
  EXPECT_TRUE(Runs(iommu_, domain_, 0, 2 * kMiB - 1).empty());
  EXPECT_TRUE(Runs(iommu_, domain_, 5, 4).empty());
}

TEST_F(IommuMapTest, SnoopIsForcedFromTheCallOnOnly) {
  EXPECT_FALSE(iommu_.EnforceCacheCoherency(domain_));
  IommuConfig config;
  config.snoop_control = true;
  Iommu iommu(config);
  const DomainId d = iommu.AllocDomain();
  ASSERT_EQ(iommu.Map(d, 0, 1, 1, kRw), Errno::kOk);
  EXPECT_TRUE(iommu.EnforceCacheCoherency(d));
  ASSERT_EQ(iommu.Map(d, k4K, 2, 1, kRw), Errno::kOk);
  EXPECT_EQ(LeafAt(iommu, d, 0).entry & VtdSecondStage::kSnoop, 0u);
  EXPECT_EQ(LeafAt(iommu, d, k4K).entry & VtdSecondStage::kSnoop, VtdSecondStage::kSnoop);
  EXPECT_EQ(iommu.Unmap(d, 0, 2 * k4K), 2 * k4K);
  EXPECT_TRUE(iommu.reach(d).zero());
}

TEST_F(IommuMapTest, DomainsGetTheLowestFreeIdAndFreeTheirTables) {
  const DomainId second = iommu_.AllocDomain();
  EXPECT_EQ(domain_, 0u);
  EXPECT_EQ(second, 1u);
  ASSERT_EQ(Map(0, 1, 5000), Errno::kOk);
  ASSERT_EQ(iommu_.Map(second, 0, 1, 1, kRead), Errno::kOk);
  iommu_.FreeDomain(domain_);
  EXPECT_FALSE(iommu_.domain_exists(domain_));
  EXPECT_EQ(iommu_.table_memory().in_use(), 3u);
  EXPECT_EQ(iommu_.AllocDomain(), 0u);
  EXPECT_TRUE(iommu_.reach(0).zero());
  iommu_.FreeDomain(0);
  iommu_.FreeDomain(second);
  EXPECT_EQ(iommu_.table_memory().in_use(), 0u);
}

TEST(IommuDomainLimitTest, NoDomainLeft) {
  IommuConfig config;
  config.max_domains = 2;
  Iommu iommu(config);
  EXPECT_EQ(iommu.AllocDomain(), 0u);
  EXPECT_EQ(iommu.AllocDomain(), 1u);
  EXPECT_EQ(iommu.AllocDomain(), kNoDomain);
}

TEST_F(IommuMapTest, CopiesAreIndependent) {
  ASSERT_EQ(Map(0, 1, 2000), Errno::kOk);
  Iommu copy = iommu_;
  EXPECT_EQ(copy.Unmap(domain_, 0, 4 * k4K), 4 * k4K);
  EXPECT_EQ(copy.Map(domain_, kGiB, 9, 1, kRead), Errno::kOk);
  EXPECT_EQ(Runs(iommu_, domain_), (std::vector<RunTuple>{{0, 1, 2000, kRw}}));
  EXPECT_EQ(Runs(copy, domain_),
            (std::vector<RunTuple>{{4 * k4K, 5, 1996, kRw}, {kGiB, 9, 1, kRead}}));
  iommu_.FreeDomain(domain_);
  EXPECT_EQ(Runs(copy, domain_).size(), 2u);
}

TEST(IommuDeathTest, UnknownDomainIsABugOfTheCaller) {
  Iommu iommu{IommuConfig{}};
  EXPECT_DEATH(iommu.Map(0, 0, 0, 1, kRead), "no such domain");
  IommuConfig bad;
  bad.aw_bits = 12;
  EXPECT_DEATH(Iommu{bad}, "address width");
}

}  // namespace
}  // namespace iovalid::hwmodel
