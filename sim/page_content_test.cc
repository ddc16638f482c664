// SPDX-License-Identifier: Apache-2.0
#include "sim/page_content.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace iovalid::sim {
namespace {

TEST(PageContentTest, OnlyWrittenPagesHaveASlot) {
  PageContent content;
  EXPECT_EQ(content.Find(5), PageContent::kNoSlot);
  const uint32_t slot = content.Ensure(5);
  EXPECT_EQ(content.Ensure(5), slot);
  EXPECT_EQ(content.Find(5), slot);
  EXPECT_EQ(content.Find(4), PageContent::kNoSlot);
  EXPECT_EQ(content.size(), 1u);
  for (uint64_t i = 0; i < kPageSize; ++i) ASSERT_EQ(content.bytes(slot)[i], 0);
}

TEST(PageContentTest, CopyTakesWrittenPagesOnly) {
  PageContent content;
  content.bytes(content.Ensure(100))[0] = 1;
  content.bytes(content.Ensure(103))[0] = 4;
  content.bytes(content.Ensure(104))[0] = 5;
  content.Copy(100, 200, 4);
  EXPECT_EQ(content.bytes(content.Find(200))[0], 1);
  EXPECT_EQ(content.bytes(content.Find(203))[0], 4);
  EXPECT_EQ(content.Find(201), PageContent::kNoSlot);
  EXPECT_EQ(content.Find(204), PageContent::kNoSlot);
  EXPECT_EQ(content.size(), 5u);
  content.bytes(content.Find(200))[0] = 9;
  EXPECT_EQ(content.bytes(content.Find(100))[0], 1);
}

TEST(PageContentTest, DroppedSlotsAreReusedClean) {
  PageContent content;
  for (PageId page = 0; page < 10; ++page) content.bytes(content.Ensure(page))[7] = 7;
  content.DropUnless([](PageId page) { return page % 2 == 0; });
  EXPECT_EQ(content.size(), 5u);
  EXPECT_EQ(content.Find(3), PageContent::kNoSlot);
  EXPECT_EQ(content.bytes(content.Find(4))[7], 7);
  const uint32_t slot = content.Ensure(50);
  EXPECT_LT(slot, 10u);
  EXPECT_EQ(content.bytes(slot)[7], 0);
}

}  // namespace
}  // namespace iovalid::sim
