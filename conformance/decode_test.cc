// SPDX-License-Identifier: Apache-2.0
#include "conformance/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "conformance/decode_tables.h"
#include "conformance/testing_trace.h"
#include "traces/ioctl_names.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

template <typename T>
std::vector<uint8_t> BytesOf(const T& value) {
  std::vector<uint8_t> bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

std::vector<uint8_t> Unhex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

TEST(DecodeTablesTest, FieldsAscendWithoutOverlapAndEachCommandExists) {
  for (const StructLayout& layout : StructLayouts()) {
    EXPECT_NE(traces::FindIoctl(layout.cmd), nullptr) << layout.cmd;
    unsigned end = 0;
    for (const FieldLayout& field : layout.fields) {
      EXPECT_GE(field.offset, end) << layout.cmd << '.' << field.name;
      EXPECT_EQ(field.offset % field.width, 0u) << layout.cmd << '.' << field.name;
      end = field.offset + field.width;
    }
  }
}

TEST(DecodeTablesTest, EveryCommandWithAStructHasALayout) {
  // Commands whose argument is an integer, a string or nothing.
  const std::vector<std::string_view> without = {
      "VFIO_GET_API_VERSION",       "VFIO_CHECK_EXTENSION",     "VFIO_SET_IOMMU",
      "VFIO_GROUP_UNSET_CONTAINER", "VFIO_GROUP_GET_DEVICE_FD", "VFIO_DEVICE_RESET",
      "VFIO_IOMMU_ENABLE",          "VFIO_IOMMU_DISABLE",       "VFIO_DEVICE_GET_GFX_DMABUF"};
  for (const traces::IoctlName& ioctl : traces::IoctlNames()) {
    const bool none = std::find(without.begin(), without.end(), ioctl.cmd) != without.end();
    EXPECT_EQ(LayoutOf(ioctl.cmd) == nullptr, none) << ioctl.cmd;
  }
}

TEST(DecodeTest, MapDmaByFieldNames) {
  const abi::VfioIommuType1DmaMap map = {32, 3, 0x7f0000001000, 0x100000, 0x2000};
  EXPECT_EQ(DecodeStruct("VFIO_IOMMU_MAP_DMA", BytesOf(map)).ToString(),
            "{argsz=32, flags=READ|WRITE, vaddr=0x7f0000001000, iova=0x100000, size=0x2000}");
}

TEST(DecodeTest, UnknownFlagBitsAreShownAndShortStructsAreCut) {
  EXPECT_EQ(DecodeStruct("VFIO_IOMMU_UNMAP_DMA", Unhex("1800000006010000")).ToString(),
            "{argsz=24, flags=ALL|VADDR|0x100}");
  EXPECT_EQ(DecodeStruct("VFIO_IOMMU_UNMAP_DMA", Unhex("180000")).ToString(), "{}");
  EXPECT_EQ(DecodeStruct("VFIO_IOMMU_UNMAP_DMA", Unhex("1800000000000000")).ToString(),
            "{argsz=24, flags=0}");
}

TEST(DecodeTest, ContainerInfoWithItsCapabilities) {
  const auto bytes = Unhex(
      "7000000003000000001020400000000018000000000000000300010028000000ffff000000000000"
      "01000100000000000200000000000000"
      "0000000000000000ffffdffe000000000000f0fe00000000ffffffff7f000000");
  EXPECT_EQ(DecodeStruct("VFIO_IOMMU_GET_INFO", bytes).ToString(),
            "{argsz=112, flags=PGSIZES|CAPS, iova_pgsizes=4K|2M|1G, cap_offset=24, pad=0x0, "
            "DMA_AVAIL avail=65535, IOVA_RANGE [0x0, 0xfedfffff] [0xfef00000, 0x7fffffffff]}");
}

TEST(DecodeTest, CapabilityChainThatLoopsEnds) {
  auto bytes =
      Unhex("28000000020000000000000000000000180000000000000003000100180000000100000000000000");
  const DecodedStruct decoded = DecodeStruct("VFIO_IOMMU_GET_INFO", bytes);
  EXPECT_EQ(decoded.parts, std::vector<std::string>({"DMA_AVAIL avail=1"}));
}

TEST(DecodeTest, IrqSetNamesItsEventfds) {
  abi::VfioIrqSet set = {28, abi::kVfioIrqSetDataEventfd | abi::kVfioIrqSetActionTrigger, 2, 0, 2};
  auto bytes = BytesOf(set);
  bytes.resize(28);
  const std::vector<NamedFd> fds = {{20, "e0"}, {24, "e1"}};
  EXPECT_EQ(DecodeStruct("VFIO_DEVICE_SET_IRQS", bytes, fds).ToString(),
            "{argsz=28, flags=DATA_EVENTFD|ACTION_TRIGGER, index=MSIX, start=0, count=2, "
            "eventfds=[e0, e1]}");
}

TEST(DecodeTest, FeatureFlagsAndIommufdStructs) {
  EXPECT_EQ(DecodeStruct("VFIO_DEVICE_FEATURE", Unhex("080000000b000100")).ToString(),
            "{argsz=8, flags=GET|DMA_BUF}");
  const abi::IommuIoasMap map = {40, 7, 2, 0, 0x1000, 0x2000, 0x3000};
  EXPECT_EQ(DecodeStruct("IOMMU_IOAS_MAP", BytesOf(map)).ToString(),
            "{size=40, flags=FIXED_IOVA|WRITEABLE|READABLE, ioas_id=2, user_va=0x1000, "
            "length=0x2000, iova=0x3000}");
}

TEST(DecodeTest, ChangesAreTheFieldsWithANewValue) {
  const auto before = Unhex("180000000000000000000000000000000000000000000000");
  const auto after = Unhex("480000000300000000f0ffffffffffff0000000000000000");
  EXPECT_EQ(DecodeChanges("VFIO_IOMMU_GET_INFO", before, after).ToString(),
            "{argsz=72, flags=PGSIZES|CAPS, iova_pgsizes=4K.. (0xfffffffffffff000)}");
  EXPECT_EQ(DecodeChanges("VFIO_IOMMU_GET_INFO", before, before).ToString(), "{}");
}

TEST(DecodeTest, PageSizesByUnit) {
  EXPECT_EQ(PageSizes(0x40201000), "4K|2M|1G");
  EXPECT_EQ(PageSizes(0xfffffffffffff000), "4K.. (0xfffffffffffff000)");
  EXPECT_EQ(PageSizes(0), "0");
  EXPECT_EQ(PageSizes(1), "1");
}

TEST(DecodeTest, CallsInStraceStyle) {
  EXPECT_EQ(
      DecodeCall(ParseTestEvent(IntegerLine(1, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1))),
      "ioctl(c0, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR)");
  EXPECT_EQ(DecodeCall(ParseTestEvent(OpenLine(1, "@g0", "g0"))), "open(\"@g0\") as g0");
  EXPECT_EQ(DecodeCall(ParseTestEvent(MemoryLine(1))),
            "mmap(0x100000000, 0x10000, rw, anon-private m0)");
  EXPECT_EQ(DecodeCall(ParseTestEvent(DeviceFdLine(1))),
            "ioctl(g0, VFIO_GROUP_GET_DEVICE_FD, \"0000:00:05.0\")");
  EXPECT_EQ(
      DecodeCall(ParseTestEvent(StructLine(1, "g0", "VFIO_GROUP_SET_CONTAINER", "0x3b68",
                                           "00000000", "=", 0, "0", R"(,"fdfix":[[0,"c0"]])"))),
      "ioctl(g0, VFIO_GROUP_SET_CONTAINER, {fd=c0})");
}

TEST(DecodeTest, ProbedNumbersAreNamedByTheKindOfFile) {
  traces::Ioctl ioctl;
  ioctl.set_cmd("RAW");
  ioctl.set_nr(0x3b70);
  ioctl.set_fd("c0");
  EXPECT_EQ(CommandName(ioctl), "VFIO_IOMMU_GET_INFO");
  ioctl.set_fd("d0");
  EXPECT_EQ(CommandName(ioctl), "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO");
  ioctl.set_nr(0x3bff);
  EXPECT_EQ(CommandName(ioctl), "ioctl 0x3bff");
}

}  // namespace
}  // namespace iovalid::conformance
