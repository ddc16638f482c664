// SPDX-License-Identifier: Apache-2.0
#include "sim/task.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace iovalid::sim {
namespace {

TEST(TaskTest, StartsWithEverythingAndDropsOneCapability) {
  Task task;
  for (int capability : {kCapIpcLock, kCapSysRawio, kCapSysAdmin, kCapSysResource}) {
    EXPECT_TRUE(task.Capable(capability));
  }
  task.DropCapability(kCapIpcLock);
  EXPECT_FALSE(task.Capable(kCapIpcLock));
  EXPECT_TRUE(task.Capable(kCapSysRawio));
}

TEST(TaskTest, LimitIsRoundedDownToPages) {
  Task task;
  EXPECT_GT(task.MemlockPages(), uint64_t{1} << 50);
  task.rlimit_memlock = 8191;
  EXPECT_EQ(task.MemlockPages(), 1u);
  task.rlimit_memlock = 0;
  EXPECT_EQ(task.MemlockPages(), 0u);
}

TEST(FdTableTest, LowestFreeNumberFirst) {
  FdTable fds;
  EXPECT_EQ(fds.Install(10), 0);
  EXPECT_EQ(fds.Install(11), 1);
  EXPECT_EQ(fds.Install(12), 2);
  EXPECT_TRUE(fds.Remove(1));
  EXPECT_TRUE(fds.Remove(0));
  EXPECT_EQ(fds.Install(13), 0);
  EXPECT_EQ(fds.Install(14), 1);
  EXPECT_EQ(fds.Install(15), 3);
  EXPECT_EQ(fds.open_count(), 4u);
}

TEST(FdTableTest, NotOpenIsNotThere) {
  FdTable fds;
  EXPECT_FALSE(fds.Get(0).has_value());
  fds.Install(7);
  EXPECT_EQ(fds.Get(0), 7u);
  for (int fd : {-1, 1, 1 << 30}) {
    EXPECT_FALSE(fds.Get(fd).has_value()) << fd;
    EXPECT_FALSE(fds.Remove(fd)) << fd;
  }
  EXPECT_TRUE(fds.Remove(0));
  EXPECT_FALSE(fds.Remove(0));
}

TEST(FdTableTest, ListsOpenOnesInOrder) {
  FdTable fds;
  for (uint32_t i = 0; i < 4; ++i) fds.Install(100 + i);
  fds.Remove(2);
  std::vector<std::pair<int, uint32_t>> seen;
  fds.ForEach([&](int fd, uint32_t file) { seen.emplace_back(fd, file); });
  EXPECT_EQ(seen, (std::vector<std::pair<int, uint32_t>>{{0, 100}, {1, 101}, {3, 103}}));
}

TEST(FdTableTest, FullTableTakesNoMore) {
  FdTable fds;
  for (int i = 0; i < FdTable::kMaxFds; ++i) ASSERT_EQ(fds.Install(0), i);
  EXPECT_EQ(fds.Install(0), -1);
  fds.Remove(5);
  EXPECT_EQ(fds.Install(0), 5);
}

}  // namespace
}  // namespace iovalid::sim
