// SPDX-License-Identifier: Apache-2.0
// The naive walker on hand-written tables, and against the model on tables full of rubbish.
#include "hwmodel/naive_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "hwmodel/iommu.h"
#include "hwmodel/model_reader.h"
#include "sim/random.h"

namespace iovalid::hwmodel {
namespace {

TEST(NaiveWalkTest, FollowsHandWrittenTables) {
  std::map<uint64_t, uint64_t> words = {
      {0x1000 + 8 * 1, 0x2003},       // 1 GiB..: directory
      {0x2000 + 8 * 0, 0x3003},       // first 2 MiB: table
      {0x2000 + 8 * 1, 0x40000083},   // second 2 MiB: a leaf, read and write
      {0x3000 + 8 * 5, 0x123456001},  // page 5: read
      {0x1000 + 8 * 2, 0x80000082},   // 2 GiB: a leaf, write
  };
  NaiveUnit unit;
  unit.read = [&words](uint64_t address, uint64_t* word) {
    *word = words.count(address) != 0 ? words[address] : 0;
    return address < 0x4000;
  };
  unit.top_table_address = 0x1000;
  NaiveWalkResult result = NaiveWalk(unit, 0x40005678, true, false);
  EXPECT_EQ(result.reason, 0);
  EXPECT_EQ(result.address, 0x123456678u);
  EXPECT_EQ(result.page_bytes, 0x1000u);
  EXPECT_EQ(NaiveWalk(unit, 0x40005678, false, true).reason, 5);
  EXPECT_EQ(NaiveWalk(unit, 0x40006000, true, false).reason, 6);
  EXPECT_EQ(NaiveWalk(unit, 0x40212345, true, true).address, 0x40012345u);
  EXPECT_EQ(NaiveWalk(unit, 0x80123456, false, true).address, 0x80123456u);
  EXPECT_EQ(NaiveWalk(unit, 0x80123456, true, true).reason, 6);
  EXPECT_EQ(NaiveWalk(unit, uint64_t{1} << 39, true, false).reason, 4);
  words[0x2000 + 8 * 2] = 0x9003;
  EXPECT_EQ(NaiveWalk(unit, 0x40400000, true, false).reason, 7);
  unit.can_1g = false;
  EXPECT_EQ(NaiveWalk(unit, 0x80123456, false, true).reason, 0xc);
  words[0x3000 + 8 * 5] |= 0x800;
  EXPECT_EQ(NaiveWalk(unit, 0x40005678, true, false).reason, 0xc);
  unit.snoop_control = true;
  EXPECT_EQ(NaiveWalk(unit, 0x40005678, true, false).reason, 0);
}

// An entry that is wrong in one of many ways, or right: loops, frames that do not exist, reserved
// bits, large leaves where there are none.
uint64_t RubbishEntry(sim::Random& random, uint64_t frames) {
  switch (random.Below(16)) {
    case 0:
      return random.Next();
    case 1:
      return 0;
    case 2:
      return random.Below(uint64_t{1} << 40) << 12 | 3;
    case 3:
      return (random.Below(frames) + 1) << 12 | 3 | uint64_t{1} << random.Below(64);
    case 4:
    case 5:
      return random.Below(1u << 22) << 30 | 0x83;
    case 6:
    case 7:
      return random.Below(1u << 31) << 21 | 0x80 | random.Below(4);
    default:
      return (random.Below(frames) + 1) << 12 | (random.Below(8) == 0 ? random.Below(4) : 3);
  }
}

TEST(NaiveWalkTest, AgreesWithTheModelOnRubbish) {
  constexpr int kUnits = 60;
  constexpr int kRequests = 4000;
  std::map<int, int> seen;  // reason -> requests
  for (int n = 0; n < kUnits; ++n) {
    sim::Random random(static_cast<uint64_t>(n) + 1);
    IommuConfig config;
    config.levels = 3 + n % 3;
    config.aw_bits = 12 + 9 * config.levels - (n % 4 == 0 ? 3 : 0);
    config.aperture_last = (uint64_t{1} << config.aw_bits) - 1;
    config.host_address_bits = n % 5 == 0 ? 39 : 52;
    config.snoop_control = n % 2 == 0;
    config.page_sizes = kSize4K | (n % 7 == 0 ? 0 : kSize2M) | (n % 3 == 0 ? 0 : kSize1G);
    config.msi_first = config.msi_last = config.aperture_last;  // out of the way
    Iommu iommu(config);
    const DomainId domain = iommu.AllocDomain();
    iommu.Attach(0, domain);
    TableMemory& memory = iommu.mutable_table_memory();
    for (int i = 0; i < 7; ++i) memory.Allocate(domain);
    for (FrameId frame = 1; frame <= 8; ++frame) {
      for (uint64_t& entry : memory.Mutable(frame)->entry) entry = RubbishEntry(random, 8);
    }
    const NaiveUnit unit = NaiveUnitFor(iommu, domain);
    for (int i = 0; i < kRequests; ++i) {
      const uint64_t iova = random.Below(uint64_t{1} << (config.aw_bits + (i % 50 == 0)));
      const unsigned access = 1 + static_cast<unsigned>(random.Below(3));
      if (iova == config.msi_first) continue;
      const NaiveWalkResult naive =
          NaiveWalk(unit, iova, (access & kRead) != 0, (access & kWrite) != 0);
      iommu.InvalidateAll();
      const Iommu::Translation model = iommu.Translate(0, iova, access);
      ++seen[naive.reason];
      ASSERT_EQ(static_cast<int>(model.reason), naive.reason) << "unit " << n << " iova " << iova;
      ASSERT_EQ(model.ok, naive.reason == 0);
      if (!model.ok) continue;
      ASSERT_EQ(model.page * 4096 + iova % 4096, naive.address);
      ASSERT_EQ(model.bytes_left_in_run,
                std::min(naive.page_bytes - iova % naive.page_bytes, config.msi_first - iova));
    }
    iommu.FreeDomain(domain);
    EXPECT_EQ(iommu.table_memory().in_use(), 0u);
  }
  // The rubbish is of every kind.
  for (const int reason : {0, 4, 5, 6, 7, 0xc}) EXPECT_GT(seen[reason], 100) << reason;
}

}  // namespace
}  // namespace iovalid::hwmodel
