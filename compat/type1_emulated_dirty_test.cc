// SPDX-License-Identifier: Apache-2.0
// Dirty tracking of type1 with drivers that pin pages (pinned_page_dirty_scope), and drivers that
// do not give pages back. Source: drivers/vfio/vfio_iommu_type1.c.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr uint64_t kIova = 0x10000;
constexpr DeviceIndex kMdev = 4;
constexpr unsigned kR = hwmodel::kRead, kW = hwmodel::kWrite;
constexpr uint64_t kFailed = ~uint64_t{0};

// A container with an emulated device, open, four pages mapped at kIova, and dirty tracking on.
class Machine {
 public:
  explicit Machine(const SystemConfig& config, bool track = true) : p(config) {
    container = p.Open("/dev/vfio/vfio");
    const int group = p.OpenGroup(3);
    EXPECT_THAT(p.SetContainer(group, container), Succeeds());
    EXPECT_THAT(p.SetIommu(container, 3), Succeeds());
    const Outcome opened = p.GetDeviceFd(group, kMdev);
    EXPECT_THAT(opened, Succeeds());
    device = static_cast<int>(opened.ret);
    EXPECT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
    if (track) Start();
  }
  void Start() {
    abi::VfioIommuType1DirtyBitmap start = {.argsz = sizeof(start), .flags = 1};
    EXPECT_THAT(p.Ioctl(container, abi::kVfioIommuDirtyPages, &start), Succeeds());
  }
  void Pin(uint64_t page, DeviceIndex index = kMdev, unsigned rights = kR | kW) {
    std::vector<sim::PageId> frames;
    EXPECT_THAT(p.system().PinPages(0, index, kIova + page * kPage, 1, rights, &frames),
                SucceedsWith(1));
  }
  void Unpin(uint64_t page) {
    EXPECT_THAT(p.system().UnpinPages(0, kMdev, kIova + page * kPage, 1), Succeeds());
  }
  // The bits of GET for the four pages.
  uint64_t Dirty() {
    struct {
      abi::VfioIommuType1DirtyBitmap head;
      abi::VfioIommuType1DirtyBitmapGet get;
    } arg = {{.argsz = sizeof(arg), .flags = abi::kVfioIommuDirtyPagesFlagGetBitmap},
             {.iova = kIova,
              .size = 4 * kPage,
              .bitmap = {.pgsize = kPage, .size = 8, .data = TestProcess::kScratch}}};
    uint64_t word = 0;
    p.mm().Poke(TestProcess::kScratch, &word, sizeof(word));
    if (!p.Ioctl(container, abi::kVfioIommuDirtyPages, &arg).ok()) return kFailed;
    p.mm().Peek(TestProcess::kScratch, &word, sizeof(word));
    return word;
  }

  TestProcess p;
  int container = -1, device = -1;
};

// vfio_iommu_type1_pin_pages sets the bit; vfio_iova_dirty_bitmap clears all and sets those that
// are still pinned again.
TEST(Type1EmulatedDirtyTest, PinnedPagesAreDirtyUntilReportedAfterTheUnpin) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    Machine m(MixedMachine(kernel));
    EXPECT_EQ(m.Dirty(), 0u);
    m.Pin(1);
    EXPECT_EQ(m.Dirty(), 2u);
    EXPECT_EQ(m.Dirty(), 2u);
    m.Pin(3);
    m.Unpin(1);
    m.Unpin(3);
    EXPECT_EQ(m.Dirty(), 0xau);
    EXPECT_EQ(m.Dirty(), 0u);
  }
}

// vfio_dma_bitmap_alloc_all: what is pinned when tracking starts.
TEST(Type1EmulatedDirtyTest, PinsFromBeforeTheStartCount) {
  Machine m(MixedMachine(), /*track=*/false);
  m.Pin(2);
  m.Start();
  EXPECT_EQ(m.Dirty(), 4u);
}

// vfio_iommu_type1_dma_rw_chunk: every page that is touched, once.
TEST(Type1EmulatedDirtyTest, WrittenPagesAreDirtyOnce) {
  Machine m(MixedMachine());
  uint8_t bytes[8] = {};
  EXPECT_THAT(m.p.system().DmaRw(0, kMdev, m.p.memory(), kIova + kPage - 4, bytes, 8, true),
              Succeeds());
  EXPECT_THAT(m.p.system().DmaRw(0, kMdev, m.p.memory(), kIova + 3 * kPage, bytes, 8, false),
              Succeeds());
  EXPECT_EQ(m.Dirty(), 3u);
  EXPECT_EQ(m.Dirty(), 0u);
}

// A group behind an IOMMU may write anything, so all is dirty while it is there, and once more when
// it leaves (vfio_iommu_populate_bitmap_full). Unlike it, an emulated group leaves no trace.
TEST(Type1EmulatedDirtyTest, IommuGroupMakesAllDirty) {
  Machine m(MixedMachine());
  const int group = m.p.OpenGroup(0);
  EXPECT_THAT(m.p.SetContainer(group, m.container), Succeeds());
  EXPECT_EQ(m.Dirty(), 0xfu);
  EXPECT_THAT(m.p.Close(group), Succeeds());
  EXPECT_EQ(m.Dirty(), 0xfu);
  EXPECT_EQ(m.Dirty(), 0u);
  const int other = m.p.OpenGroup(4);
  EXPECT_THAT(m.p.SetContainer(other, m.container), Succeeds());
  EXPECT_THAT(m.p.Close(other), Succeeds());
  EXPECT_EQ(m.Dirty(), 0u);
}

