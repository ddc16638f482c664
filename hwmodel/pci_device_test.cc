// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/pci_device.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <numeric>
#include <vector>

#include "hwmodel/io_page_table.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;
using sim::PageId;

constexpr unsigned kRw = kRead | kWrite;
constexpr uint64_t k4K = 4096;

class FakePages : public sim::PageData {
 public:
  explicit FakePages(std::vector<PageId> pages) {
    for (const PageId page : pages) pages_[page].fill(0);
  }
  bool ReadPage(PageId page, uint64_t offset, void* to, size_t len) override {
    const auto it = pages_.find(page);
    if (it == pages_.end()) return false;
    EXPECT_LE(offset + len, k4K);
    std::memcpy(to, it->second.data() + offset, len);
    return true;
  }
  bool WritePage(PageId page, uint64_t offset, const void* from, size_t len) override {
    const auto it = pages_.find(page);
    if (it == pages_.end()) return false;
    EXPECT_LE(offset + len, k4K);
    std::memcpy(it->second.data() + offset, from, len);
    return true;
  }
  uint8_t at(PageId page, uint64_t offset) const { return pages_.at(page)[offset]; }

 private:
  std::map<PageId, std::array<uint8_t, k4K>> pages_;
};

class PciDeviceTest : public testing::Test {
 protected:
  PciDeviceTest() : pages_({50, 20, 21}) {
    domain_ = iommu_.AllocDomain();
    iommu_.Attach(device_.source(), domain_);
    EXPECT_EQ(iommu_.Map(domain_, 0, 50, 1, kRw), Errno::kOk);
    EXPECT_EQ(iommu_.Map(domain_, k4K, 20, 2, kRw), Errno::kOk);
    std::iota(data_.begin(), data_.end(), 1);
  }
  Iommu iommu_{IommuConfig{}};
  PciDevice device_{7};
  DomainId domain_;
  FakePages pages_;
  std::vector<uint8_t> data_ = std::vector<uint8_t>(4 * k4K);
};

TEST_F(PciDeviceTest, WritesAndReadsAcrossPages) {
  const uint64_t len = 2 * k4K + 10;
  DmaResult result = device_.Write(iommu_, pages_, 100, data_.data(), len);
  EXPECT_EQ(result.stop, DmaResult::Stop::kDone);
  EXPECT_EQ(result.bytes, len);
  EXPECT_EQ(pages_.at(50, 99), 0);
  EXPECT_EQ(pages_.at(50, 100), data_[0]);
  EXPECT_EQ(pages_.at(20, 0), data_[k4K - 100]);
  EXPECT_EQ(pages_.at(21, 109), data_[len - 1]);
  EXPECT_EQ(pages_.at(21, 110), 0);
  std::vector<uint8_t> back(len);
  result = device_.Read(iommu_, pages_, 100, back.data(), len);
  EXPECT_EQ(result.bytes, len);
  EXPECT_TRUE(std::equal(back.begin(), back.end(), data_.begin()));
}

TEST_F(PciDeviceTest, StopsAtTheFaultAndKeepsWhatWasDone) {
  const DmaResult result = device_.Write(iommu_, pages_, 2 * k4K + 1000, data_.data(), 2 * k4K);
  EXPECT_EQ(result.stop, DmaResult::Stop::kFault);
  EXPECT_EQ(result.reason, FaultReason::kWriteNotPermitted);
  EXPECT_EQ(result.bytes, k4K - 1000);
  EXPECT_EQ(pages_.at(21, k4K - 1), data_[k4K - 1001]);
  FaultRecord record;
  ASSERT_TRUE(iommu_.faults().Take(&record));
  EXPECT_EQ(record.page, 3u);
  EXPECT_EQ(record.source, 7u);
}

TEST_F(PciDeviceTest, RightsStopIt) {
  ASSERT_EQ(iommu_.Map(domain_, 3 * k4K, 22, 1, kRead), Errno::kOk);
  const DmaResult result = device_.Write(iommu_, pages_, 3 * k4K, data_.data(), 1);
  EXPECT_EQ(result.stop, DmaResult::Stop::kFault);
  EXPECT_EQ(result.bytes, 0u);
}

TEST_F(PciDeviceTest, MissingPageStopsIt) {
  ASSERT_EQ(iommu_.Map(domain_, 3 * k4K, 999, 1, kRw), Errno::kOk);
  const DmaResult result = device_.Read(iommu_, pages_, 2 * k4K, data_.data(), 2 * k4K);
  EXPECT_EQ(result.stop, DmaResult::Stop::kNoMemory);
  EXPECT_EQ(result.bytes, k4K);
}

TEST_F(PciDeviceTest, MsiWindowStopsIt) {
  ASSERT_EQ(iommu_.Map(domain_, 0xfedff000, 50, 1, kRw), Errno::kOk);
  const DmaResult result = device_.Write(iommu_, pages_, 0xfedff000, data_.data(), k4K + 4);
  EXPECT_EQ(result.stop, DmaResult::Stop::kInterrupt);
  EXPECT_EQ(result.bytes, k4K);
  EXPECT_EQ(iommu_.faults().total(), 0u);
}

TEST_F(PciDeviceTest, NothingToMoveIsDone) {
  const DmaResult result = device_.Read(iommu_, pages_, ~uint64_t{0}, nullptr, 0);
  EXPECT_EQ(result.stop, DmaResult::Stop::kDone);
  EXPECT_EQ(result.bytes, 0u);
}

// Through a unit alone, with a PASID: pages of 2 KiB do not begin where those of 4 KiB do.
TEST_F(PciDeviceTest, UnitAndPasid) {
  TableMemory tables;
  IoPageTableConfig config;
  config.format = FormatId::kMock2K;
  config.levels = 3;
  config.input_bits = 38;
  IoPageTable table(tables, config, 1);
  ASSERT_EQ(table.Map(tables, 0x800, 20 * k4K + 0x800, 0x800, kRw), Errno::kOk);
  ASSERT_EQ(table.Map(tables, 0x1000, 50 * k4K, 0x800, kRead), Errno::kOk);
  Unit unit{UnitConfig{}};
  Context context;
  context.mode = Context::Mode::kSecond;
  context.second = table.stage();
  context.pasids = true;
  unit.SetContext(7, context);
  unit.SetPasidContext(7, 4, context);
  const DmaResult result = device_.Write(unit, tables, pages_, 0xffe, data_.data(), 16, 4);
  EXPECT_EQ(result.bytes, 2u);
  EXPECT_EQ(result.stop, DmaResult::Stop::kFault);
  EXPECT_EQ(result.reason, FaultReason::kWriteNotPermitted);
  EXPECT_EQ(pages_.at(20, 0xffe), 1);
  EXPECT_EQ(pages_.at(20, 0xfff), 2);
  std::array<uint8_t, 4> got{};
  EXPECT_EQ(device_.Read(unit, tables, pages_, 0xffe, got.data(), 4).bytes, 4u);
  EXPECT_EQ(got, (std::array<uint8_t, 4>{1, 2, 0, 0}));
}

TEST_F(PciDeviceTest, TopOfTheAddressSpaceFaults) {
  const DmaResult result = device_.Read(iommu_, pages_, ~uint64_t{0}, data_.data(), 2);
  EXPECT_EQ(result.stop, DmaResult::Stop::kFault);
  EXPECT_EQ(result.reason, FaultReason::kAddressBeyondWidth);
}

}  // namespace
}  // namespace iovalid::hwmodel
