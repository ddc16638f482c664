// SPDX-License-Identifier: Apache-2.0
#include "compat/iommufd/object_table.h"

#include <gtest/gtest.h>

namespace iovalid::compat {
namespace {

TEST(ObjectTableTest, LowestFreeIdFromOne) {
  ObjectTable table;
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.Add(ObjectType::kIoas, 7), 1u);
  EXPECT_EQ(table.Add(ObjectType::kDevice, 0), 2u);
  EXPECT_EQ(table.Add(ObjectType::kHwptPaging, 3), 3u);
  table.Remove(2);
  EXPECT_EQ(table.Find(2), nullptr);
  EXPECT_EQ(table.Add(ObjectType::kIoas, 8), 2u);
  EXPECT_EQ(table.Add(ObjectType::kIoas, 9), 4u);
  EXPECT_EQ(table.Find(2)->users, 1u);
  EXPECT_EQ(table.Find(2)->record, 8u);
}

TEST(ObjectTableTest, FindKnowsTypes) {
  ObjectTable table;
  table.Add(ObjectType::kIoas, 7);
  EXPECT_NE(table.Find(1, ObjectType::kIoas), nullptr);
  EXPECT_EQ(table.Find(1, ObjectType::kDevice), nullptr);
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_EQ(table.Find(~uint32_t{0}), nullptr);
  table.Remove(1);
  EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace iovalid::compat
