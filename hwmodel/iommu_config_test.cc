// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/iommu_config.h"

#include <gtest/gtest.h>

namespace iovalid::hwmodel {
namespace {

TEST(IommuConfigTest, ReadsTheRegistersOfQemusVtd) {
  const IommuConfig config = VtdConfig(0x00d2008c22260286, 0xf42);
  EXPECT_EQ(ConfigError(config), "");
  EXPECT_EQ(config.aw_bits, 39u);
  EXPECT_EQ(config.levels, 3u);
  EXPECT_EQ(config.aperture_last, 0x7fffffffffu);
  EXPECT_EQ(config.page_sizes, 0x40201000u);
  EXPECT_TRUE(config.caching_mode);
  EXPECT_TRUE(config.page_selective);
  EXPECT_EQ(config.max_invalidate_log2, 18u);
  EXPECT_EQ(config.max_domains, 1u << 16);
  EXPECT_EQ(config.fault_records, 1u);
  EXPECT_FALSE(config.snoop_control);
  EXPECT_FALSE(config.dirty_tracking);
}

// MGAW - 1 in bits 21:16, SAGAW in bits 12:8.
uint64_t Cap(unsigned mgaw, unsigned sagaw) { return uint64_t{mgaw - 1} << 16 | sagaw << 8; }

TEST(IommuConfigTest, WidthIsTheLargestThatBothFieldsAllow) {
  EXPECT_EQ(VtdConfig(Cap(48, 0x4), 0).aw_bits, 48u);
  EXPECT_EQ(VtdConfig(Cap(48, 0x4), 0).levels, 4u);
  EXPECT_EQ(VtdConfig(Cap(57, 0x8), 0).aw_bits, 57u);
  EXPECT_EQ(VtdConfig(Cap(57, 0x8), 0).levels, 5u);
  EXPECT_EQ(VtdConfig(Cap(46, 0x4), 0).aw_bits, 46u);
  EXPECT_EQ(VtdConfig(Cap(46, 0x4), 0).levels, 4u);
  EXPECT_EQ(VtdConfig(Cap(46, 0x4), 0).aperture_last, (uint64_t{1} << 46) - 1);
  // 39 bits of guest address on hardware that can walk four levels too: the walk is the longer one.
  EXPECT_EQ(VtdConfig(Cap(39, 0x6), 0).aw_bits, 39u);
  EXPECT_EQ(VtdConfig(Cap(39, 0x6), 0).levels, 4u);
}

TEST(IommuConfigTest, EveryRegisterValueGivesAConfigurationThatCanBeBuilt) {
  for (unsigned mgaw = 1; mgaw <= 64; ++mgaw) {
    for (unsigned sagaw = 0; sagaw < 32; ++sagaw) {
      for (const uint64_t rest : {uint64_t{0}, ~uint64_t{0x3f1f00}}) {
        EXPECT_EQ(ConfigError(VtdConfig(Cap(mgaw, sagaw) | rest, rest)), "")
            << mgaw << " " << sagaw;
      }
    }
  }
}

TEST(IommuConfigTest, NamesWhatIsWrong) {
  IommuConfig config;
  EXPECT_EQ(ConfigError(config), "");
  config.aw_bits = 64;
  EXPECT_EQ(ConfigError(config), "address width not in 31..57 bits");
  config = {};
  config.aw_bits = 48;
  config.levels = 3;
  EXPECT_EQ(ConfigError(config), "address width beyond what the levels translate");
  config = {};
  config.page_sizes = kSize2M;
  EXPECT_EQ(ConfigError(config), "page sizes without 4 KiB");
  config = {};
  config.aperture_last = uint64_t{1} << 39;
  EXPECT_EQ(ConfigError(config), "aperture beyond the address width");
  config = {};
  config.iotlb_sets_4k = 3;
  EXPECT_EQ(ConfigError(config), "IOTLB sets not a power of two up to 65536");
}

}  // namespace
}  // namespace iovalid::hwmodel
