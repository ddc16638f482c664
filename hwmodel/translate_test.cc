// SPDX-License-Identifier: Apache-2.0
// The hardware half of Iommu: translations, what is cached, and faults.
#include <gtest/gtest.h>

#include <cstdint>

#include "hwmodel/iommu.h"
#include "hwmodel/vtd_second_stage.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;

constexpr unsigned kRw = kRead | kWrite;
constexpr uint64_t k4K = 4096;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr SourceId kDevice = 3;

class TranslateTest : public testing::Test {
 protected:
  explicit TranslateTest(const IommuConfig& config = {}) : iommu_(config) {
    domain_ = iommu_.AllocDomain();
    iommu_.Attach(kDevice, domain_);
  }
  // The table of `level` that covers `iova`.
  TableFrame* Table(uint64_t iova, unsigned level) {
    uint64_t frame = iommu_.root(domain_);
    for (unsigned l = iommu_.levels(); l > level; --l) {
      frame = VtdSecondStage::TableAddress(
                  iommu_.table_memory().Find(frame)->entry[iova >> (12 + 9 * (l - 1)) & 511]) /
              k4K;
    }
    return iommu_.mutable_table_memory().Mutable(static_cast<FrameId>(frame));
  }
  void ExpectFault(uint64_t iova, unsigned access, FaultReason reason, unsigned level) {
    const Iommu::Translation t = iommu_.Translate(kDevice, iova, access);
    EXPECT_FALSE(t.ok);
    EXPECT_FALSE(t.interrupt);
    EXPECT_EQ(t.reason, reason);
    FaultRecord record;
    ASSERT_TRUE(iommu_.faults().Take(&record));
    const uint8_t stage = level == 0 ? 0 : 2;
    EXPECT_EQ(record, (FaultRecord{kDevice, iova / k4K, access, reason, static_cast<uint8_t>(level),
                                   stage, kNoPasid}));
  }

  Iommu iommu_;
  DomainId domain_;
};

TEST_F(TranslateTest, TranslatesThroughEachPageSizeTwice) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 77, 1, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(domain_, 2 * kMiB, 0x600, 512, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(domain_, kGiB, 0x80000, 0x40000, kRw), Errno::kOk);
  for (int round = 0; round < 2; ++round) {  // a walk, then the IOTLB
    Iommu::Translation t = iommu_.Translate(kDevice, 100, kRead);
    EXPECT_TRUE(t.ok);
    EXPECT_EQ(t.page, 77u);
    EXPECT_EQ(t.bytes_left_in_run, k4K - 100);
    t = iommu_.Translate(kDevice, 3 * kMiB + 1, kWrite);
    EXPECT_TRUE(t.ok);
    EXPECT_EQ(t.page, 0x700u);
    EXPECT_EQ(t.bytes_left_in_run, kMiB - 1);
    t = iommu_.Translate(kDevice, kGiB + 5 * kMiB, kRw);
    EXPECT_TRUE(t.ok);
    EXPECT_EQ(t.page, 0x80500u);
    EXPECT_EQ(t.bytes_left_in_run, kGiB - 5 * kMiB);
    EXPECT_EQ(iommu_.iotlb().size(), 3u);
  }
  EXPECT_EQ(iommu_.faults().total(), 0u);
}

TEST_F(TranslateTest, BlockedSourceFaults) {
  iommu_.Detach(kDevice);
  EXPECT_EQ(iommu_.attached(kDevice), kNoDomain);
  ExpectFault(0, kRead, FaultReason::kContextNotPresent, 0);
  EXPECT_EQ(iommu_.Translate(1000000, 0, kRead).reason, FaultReason::kContextNotPresent);
}

TEST_F(TranslateTest, NotPresentIsALackOfTheRightAskedFor) {
  ExpectFault(0x5000, kRead, FaultReason::kReadNotPermitted, 3);
  ExpectFault(0x5000, kWrite, FaultReason::kWriteNotPermitted, 3);
  ExpectFault(0x5000, kRw, FaultReason::kWriteNotPermitted, 3);
  ASSERT_EQ(iommu_.Map(domain_, 0x6000, 1, 1, kRw), Errno::kOk);
  ExpectFault(0x5000, kRead, FaultReason::kReadNotPermitted, 1);
  ExpectFault(2 * kMiB, kRead, FaultReason::kReadNotPermitted, 2);
}

