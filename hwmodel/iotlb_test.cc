// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iotlb.h"

#include <gtest/gtest.h>

namespace iovalid::hwmodel {
namespace {

constexpr uint64_t k4K = uint64_t{1} << 12;
constexpr uint64_t k2M = uint64_t{1} << 21;
constexpr uint64_t k1G = uint64_t{1} << 30;

class IotlbTest : public testing::Test {
 protected:
  bool Has(SpaceId space, uint64_t iova) { return iotlb_.Find(space, iova, &entry_); }

  Iotlb iotlb_{16};
  Iotlb::Entry entry_{};
};

TEST_F(IotlbTest, IsEmptyAtFirst) {
  EXPECT_FALSE(Has(0, 0));
  EXPECT_EQ(iotlb_.size(), 0u);
}

TEST_F(IotlbTest, FindsThePageOfEachSize) {
  iotlb_.Fill(1, 5 * k4K + 123, 77 * k4K, kRead, 12);
  ASSERT_TRUE(Has(1, 5 * k4K));
  EXPECT_EQ(entry_.address / k4K, 77u);
  EXPECT_EQ(entry_.rights, unsigned{kRead});
  EXPECT_EQ(entry_.size_log2, 12u);
  EXPECT_FALSE(Has(1, 6 * k4K));

  iotlb_.Fill(1, 3 * k2M, (512 * 9) * k4K, kRead | kWrite, 21);
  ASSERT_TRUE(Has(1, 3 * k2M + 17 * k4K + 5));
  EXPECT_EQ(entry_.address / k4K, 512u * 9 + 17);
  EXPECT_EQ(entry_.rights, unsigned{kRead | kWrite});
  EXPECT_EQ(entry_.size_log2, 21u);

  iotlb_.Fill(1, 2 * k1G, (uint64_t{1} << 39) * k4K, kWrite, 30);
  ASSERT_TRUE(Has(1, 2 * k1G + 300000 % 262144 * k4K));
  EXPECT_EQ(entry_.address / k4K, (uint64_t{1} << 39) + 300000 % 262144);
  EXPECT_EQ(entry_.size_log2, 30u);
  EXPECT_EQ(iotlb_.size(), 3u);
}

TEST_F(IotlbTest, TagsBySpace) {
  iotlb_.Fill(0, k4K, 10 * k4K, kRead, 12);
  iotlb_.Fill(1, k4K, 20 * k4K, kRead, 12);
  ASSERT_TRUE(Has(0, k4K));
  EXPECT_EQ(entry_.address / k4K, 10u);
  ASSERT_TRUE(Has(1, k4K));
  EXPECT_EQ(entry_.address / k4K, 20u);
  EXPECT_FALSE(Has(2, k4K));
  iotlb_.InvalidateSpace(0);
  EXPECT_FALSE(Has(0, k4K));
  EXPECT_TRUE(Has(1, k4K));
}

TEST_F(IotlbTest, RefillReplacesTheSamePage) {
  iotlb_.Fill(0, k4K, 10 * k4K, kRead, 12);
  iotlb_.Fill(0, k4K, 11 * k4K, kWrite, 12);
  EXPECT_EQ(iotlb_.size(), 1u);
  ASSERT_TRUE(Has(0, k4K));
  EXPECT_EQ(entry_.address / k4K, 11u);
  EXPECT_EQ(entry_.rights, unsigned{kWrite});
}

TEST_F(IotlbTest, ReplacesRoundRobinWithinASet) {
  // Sixteen sets: pages 16 apart share one.
  for (uint64_t i = 0; i < 6; ++i) iotlb_.Fill(0, i * 16 * k4K, i * k4K, kRead, 12);
  EXPECT_EQ(iotlb_.size(), 4u);
  EXPECT_FALSE(Has(0, 0));
  EXPECT_FALSE(Has(0, 16 * k4K));
  for (uint64_t i = 2; i < 6; ++i) EXPECT_TRUE(Has(0, i * 16 * k4K)) << i;
  // Another set was not touched by that.
  iotlb_.Fill(0, k4K, 99 * k4K, kRead, 12);
  EXPECT_EQ(iotlb_.size(), 5u);
}

TEST_F(IotlbTest, HoldsFourEntriesASet) {
  for (uint64_t i = 0; i < 64; ++i) iotlb_.Fill(0, i * k4K, i * k4K, kRead, 12);
  EXPECT_EQ(iotlb_.size(), 64u);
  for (uint64_t i = 0; i < 64; ++i) EXPECT_TRUE(Has(0, i * k4K));
}

TEST_F(IotlbTest, InvalidatesAnAlignedRangeAndNoMore) {
  for (uint64_t i = 0; i < 32; ++i) iotlb_.Fill(0, i * k4K, i * k4K, kRead, 12);
  iotlb_.Fill(1, 9 * k4K, 9 * k4K, kRead, 12);
  iotlb_.InvalidateRange(0, 9 * k4K, 14);  // pages 8..11
  for (uint64_t i = 0; i < 32; ++i) EXPECT_EQ(Has(0, i * k4K), i < 8 || i > 11) << i;
  EXPECT_TRUE(Has(1, 9 * k4K));
}

TEST_F(IotlbTest, InvalidatesMoreThanItHasSets) {
  for (uint64_t i = 0; i < 32; ++i) iotlb_.Fill(0, i * k4K, i * k4K, kRead, 12);
  iotlb_.Fill(0, 5000 * k4K, 1 * k4K, kRead, 12);
  iotlb_.InvalidateRange(0, 0, 24);  // pages 0..4095
  for (uint64_t i = 0; i < 32; ++i) EXPECT_FALSE(Has(0, i * k4K));
  EXPECT_TRUE(Has(0, 5000 * k4K));
  EXPECT_EQ(iotlb_.size(), 1u);
}

TEST_F(IotlbTest, InvalidatingOnePageTakesTheLargePageAroundIt) {
  iotlb_.Fill(0, k2M, 512 * k4K, kRead, 21);
  iotlb_.Fill(0, 2 * k2M, 1024 * k4K, kRead, 21);
  iotlb_.Fill(0, k1G, 0 * k4K, kRead, 30);
  iotlb_.InvalidateRange(0, k2M + 7 * k4K, 12);
  EXPECT_FALSE(Has(0, k2M));
  EXPECT_TRUE(Has(0, 2 * k2M));
  EXPECT_TRUE(Has(0, k1G + k4K));
  iotlb_.InvalidateRange(0, k1G + k2M, 12);
  EXPECT_FALSE(Has(0, k1G + k4K));
}

TEST_F(IotlbTest, InvalidateAllEmptiesIt) {
  iotlb_.Fill(0, 0, 1 * k4K, kRead, 12);
  iotlb_.Fill(3, k1G, 0 * k4K, kRead, 30);
  iotlb_.InvalidateAll();
  EXPECT_EQ(iotlb_.size(), 0u);
  EXPECT_FALSE(Has(0, 0));
  EXPECT_FALSE(Has(3, k1G));
  iotlb_.Fill(0, 0, 2 * k4K, kRead, 12);
  EXPECT_TRUE(Has(0, 0));
}

TEST_F(IotlbTest, CopiesAreIndependent) {
  iotlb_.Fill(0, 0, 1 * k4K, kRead, 12);
  Iotlb copy = iotlb_;
  copy.Fill(0, k4K, 2 * k4K, kRead, 12);
  copy.InvalidateRange(0, 0, 12);
  EXPECT_TRUE(Has(0, 0));
  EXPECT_FALSE(Has(0, k4K));
  Iotlb::Entry entry;
  EXPECT_FALSE(copy.Find(0, 0, &entry));
  EXPECT_TRUE(copy.Find(0, k4K, &entry));
}

TEST_F(IotlbTest, KeepsTheHighestAddressesAndSpacesApart) {
  const uint64_t top = (uint64_t{1} << 57) - k4K;
  const SpaceId last = (1u << 18) - 1;
  iotlb_.Fill(last, top, ((uint64_t{1} << 40) - 1) * k4K, kWrite, 12);
  ASSERT_TRUE(Has(last, top));
  EXPECT_EQ(entry_.address / k4K, (uint64_t{1} << 40) - 1);
  EXPECT_FALSE(Has(last - 1, top));
  EXPECT_FALSE(Has(last, top - k4K));
}

}  // namespace
}  // namespace iovalid::hwmodel
