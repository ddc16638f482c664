// SPDX-License-Identifier: Apache-2.0
#include "traces/ioctl_names.h"

#include <linux/vfio.h>

#include "gtest/gtest.h"

namespace iovalid::traces {
namespace {

TEST(IoctlNames, NumbersAreThoseOfTheUapiHeader) {
  EXPECT_EQ(FindIoctl("VFIO_GET_API_VERSION")->nr, VFIO_GET_API_VERSION);
  EXPECT_EQ(FindIoctl("VFIO_IOMMU_MAP_DMA")->nr, VFIO_IOMMU_MAP_DMA);
  EXPECT_EQ(FindIoctl("VFIO_IOMMU_DIRTY_PAGES")->nr, VFIO_IOMMU_DIRTY_PAGES);
  EXPECT_EQ(FindIoctl("VFIO_DEVICE_FEATURE")->nr, VFIO_DEVICE_FEATURE);
  EXPECT_EQ(FindIoctl("IOMMU_IOAS_MAP")->nr, 0x3b85u);
}

TEST(IoctlNames, TheKindDecidesWhereNumbersAreShared) {
  EXPECT_EQ(FindIoctl(0x3b71, FdKind::kContainer)->cmd, "VFIO_IOMMU_MAP_DMA");
  EXPECT_EQ(FindIoctl(0x3b71, FdKind::kDevice)->cmd, "VFIO_DEVICE_PCI_HOT_RESET");
  EXPECT_EQ(FindIoctl(0x3b71, FdKind::kGroup), nullptr);
  EXPECT_EQ(FindIoctl("RAW"), nullptr);
}

TEST(IoctlNames, SortedAndUnambiguous) {
  auto names = IoctlNames();
  for (size_t i = 1; i < names.size(); ++i) {
    EXPECT_TRUE(names[i - 1].nr < names[i].nr ||
                (names[i - 1].nr == names[i].nr && names[i - 1].kind < names[i].kind))
        << names[i].cmd;
    EXPECT_EQ(FindIoctl(names[i].cmd), &names[i]);
    EXPECT_EQ(FindIoctl(names[i].nr, names[i].kind), &names[i]);
  }
}

}  // namespace
}  // namespace iovalid::traces