TEST_F(TranslateTest, RightsAreChecked) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRead), Errno::kOk);
  ASSERT_EQ(iommu_.Map(domain_, k4K, 2, 1, kWrite), Errno::kOk);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  ExpectFault(0, kWrite, FaultReason::kWriteNotPermitted, 1);
  ExpectFault(0, kRw, FaultReason::kWriteNotPermitted, 1);
  EXPECT_TRUE(iommu_.Translate(kDevice, k4K, kWrite).ok);
  ExpectFault(k4K, kRead, FaultReason::kReadNotPermitted, 1);
}

TEST_F(TranslateTest, RightsOfAllLevelsCount) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  Table(0, 2)->entry[0] &= ~VtdSecondStage::kW;
  ExpectFault(0, kWrite, FaultReason::kWriteNotPermitted, 2);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  // What is cached knows the combined rights: the walk starts at the last table.
  ExpectFault(0, kWrite, FaultReason::kWriteNotPermitted, 1);
}

TEST_F(TranslateTest, AddressBeyondTheWidthFaults) {
  ExpectFault(uint64_t{1} << 39, kRead, FaultReason::kAddressBeyondWidth, 0);
  ExpectFault(~uint64_t{0}, kWrite, FaultReason::kAddressBeyondWidth, 0);
}

TEST_F(TranslateTest, MsiWindowIsNeverTranslated) {
  ASSERT_EQ(iommu_.Map(domain_, 0xfedff000, 1, 0x102, kRw), Errno::kOk);
  for (const uint64_t iova : {0xfee00000u, 0xfee01004u, 0xfeefffffu}) {
    const Iommu::Translation t = iommu_.Translate(kDevice, iova, kWrite);
    EXPECT_FALSE(t.ok);
    EXPECT_TRUE(t.interrupt);
    EXPECT_EQ(t.reason, FaultReason::kNone);
  }
  EXPECT_TRUE(iommu_.Translate(kDevice, 0xfedfffff, kWrite).ok);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0xfef00000, kWrite).ok);
  iommu_.Detach(kDevice);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0xfee00000, kWrite).interrupt);
  EXPECT_EQ(iommu_.faults().total(), 0u);
}

TEST_F(TranslateTest, RunEndsAtTheMsiWindow) {
  ASSERT_EQ(iommu_.Map(domain_, 3 * kGiB, 0xc0000, 0x40000, kRw), Errno::kOk);
  const Iommu::Translation t = iommu_.Translate(kDevice, 3 * kGiB, kRead);
  EXPECT_EQ(t.bytes_left_in_run, 0xfee00000 - 3 * kGiB);
  EXPECT_EQ(iommu_.Translate(kDevice, 0xfef00000, kRead).bytes_left_in_run, 4 * kGiB - 0xfef00000);
}

TEST_F(TranslateTest, DriverInvalidatesWhatItUnmaps) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 4, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, k4K, kRead).ok);
  ASSERT_EQ(iommu_.Unmap(domain_, 0, 4 * k4K), 4 * k4K);
  ExpectFault(k4K, kRead, FaultReason::kReadNotPermitted, 1);
  ASSERT_EQ(iommu_.Map(domain_, k4K, 9, 1, kRw), Errno::kOk);
  EXPECT_EQ(iommu_.Translate(kDevice, k4K, kRead).page, 9u);
}

TEST_F(TranslateTest, WithoutInvalidationTheOldPageIsStillReached) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 4, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, k4K, kRead).ok);
  ASSERT_EQ(iommu_.UnmapNoSync(domain_, 0, 4 * k4K), 4 * k4K);
  const Iommu::Translation stale = iommu_.Translate(kDevice, k4K, kWrite);
  EXPECT_TRUE(stale.ok);
  EXPECT_EQ(stale.page, 2u);
  EXPECT_TRUE(iommu_.reach(domain_).zero());  // the tables no longer reach it
  // A page that was not cached is gone at once.
  ExpectFault(2 * k4K, kRead, FaultReason::kReadNotPermitted, 1);
  iommu_.InvalidateRange(domain_, k4K, k4K);
  ExpectFault(k4K, kRead, FaultReason::kReadNotPermitted, 1);
}

TEST_F(TranslateTest, LargePageStaysCachedAsAWhole) {
  ASSERT_EQ(iommu_.Map(domain_, 2 * kMiB, 0x200, 512, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, 2 * kMiB, kRead).ok);
  ASSERT_EQ(iommu_.UnmapNoSync(domain_, 2 * kMiB, k4K), 2 * kMiB);
  EXPECT_EQ(iommu_.Translate(kDevice, 3 * kMiB, kRead).page, 0x300u);
  iommu_.InvalidateRange(domain_, 4 * kMiB - k4K, k4K);
  ExpectFault(2 * kMiB, kRead, FaultReason::kReadNotPermitted, 2);
}

