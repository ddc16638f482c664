// SPDX-License-Identifier: Apache-2.0
#include "conformance/side.h"

#include <gtest/gtest.h>

#include <string>

#include "conformance/testing_trace.h"

namespace iovalid::conformance {
namespace {

TEST(SideTest, ModeWithAndWithoutKernel) {
  const auto plain = ParseSide("compat");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->Name(), "compat@7.3");
  const auto old = ParseSide("type1@6.1");
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->mode, Mode::kType1);
  EXPECT_EQ(old->Name(), "type1@6.1");
  EXPECT_EQ(ParseSide("compat-node@6.12")->mode, Mode::kCompatNode);
}

TEST(SideTest, UnknownModeAndKernelAreNamed) {
  const absl::Status mode = ParseSide("spapr").status();
  EXPECT_EQ(mode.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(mode.message()).find("'spapr'"), std::string::npos);
  const absl::Status kernel = ParseSide("type1@5.4").status();
  EXPECT_NE(std::string(kernel.message()).find("'5.4'"), std::string::npos);
  EXPECT_FALSE(ParseSide("type1@").ok());
  EXPECT_FALSE(ParseSide("").ok());
}

TEST(SideTest, RecordedSideIsTheHeaders) {
  EXPECT_EQ(RecordedSide(ParseTestHeader(TestHeaderLine("compat")))->Name(), "compat@7.3");
  traces::Header header = ParseTestHeader(TestHeaderLine("type1"));
  header.set_kernel("2.6.32");
  EXPECT_FALSE(RecordedSide(header).ok());
}

TEST(SideTest, SystemConfigFollowsTheHeader) {
  const traces::Header header = ParseTestHeader(TestHeaderLine("type1"));
  const auto config = BuildSystemConfig(header, *ParseSide("compat-node"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->container_node, compat::ContainerNode::kIommufd);
  EXPECT_EQ(config->iommu.aw_bits, 39u);
  EXPECT_EQ(config->iommu.aperture_last, 0x7fffffffffu);
  EXPECT_EQ(config->iommu.msi_first, 0xfee00000u);
  ASSERT_EQ(config->devices.size(), 2u);
  EXPECT_EQ(config->devices[1].group, 1u);
  EXPECT_EQ(config->devices[1].group_path, "/dev/vfio/1");
}

TEST(SideTest, UnknownDeviceModelIsRefused) {
  traces::Header header = ParseTestHeader(TestHeaderLine("type1"));
  header.mutable_devices(0)->set_model("flux capacitor (8888:0001)");
  const absl::Status status = BuildSystemConfig(header, *ParseSide("type1")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("dev0"), std::string::npos);
}

TEST(SideTest, ImpossibleIommuIsRefused) {
  traces::Header header = ParseTestHeader(TestHeaderLine("type1"));
  header.mutable_hardware()->set_aw_bits(99);
  EXPECT_EQ(BuildSystemConfig(header, *ParseSide("type1")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace iovalid::conformance
