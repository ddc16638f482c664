// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/pci_function.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace iovalid::compat {
namespace {

TEST(PciFunctionForModel, EduHasOneBarOfTheLengthGiven) {
  for (const char* model : {"", "edu", "edu (1234:11e8)"}) {
    const auto f = PciFunctionForModel(model, 0x2000, 0);
    ASSERT_TRUE(f.ok()) << f.status();
    EXPECT_EQ(f->bars[0].size, 0x2000u);
    EXPECT_EQ(f->bars[1], PciBar{});
    EXPECT_EQ(f->config_size, 256u);
    EXPECT_EQ(f->msi_vectors, 1u);
    EXPECT_EQ(f->msix_vectors, 0u);
    EXPECT_FALSE(f->function_reset);
  }
  EXPECT_EQ(PciFunctionForModel("", 0, 0)->bars[0].size, 0x100000u);
}

TEST(PciFunctionForModel, E1000eHasItsMsixTableInAMappableBar) {
  const auto f = PciFunctionForModel("e1000e (8086:10d3)", 0, 3);
  ASSERT_TRUE(f.ok()) << f.status();
  EXPECT_EQ(f->config_size, 4096u);
  EXPECT_EQ(f->msix_vectors, 5u);
  EXPECT_TRUE(f->bars[f->msix_bar].Mappable());
  EXPECT_EQ(f->msix_size(), 80u);
  EXPECT_FALSE(f->bars[2].Mappable()) << "I/O ports";
  EXPECT_EQ(f->bars[2].first_frame, 0u);
  EXPECT_TRUE(f->function_reset);
}

TEST(PciFunctionForModel, RefusesWhatItDoesNotKnow) {
  const auto unknown = PciFunctionForModel("rtl8139 (10ec:8139)", 0, 0);
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(unknown.status().message()).find("rtl8139 (10ec:8139)"), std::string::npos);
  EXPECT_LT(PciFunctionForModel(std::string(1 << 20, 'x'), 0, 0).status().message().size(), 300u);

  for (uint64_t len : {uint64_t{3}, uint64_t{8}, uint64_t{1} << 30, ~uint64_t{0}}) {
    EXPECT_EQ(PciFunctionForModel("", len, 0).status().code(), absl::StatusCode::kInvalidArgument)
        << len;
  }
  EXPECT_TRUE(PciFunctionForModel("", uint64_t{512} << 20, 65535).ok());
  EXPECT_FALSE(PciFunctionForModel("", 0, 65536).ok());
}

TEST(PciFunctionForModel, NoTwoBarsSharePageIds) {
  std::vector<std::pair<sim::PageId, sim::PageId>> runs;  // first, last
  for (uint32_t device = 0; device < 4; ++device) {
    const auto f = PciFunctionForModel(device % 2 == 0 ? "" : "e1000e",
                                       device == 0 ? uint64_t{512} << 20 : 0, device);
    ASSERT_TRUE(f.ok()) << f.status();
    for (const PciBar& bar : f->bars) {
      if (bar.memory && bar.size != 0) {
        runs.emplace_back(bar.first_frame, bar.first_frame + bar.Pages() - 1);
      }
    }
  }
  EXPECT_EQ(runs.size(), 8u);
  std::sort(runs.begin(), runs.end());
  EXPECT_GE(runs[0].first, kFirstMmioFrame);
  for (size_t i = 1; i < runs.size(); ++i) EXPECT_GT(runs[i].first, runs[i - 1].second);
  // A page-table entry has room for frame numbers of 40 bits.
  const auto last = PciFunctionForModel("e1000e", 0, 65535);
  ASSERT_TRUE(last.ok());
  EXPECT_LT(last->bars[3].first_frame, uint64_t{1} << 40);
}

TEST(PciBar, SubPageBarIsMappableWhereItStartsAPage) {
  PciBar bar;
  bar.size = 256;
  bar.bus_address = 0xfe001000;
  EXPECT_TRUE(bar.Mappable());
  EXPECT_EQ(bar.Pages(), 1u);
  bar.bus_address = 0xfe001100;
  EXPECT_FALSE(bar.Mappable());
  bar.size = 0;
  EXPECT_EQ(bar.Pages(), 0u);
}

}  // namespace
}  // namespace iovalid::compat
