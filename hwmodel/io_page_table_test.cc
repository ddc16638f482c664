// SPDX-License-Identifier: Apache-2.0
// What each format's driver writes, bit for bit, and its policies. The properties that all share
// are in format_property_test.cc.
#include "hwmodel/io_page_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace iovalid::hwmodel {
namespace {

using sim::Errno;

constexpr unsigned kRw = kRead | kWrite;
constexpr uint64_t k4K = 4096;
constexpr uint64_t k2M = uint64_t{1} << 21;

IoPageTableConfig Config(FormatId format, unsigned levels, unsigned bits) {
  IoPageTableConfig config;
  config.format = format;
  config.levels = levels;
  config.input_bits = bits;
  return config;
}

// A table and the words of its path to an address.
struct Tables {
  explicit Tables(const IoPageTableConfig& config) : table(memory, config, 1) {}
  uint64_t Word(uint64_t frame, unsigned index) const {
    return memory.Find(frame + index / 512)->entry[index % 512];
  }
  // The frame of the table that an entry leads to; entries hold the address at bit `shift` - 12.
  uint64_t Next(uint64_t frame, unsigned index, unsigned shift = 12) const {
    return Word(frame, index) >> shift & 0xfffffff;
  }
  TableMemory memory;
  IoPageTable table;
};

TEST(IoPageTableTest, VtdFirstStageBits) {
  Tables t(Config(FormatId::kVtdFirstStage, 4, 48));
  ASSERT_EQ(t.table.Map(t.memory, 0, 0x7000, k4K, kRw), Errno::kOk);
  ASSERT_EQ(t.table.Map(t.memory, k2M, 4 * k2M, k2M, kRead), Errno::kOk);
  const uint64_t root = t.table.root();
  EXPECT_EQ(t.Word(root, 0), (root + 1) * k4K | 0x27);
  EXPECT_EQ(t.Word(root + 2, 1), 4 * k2M | 0xa5);
  EXPECT_EQ(t.Word(root + 3, 0), 0x7067u);
  EXPECT_EQ(t.table.aperture_last(), (uint64_t{1} << 47) - 1);
}

TEST(IoPageTableTest, AmdWritesEveryPowerOfTwo) {
  Tables t(Config(FormatId::kAmdV1, 3, 39));
  ASSERT_EQ(t.table.Map(t.memory, 0, 0x100000, 8 * k4K, kRead), Errno::kOk);
  ASSERT_EQ(t.table.Map(t.memory, 4 * k2M, 8 * k2M, 4 * k2M, kRw), Errno::kOk);
  const uint64_t root = t.table.root();
  constexpr uint64_t kIr = uint64_t{1} << 61;
  constexpr uint64_t kIw = uint64_t{1} << 62;
  EXPECT_EQ(t.Word(root, 0), (root + 1) * k4K | 2 << 9 | kIr | kIw | 1);
  EXPECT_EQ(t.Word(root + 1, 0), (root + 2) * k4K | 1 << 9 | kIr | kIw | 1);
  // 32 KiB: two ones at the low end of the address, in eight entries.
  for (unsigned i = 0; i < 8; ++i) {
    EXPECT_EQ(t.Word(root + 2, i), 0x100000u | 0x3000 | 7 << 9 | kIr | 1) << i;
  }
  EXPECT_EQ(t.Word(root + 2, 8), 0u);
  // 8 MiB: ten ones, in four entries of the second level.
  for (unsigned i = 4; i < 8; ++i) {
    EXPECT_EQ(t.Word(root + 1, i), 8 * k2M | 0x3ff000 | 7 << 9 | kIr | kIw | 1) << i;
  }
  uint64_t address = 0;
  ASSERT_TRUE(t.table.Lookup(t.memory, 7 * k2M + 5, &address));
  EXPECT_EQ(address, 11 * k2M + 5);
}

TEST(IoPageTableTest, MockCountsPagesOf2K) {
  Tables t(Config(FormatId::kMock2K, 5, 56));
  ASSERT_EQ(t.table.Map(t.memory, 0x800, 0x1800, 0x800, kRw), Errno::kOk);
  EXPECT_EQ(t.table.Map(t.memory, 0x400, 0x1800, 0x800, kRw), Errno::kNXIO);
  uint64_t address = 0;
  ASSERT_TRUE(t.table.Lookup(t.memory, 0x801, &address));
  EXPECT_EQ(address, 0x1801u);
  EXPECT_FALSE(t.table.Lookup(t.memory, 0, &address));
  // The fifth level from the top down: page 1 of the last table holds 3 * 2048.
  EXPECT_EQ(t.Word(t.table.root() + 4, 1) >> 12 & 0xff, 3u);
}

TEST(IoPageTableTest, ArmBitsAndContiguousGroups) {
  Tables t(Config(FormatId::kArm4KStage2, 3, 40));
  ASSERT_EQ(t.table.Map(t.memory, 0x10000, 0x50000, 0x10000, kRead), Errno::kOk);
  ASSERT_EQ(t.table.Map(t.memory, 0x21000, 0x61000, k4K, kRw), Errno::kOk);
  // 40 bits with three levels: two tables side by side at the top.
  EXPECT_EQ(t.memory.in_use(), 2u + 2u);
  const uint64_t last = t.Next(t.Next(t.table.root(), 0), 0);
  constexpr uint64_t kCommon = 1 << 10 | 3 << 8 | 0xf << 2 | 3;
  for (unsigned i = 0; i < 16; ++i) {
    EXPECT_EQ(t.Word(last, 16 + i), (0x50000 + i * k4K) | kCommon | 1 << 6 | uint64_t{1} << 52);
  }
  EXPECT_EQ(t.Word(last, 33), 0x61000 | kCommon | 3 << 6);
}

TEST(IoPageTableTest, ArmGranulesHaveTablesOfTheirSize) {
  Tables t(Config(FormatId::kArm64KStage1, 2, 42));
  ASSERT_EQ(t.table.Map(t.memory, 0x10000, 0x30000, 0x10000, kRead), Errno::kOk);
  EXPECT_EQ(t.memory.in_use(), 32u);  // two tables of 64 KiB
  EXPECT_EQ(t.table.root() % 16, 0u);
  EXPECT_EQ(t.Word(t.Next(t.table.root(), 0), 1),
            0x30000u | 1 << 11 | 1 << 10 | 3 << 8 | 1 << 7 | 1 << 6 | 1 << 2 | 3);
  EXPECT_EQ(t.table.Map(t.memory, 0x1000, 0x1000, 0x1000, kRead), Errno::kNXIO);
}

TEST(IoPageTableTest, RiscvBitsNapotAndTheWideTop) {
  Tables t(Config(FormatId::kRiscvGStage, 3, 41));
  const uint64_t high = uint64_t{3} << 39;
  ASSERT_EQ(t.table.Map(t.memory, high, 0x120000, 0x10000, kRw), Errno::kOk);
  ASSERT_EQ(t.table.Map(t.memory, high + 0x10000, 0x7000, k4K, kRead), Errno::kOk);
  const uint64_t root = t.table.root();
  EXPECT_EQ(t.Word(root, 3 * 512) & 0x3ff, 1u);
  const uint64_t last = t.Next(t.Next(root, 3 * 512, 10), 0, 10);
  for (unsigned i = 0; i < 16; ++i) {
    EXPECT_EQ(t.Word(last, i), uint64_t{0x120 | 8} << 10 | 0xd7 | uint64_t{1} << 63);
  }
  EXPECT_EQ(t.Word(last, 16), uint64_t{7} << 10 | 0x53);
}

TEST(IoPageTableTest, RefusesWhatAFormatDoesNotHave) {
  EXPECT_EQ(ConfigError(Config(FormatId::kVtdFirstStage, 3, 39)),
            "levels that the format does not have");
  EXPECT_EQ(ConfigError(Config(FormatId::kRiscvSv, 3, 41)),
            "address width that the levels do not translate");
  EXPECT_EQ(ConfigError(Config(FormatId::kArm64KStage1, 2, 29)),
            "address width that the levels do not translate");
  IoPageTableConfig config = Config(FormatId::kArm16KStage1, 3, 47);
  config.page_sizes = k4K;
  EXPECT_EQ(ConfigError(config), "page sizes without the granule");
  EXPECT_EQ(ConfigError(Config(FormatId::kAmdV1, 6, 64)), "");
}

TEST(IoPageTableTest, OutputBeyondTheHostIsRefused) {
  IoPageTableConfig config = Config(FormatId::kRiscvSv, 4, 48);
  config.hardware.host_address_bits = 40;
  Tables t(config);
  EXPECT_EQ(t.table.Map(t.memory, 0, uint64_t{1} << 40, k4K, kRead), Errno::kRANGE);
  EXPECT_EQ(t.table.Map(t.memory, 0, (uint64_t{1} << 40) - k4K, k4K, kRead), Errno::kOk);
  EXPECT_EQ(t.table.Map(t.memory, uint64_t{1} << 47, 0, k4K, kRead), Errno::kRANGE);
}

// io-pgtable-arm: part of a block stays, a block takes a table's place, a covered table goes whole.
TEST(IoPageTableTest, ArmDriverPolicies) {
  IoPageTableConfig config = Config(FormatId::kArm4KStage1, 4, 48);
  config.page_sizes = k4K | k2M;
  config.rules = ArmDriverRules();
  Tables t(config);
  ASSERT_EQ(t.table.Map(t.memory, 0, 8 * k2M, k2M, kRw), Errno::kOk);
  EXPECT_EQ(t.table.Unmap(t.memory, 0, k4K), 0u);
  EXPECT_EQ(t.table.Map(t.memory, k4K, 0, k4K, kRw), Errno::kEXIST);
  ASSERT_EQ(t.table.Map(t.memory, k2M, 0x1000, k4K, kRw), Errno::kOk);
  ASSERT_EQ(t.table.Map(t.memory, k2M + 8 * k4K, 0x9000, k4K, kRw), Errno::kOk);
  EXPECT_EQ(t.memory.in_use(), 4u);
  ASSERT_EQ(t.table.Map(t.memory, k2M, 4 * k2M, k2M, kRead), Errno::kOk);
  EXPECT_TRUE(t.table.freed_tables());
  EXPECT_EQ(t.memory.in_use(), 3u);
  ASSERT_EQ(t.table.Map(t.memory, 2 * k2M + 8 * k4K, 0x9000, k4K, kRw), Errno::kOk);
  EXPECT_EQ(t.table.Unmap(t.memory, k2M, 2 * k2M), 2 * k2M);
  EXPECT_EQ(t.table.Unmap(t.memory, 0, k2M), k2M);
  EXPECT_TRUE(t.table.reach().zero());
}

TEST(IoPageTableTest, SplitKeepsRightsAndTheRest) {
  IoPageTableConfig config = Config(FormatId::kAmdV1, 3, 39);
  config.rules.partial_unmap = DriverRules::PartialUnmap::kSplit;
  config.attributes.force_snoop = true;
  Tables t(config);
  ASSERT_EQ(t.table.Map(t.memory, 0, 0, 2 * k2M, kRead), Errno::kOk);  // one page of 4 MiB
  EXPECT_EQ(t.table.Unmap(t.memory, k4K, k4K), k4K);
  std::vector<uint64_t> sizes;
  t.table.ForEachLeaf(t.memory, k2M - k4K, 2 * k2M, [&sizes](const IoPageTable::Leaf& leaf) {
    EXPECT_EQ(leaf.address, leaf.iova);
    EXPECT_EQ(leaf.rights, unsigned{kRead});
    sizes.push_back(leaf.bytes);
    return true;
  });
  EXPECT_EQ(sizes, (std::vector<uint64_t>{k4K, k2M}));
  EXPECT_EQ(t.Word(t.table.root() + 2, 5) >> 60, 3u);  // FC and IR
}

}  // namespace
}  // namespace iovalid::hwmodel