// A driver of a device behind an IOMMU that pins what it writes: with its first pin the group's
// scope is promoted, and its leaving makes nothing dirty.
TEST(Type1EmulatedDirtyTest, PinningPromotesAnIommuGroup) {
  SystemConfig config = MixedMachine();
  config.devices[0].dma_unmap = DmaUnmap::kReleases;
  Machine m(config);
  const int group = m.p.OpenGroup(0);
  EXPECT_THAT(m.p.SetContainer(group, m.container), Succeeds());
  const Outcome device = m.p.GetDeviceFd(group, 0);
  EXPECT_THAT(device, Succeeds());
  EXPECT_EQ(m.Dirty(), 0xfu);
  m.Pin(1, /*index=*/0);
  EXPECT_EQ(m.Dirty(), 2u);
  m.Pin(2, /*index=*/0);
  EXPECT_THAT(m.p.Close(static_cast<int>(device.ret)), Succeeds());
  EXPECT_THAT(m.p.Close(group), Succeeds());
  EXPECT_EQ(m.Dirty(), 6u);
  EXPECT_EQ(m.Dirty(), 0u);
}

// While a mapping is suspended a driver can neither pin nor copy. Only a driver of a device behind
// an IOMMU gets here: with an emulated group nothing is suspended.
TEST(Type1EmulatedDirtyTest, NothingIsPinnedOrCopiedWhileSuspended) {
  SystemConfig config = MixedMachine();
  config.devices[0].dma_unmap = DmaUnmap::kReleases;
  TestProcess p(config);
  const int c = p.SetUp();
  ASSERT_THAT(p.GetDeviceFd(p.group(), 0), Succeeds());
  ASSERT_THAT(p.Map(c, kIova, kBuffer, kPage), Succeeds());
  ASSERT_THAT(p.Unmap(c, kIova, kPage, abi::kVfioDmaUnmapFlagVaddr), Succeeds());
  std::vector<sim::PageId> frames;
  uint32_t word = 0;
  EXPECT_THAT(p.system().PinPages(0, 0, kIova, 1, kR, &frames),
              FailsBy(Errno::kBUSY, "type1.pin_pages.suspended"));
  EXPECT_THAT(p.system().DmaRw(0, 0, p.memory(), kIova, &word, 4, false),
              FailsBy(Errno::kBUSY, "type1.dma_rw.suspended"));
}

// vfio-pci has no dma_unmap: it could not pin (vfio_pin_pages). 6.1 looks at the container instead,
// where the emulated device's driver is registered.
TEST(Type1EmulatedDirtyTest, DriverWithoutCallback) {
  for (const char* kernel : {"6.1", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(MixedMachine(kernel));
    const int c = p.SetUp();
    ASSERT_THAT(p.GetDeviceFd(p.group(), 0), Succeeds());
    ASSERT_THAT(p.Map(c, kIova, kBuffer, kPage), Succeeds());
    std::vector<sim::PageId> frames;
    const char* rule = std::string_view(kernel) == "6.1" ? "type1.pin_pages.no_notifier"
                                                         : "driver.pin.no_dma_unmap";
    EXPECT_THAT(p.system().PinPages(0, 0, kIova, 1, kR, &frames), FailsBy(Errno::kINVAL, rule));
  }
}

// UNMAP with GET_DIRTY_BITMAP: the driver lets go first, then the bits are read; a page that was
// pinned is still reported (vfio_dma_do_unmap).
TEST(Type1EmulatedDirtyTest, UnmapReportsWhatWasPinned) {
  Machine m(MixedMachine());
  m.Pin(2);
  struct {
    abi::VfioIommuType1DmaUnmap head;
    abi::VfioBitmap bitmap;
  } arg = {{.argsz = sizeof(arg),
            .flags = abi::kVfioDmaUnmapFlagGetDirtyBitmap,
            .iova = kIova,
            .size = 4 * kPage},
           {.pgsize = kPage, .size = 8, .data = TestProcess::kScratch}};
  EXPECT_THAT(m.p.Ioctl(m.container, abi::kVfioIommuUnmapDma, &arg), Succeeds());
  uint64_t word = 0;
  m.p.mm().Peek(TestProcess::kScratch, &word, sizeof(word));
  EXPECT_EQ(word, 4u);
  EXPECT_EQ(m.p.memory().pinned_pages(), 0u);
}

// Row 67: a driver that keeps its pins. Type1 stops the kernel after ten more notices (BUG_ON),
// which no program survives; the model says so and leaves all as it is.
TEST(Type1EmulatedDirtyTest, DriverThatKeepsItsPins) {
  SystemConfig config = MixedMachine();
  config.devices[kMdev].dma_unmap = DmaUnmap::kIgnores;
  Machine m(config, /*track=*/false);
  m.Pin(1);
  EXPECT_THAT(m.p.Unmap(m.container, kIova, 4 * kPage),
              FailsBy(Errno::kOPNOTSUPP, "unmodelled.type1.unmap.bug"));
  EXPECT_EQ(m.p.system().unmap_notices().size(), 11u);
  // At the close it keeps them as well: they are lost with the mapping (vfio_remove_dma WARNs).
  EXPECT_THAT(m.p.Close(m.device), Succeeds());
  EXPECT_EQ(m.p.memory().pinned_pages(), 1u);
  EXPECT_EQ(m.p.locked_pages(), 1u);
}

}  // namespace
}  // namespace iovalid::compat
