// SPDX-License-Identifier: Apache-2.0
#include "compat/type1/iova_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace iovalid::compat::type1 {
namespace {

using testing::ElementsAre;

IovaList Aperture(uint64_t first, uint64_t last) {
  IovaList list;
  list.NarrowTo(first, last);
  return list;
}

// An mdev-only container: the list is empty and everything is valid (vfio_iommu_iova_dma_valid).
TEST(IovaListTest, EmptyListAllowsAll) {
  EXPECT_TRUE(IovaList().Allows(0, ~uint64_t{0}));
  EXPECT_FALSE(IovaList().Disjoint(0, 0));
}

TEST(IovaListTest, RangeMustLieInOnePiece) {
  IovaList list = Aperture(0, 0x7fffffffff);
  list.Exclude(0xfee00000, 0xfeefffff);
  EXPECT_THAT(list.ranges(),
              ElementsAre(IovaRange{0, 0xfedfffff}, IovaRange{0xfef00000, 0x7fffffffff}));
  EXPECT_TRUE(list.Allows(0xfedff000, 0xfedfffff));
  EXPECT_FALSE(list.Allows(0xfedff000, 0xfee00fff));
  EXPECT_FALSE(list.Allows(0xfedff000, 0xfef00fff));
  EXPECT_TRUE(list.Allows(0x7ffffff000, 0x7fffffffff));
  EXPECT_FALSE(list.Allows(0x7ffffff000, 0x8000000000));
}

TEST(IovaListTest, ExcludeAtTheEdgesShrinksAndInTheMiddleSplits) {
  IovaList list = Aperture(0x1000, 0x9fff);
  list.Exclude(0, 0x1fff);
  list.Exclude(0x9000, 0xffff);
  list.Exclude(0x4000, 0x4fff);
  EXPECT_THAT(list.ranges(), ElementsAre(IovaRange{0x2000, 0x3fff}, IovaRange{0x5000, 0x8fff}));
  list.Exclude(0, 0xffff);
  EXPECT_TRUE(list.empty());
}

TEST(IovaListTest, NarrowDropsWhatIsOutside) {
  IovaList list = Aperture(0, 0xffff);
  list.Exclude(0x4000, 0x4fff);
  list.Exclude(0x8000, 0x8fff);
  list.NarrowTo(0x6000, 0x6fff);
  EXPECT_THAT(list.ranges(), ElementsAre(IovaRange{0x6000, 0x6fff}));
}

TEST(IovaListTest, DisjointAperture) {
  const IovaList list = Aperture(0x1000, 0x1fff);
  EXPECT_TRUE(list.Disjoint(0x2000, 0x2fff));
  EXPECT_TRUE(list.Disjoint(0, 0xfff));
  EXPECT_FALSE(list.Disjoint(0x1fff, 0x2fff));
}

}  // namespace
}  // namespace iovalid::compat::type1