TEST_F(TranslateTest, InvalidationOfManyPagesTakesTheDomain) {
  const DomainId other = iommu_.AllocDomain();
  iommu_.Attach(kDevice + 1, other);
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(other, 0, 1, 1, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  ASSERT_TRUE(iommu_.Translate(kDevice + 1, 0, kRead).ok);
  iommu_.InvalidateRange(domain_, 4 * kGiB, kGiB);  // 2^18 pages: page-selective
  EXPECT_EQ(iommu_.iotlb().size(), 2u);
  iommu_.InvalidateRange(domain_, 4 * kGiB, kGiB + k4K);
  EXPECT_EQ(iommu_.iotlb().size(), 1u);
  iommu_.InvalidateDomain(other);
  EXPECT_EQ(iommu_.iotlb().size(), 0u);
}

TEST_F(TranslateTest, RightsThatWereAddedAreSeenWithoutInvalidation) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRead), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  Table(0, 1)->entry[0] |= VtdSecondStage::kW;
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kWrite).ok);
  EXPECT_EQ(iommu_.iotlb().size(), 1u);
}

TEST_F(TranslateTest, MovingADeviceToAnotherDomainChangesWhatItReaches) {
  const DomainId other = iommu_.AllocDomain();
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(other, 0, 2, 1, kRw), Errno::kOk);
  EXPECT_EQ(iommu_.Translate(kDevice, 0, kRead).page, 1u);
  EXPECT_EQ(iommu_.reach_of_source(kDevice), iommu_.reach(domain_));
  iommu_.Attach(kDevice, other);
  EXPECT_EQ(iommu_.attached(kDevice), other);
  EXPECT_EQ(iommu_.Translate(kDevice, 0, kRead).page, 2u);
  EXPECT_EQ(iommu_.reach_of_source(kDevice), iommu_.reach(other));
  iommu_.Detach(kDevice);
  EXPECT_TRUE(iommu_.reach_of_source(kDevice).zero());
}

TEST_F(TranslateTest, FreedDomainDetachesAndItsIdStartsClean) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  iommu_.FreeDomain(domain_);
  ExpectFault(0, kRead, FaultReason::kContextNotPresent, 0);
  ASSERT_EQ(iommu_.AllocDomain(), domain_);
  iommu_.Attach(kDevice, domain_);
  ExpectFault(0, kRead, FaultReason::kReadNotPermitted, 3);
}

TEST_F(TranslateTest, PointerToNoFrameIsATableAccessError) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  Table(0, 2)->entry[0] = VtdSecondStage::MakeTable(12345 * k4K, 2);
  ExpectFault(0, kRead, FaultReason::kTableAccessError, 1);
  iommu_.InvalidateAll();
  Table(0, 3)->entry[0] = VtdSecondStage::kAddress | 3;
  ExpectFault(0, kRead, FaultReason::kTableAccessError, 2);
}

TEST_F(TranslateTest, ReservedBitsFault) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(domain_, 2 * kMiB, 0x200, 512, kRw), Errno::kOk);
  // SNP without snoop control.
  Table(0, 1)->entry[0] |= VtdSecondStage::kSnoop;
  ExpectFault(0, kRead, FaultReason::kReservedBit, 1);
  // A 2 MiB leaf with address bits below its size.
  Table(0, 2)->entry[1] |= 0x1000;
  ExpectFault(2 * kMiB, kRead, FaultReason::kReservedBit, 2);
  // The lack of a right is reported before the reserved bit.
  Table(0, 2)->entry[1] &= ~VtdSecondStage::kW;
  ExpectFault(2 * kMiB, kWrite, FaultReason::kWriteNotPermitted, 2);
  EXPECT_EQ(iommu_.iotlb().size(), 0u);
}

// Paging-structure caches hold tables as the IOTLB holds pages: until they are invalidated.
TEST_F(TranslateTest, WithoutInvalidationTheOldTableIsStillWalked) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 512, kRw), Errno::kOk);
  ASSERT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  EXPECT_EQ(iommu_.walk_cache().size(), 2u);  // of levels 2 and 1
  ASSERT_EQ(iommu_.UnmapNoSync(domain_, 0, 512 * k4K), 512 * k4K);
  ASSERT_EQ(iommu_.table_frames(domain_), 2u);  // the last table went, and with it the frame
  ExpectFault(k4K, kRead, FaultReason::kTableAccessError, 1);
  iommu_.InvalidateRange(domain_, 0, 512 * k4K);
  EXPECT_EQ(iommu_.walk_cache().size(), 0u);
  ExpectFault(k4K, kRead, FaultReason::kReadNotPermitted, 2);
}

