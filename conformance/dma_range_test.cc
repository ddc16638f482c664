// SPDX-License-Identifier: Apache-2.0
#include "conformance/dma_range.h"

#include <gtest/gtest.h>

#include <string>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio_container.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

template <typename Struct>
Step Call(uint32_t nr, const Struct& argument, size_t bytes = sizeof(Struct)) {
  IoctlAction ioctl;
  ioctl.nr = nr;
  ioctl.argument = IoctlAction::Argument::kStruct;
  const auto* begin = reinterpret_cast<const uint8_t*>(&argument);
  ioctl.in.assign(begin, begin + bytes);
  Step step;
  step.action = ioctl;
  return step;
}

// "first+size"; "none".
std::string Text(const std::optional<DmaRange>& range) {
  if (!range.has_value()) return "none";
  return std::to_string(range->first) + '+' + std::to_string(range->size);
}

TEST(DmaRangeTest, IsWhatTheStructNames) {
  EXPECT_EQ(
      Text(DmaRangeOf(Call(abi::kVfioIommuMapDma,
                           abi::VfioIommuType1DmaMap{
                               .argsz = 32, .flags = 3, .vaddr = 7, .iova = 100, .size = 20}))),
      "100+20");
  EXPECT_EQ(Text(DmaRangeOf(
                Call(abi::kVfioIommuUnmapDma,
                     abi::VfioIommuType1DmaUnmap{.argsz = 24, .flags = 0, .iova = 5, .size = 6}))),
            "5+6");
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kIommuIoasMap, abi::IommuIoasMap{.size = 40,
                                                                       .flags = 7,
                                                                       .ioas_id = 1,
                                                                       .reserved = 0,
                                                                       .user_va = 9,
                                                                       .length = 2,
                                                                       .iova = 3}))),
            "3+2");
  EXPECT_EQ(
      Text(DmaRangeOf(Call(
          abi::kIommuIoasMapFile,
          abi::IommuIoasMapFile{
              .size = 40, .flags = 7, .ioas_id = 1, .fd = 4, .start = 9, .length = 8, .iova = 1}))),
      "1+8");
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kIommuIoasCopy, abi::IommuIoasCopy{.size = 40,
                                                                         .flags = 7,
                                                                         .dst_ioas_id = 1,
                                                                         .src_ioas_id = 2,
                                                                         .length = 8,
                                                                         .dst_iova = 70,
                                                                         .src_iova = 60}))),
            "70+8");
  EXPECT_EQ(Text(DmaRangeOf(
                Call(abi::kIommuIoasUnmap,
                     abi::IommuIoasUnmap{.size = 24, .ioas_id = 1, .iova = 11, .length = 12}))),
            "11+12");
}

TEST(DmaRangeTest, OtherCallsNameNone) {
  EXPECT_EQ(Text(DmaRangeOf(Step())), "none");
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kVfioIommuDirtyPages, abi::VfioIommuType1DmaMap{}))), "none");
}

TEST(DmaRangeTest, BothFieldsMustBeThere) {
  const abi::VfioIommuType1DmaUnmap unmap{.argsz = 24, .flags = 0, .iova = 5, .size = 6};
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kVfioIommuUnmapDma, unmap, 24))), "5+6");
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kVfioIommuUnmapDma, unmap, 23))), "none");
  EXPECT_EQ(Text(DmaRangeOf(Call(abi::kVfioIommuUnmapDma, unmap, 0))), "none");
}

TEST(DmaRangeTest, LastIsWithinTheSpace) {
  constexpr uint64_t kTop = ~uint64_t{0};
  EXPECT_EQ((DmaRange{4096, 4096}.last()), std::optional<uint64_t>(8191));
  EXPECT_EQ((DmaRange{kTop, 1}.last()), std::optional<uint64_t>(kTop));
  EXPECT_EQ((DmaRange{0, kTop}.last()), std::optional<uint64_t>(kTop - 1));
  EXPECT_EQ((DmaRange{kTop, 2}.last()), std::nullopt);
  EXPECT_EQ((DmaRange{4096, 0}.last()), std::nullopt);
  EXPECT_EQ((DmaRange{0, 0}.last()), std::nullopt);
}

}  // namespace
}  // namespace iovalid::conformance