class NarrowTranslateTest : public TranslateTest {
 protected:
  static IommuConfig Config() {
    IommuConfig config;
    config.aw_bits = 48;
    config.aperture_last = (uint64_t{1} << 48) - 1;
    config.page_sizes = kSize4K | kSize2M;
    config.host_address_bits = 39;
    config.snoop_control = true;
    return config;
  }
  NarrowTranslateTest() : TranslateTest(Config()) {}
};

TEST_F(NarrowTranslateTest, ReservedBitsDependOnTheUnit) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  Table(0, 1)->entry[0] |= VtdSecondStage::kSnoop;
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  iommu_.InvalidateAll();
  Table(0, 1)->entry[0] |= uint64_t{1} << 39;
  ExpectFault(0, kRead, FaultReason::kReservedBit, 1);
  Table(0, 1)->entry[0] &= ~(uint64_t{1} << 39);
  // Ignored bits do no harm.
  Table(0, 1)->entry[0] |= uint64_t{0xfff} << 52 | 0x77c;
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  iommu_.InvalidateAll();
  // PS where there are no leaves: 1 GiB unsupported, and the fourth level.
  Table(0, 3)->entry[0] |= VtdSecondStage::kPageSizeBit;
  ExpectFault(0, kRead, FaultReason::kReservedBit, 3);
  iommu_.InvalidateAll();
  Table(0, 4)->entry[0] |= VtdSecondStage::kPageSizeBit;
  ExpectFault(0, kRead, FaultReason::kReservedBit, 4);
}

class DirtyTranslateTest : public TranslateTest {
 protected:
  static IommuConfig Config() {
    IommuConfig config;
    config.dirty_tracking = true;
    return config;
  }
  DirtyTranslateTest() : TranslateTest(Config()) {}
  uint64_t Dirty(bool clear) {
    uint64_t bytes = 0;
    iommu_.ReadDirty(domain_, 0, ~uint64_t{0}, clear, [&](uint64_t, uint64_t n) { bytes += n; });
    return bytes;
  }
};

TEST_F(DirtyTranslateTest, WritesAreSeenWhileTrackingIsOn) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 8, kRw), Errno::kOk);
  ASSERT_EQ(iommu_.Map(domain_, 2 * kMiB, 0x200, 512, kRw), Errno::kOk);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kWrite).ok);
  EXPECT_EQ(Dirty(false), 0u);
  ASSERT_TRUE(iommu_.SetDirtyTracking(domain_, true));
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kRead).ok);
  EXPECT_TRUE(iommu_.Translate(kDevice, k4K, kWrite).ok);
  EXPECT_TRUE(iommu_.Translate(kDevice, 3 * kMiB, kRw).ok);
  EXPECT_EQ(Dirty(true), k4K + 2 * kMiB);
  iommu_.InvalidateDomain(domain_);
  EXPECT_EQ(Dirty(false), 0u);
  EXPECT_TRUE(iommu_.Translate(kDevice, 0, kWrite).ok);
  EXPECT_EQ(Dirty(false), k4K);
  // Dirty entries unmap like others.
  EXPECT_EQ(iommu_.Unmap(domain_, 0, 8 * k4K), 8 * k4K);
  EXPECT_EQ(iommu_.Unmap(domain_, 2 * kMiB, 2 * kMiB), 2 * kMiB);
  EXPECT_TRUE(iommu_.reach(domain_).zero());
}

TEST_F(TranslateTest, NoDirtyTrackingWithoutTheUnits) {
  EXPECT_FALSE(iommu_.SetDirtyTracking(domain_, true));
}

TEST_F(TranslateTest, TableThatRefersToItselfEnds) {
  ASSERT_EQ(iommu_.Map(domain_, 0, 1, 1, kRw), Errno::kOk);
  const uint64_t self = VtdSecondStage::MakeTable(iommu_.root(domain_) * k4K, 3);
  iommu_.mutable_table_memory().Mutable(iommu_.root(domain_))->entry[0] = self;
  const Iommu::Translation t = iommu_.Translate(kDevice, 0, kRead);
  EXPECT_TRUE(t.ok);  // the root is taken for the last table: it maps its own frame number
  EXPECT_EQ(t.page, iommu_.root(domain_));
  iommu_.InvalidateAll();
  // The driver's functions end as well, and the domain goes without a leak.
  EXPECT_LE(iommu_.Unmap(domain_, 0, 16 * k4K), 16 * k4K);
  iommu_.FreeDomain(domain_);
  EXPECT_EQ(iommu_.table_memory().in_use(), 0u);
}

}  // namespace
}  // namespace iovalid::hwmodel
