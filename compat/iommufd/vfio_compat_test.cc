// SPDX-License-Identifier: Apache-2.0
// A VFIO container that is an iommufd. Sources: drivers/iommu/iommufd/vfio_compat.c and the golden
// families edges and random-*.
#include <gtest/gtest.h>

#include "compat/iommufd/rules.h"
#include "compat/test_process.h"
#include "ioas/rules.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr char kIommu[] = "/dev/iommu";

TaskConfig Unprivileged(uint64_t limit_pages = 1000) {
  TaskConfig task;
  task.cap_ipc_lock = false;
  task.rlimit_memlock = limit_pages * kPage;
  return task;
}

TEST(VfioCompatTest, WithoutAGroup) {
  TestProcess p;
  const int c = p.Open(kIommu);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioGetApiVersion, 5).ret, 0);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioCheckExtension, abi::kVfioType1v2Iommu).ret, 1);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioCheckExtension, abi::kVfioDmaCcIommu).err, Errno::kNODEV);
  // Types are looked at before the IOAS, arguments too.
  EXPECT_EQ(p.SetIommu(c, 2).err, Errno::kINVAL);
  EXPECT_EQ(p.SetIommu(c, 1).err, Errno::kNODEV);
  EXPECT_EQ(p.SetIommu(c, 3).rule, &rules::kCompatNoIoas);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioIommuMapDma, 0).err, Errno::kFAULT);
  EXPECT_EQ(p.Map(c, 0, kBuffer, kPage, abi::kVfioDmaMapFlagVaddr).err, Errno::kINVAL);
  EXPECT_EQ(p.Map(c, 0, kBuffer, 0).err, Errno::kNODEV);
  uint64_t size = 0;
  EXPECT_EQ(p.Unmap(c, 5, 7, abi::kVfioDmaUnmapFlagGetDirtyBitmap).err, Errno::kINVAL);
  EXPECT_EQ(p.Unmap(c, 5, 7, abi::kVfioDmaUnmapFlagAll, &size).err, Errno::kNODEV);
  EXPECT_EQ(size, 7u);
}

TEST(VfioCompatTest, Extensions) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  const auto check = [&](uint64_t id) { return p.Ioctl(c, abi::kVfioCheckExtension, id).ret; };
  for (uint64_t id : {1, 3, 8, 9}) EXPECT_EQ(check(id), 1) << id;
  for (uint64_t id : {0, 2, 5, 6, 7, 10, 11}) EXPECT_EQ(check(id), 0) << id;
  // No HWPT is without enforced coherency, as long as there is none.
  EXPECT_EQ(check(abi::kVfioDmaCcIommu), 1);
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  EXPECT_EQ(check(abi::kVfioDmaCcIommu), 0);
}

TEST(VfioCompatTest, CommandsThatAreNotThere) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioIommuDirtyPages, 0).err, Errno::kNOTTY);
  EXPECT_EQ(p.Ioctl(c, abi::kVfioIommuEnable, 0).err, Errno::kNOTTY);
  EXPECT_EQ(p.Ioctl(c, 0x3bff, 0).err, Errno::kNOTTY);
  // Within the numbers of /dev/iommu the size is read first.
  EXPECT_EQ(p.Ioctl(c, 0x3b99, 0).err, Errno::kFAULT);
  EXPECT_EQ(p.Ioctl(c, 0x3b99, TestProcess::kArg).err, Errno::kNOTTY);
  EXPECT_EQ(p.Ioctl(c, 0x3a81, TestProcess::kArg).err, Errno::kNOTTY);
}

TEST(VfioCompatTest, SetIommuIsIdempotentAndType1Sticks) {
  TestProcess p;
  const int c = p.SetUp(1, kIommu);
  EXPECT_TRUE(p.SetIommu(c, 1).ok());
  EXPECT_TRUE(p.SetIommu(c, 3).ok());
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 4 * kPage).ok());
  uint64_t size = 0;
  ASSERT_TRUE(p.Unmap(c, 0x11000, kPage, 0, &size).ok());
  EXPECT_EQ(size, kPage);
  EXPECT_EQ(p.Reach(0), "10000+1:rw 12000+2:rw");
  EXPECT_TRUE(p.SetIommu(c, 1).ok());
}

TEST(VfioCompatTest, NoChangeToType1WithDeviceAndMapping) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.Map(c, 0x10800, kBuffer, 0x800).ok());
  EXPECT_EQ(p.SetIommu(c, 1).err, Errno::kADDRINUSE);
  ASSERT_TRUE(p.Unmap(c, 0, kTop).ok());
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
  EXPECT_EQ(p.SetIommu(c, 1).rule, &ioas::rules::kLargePagesInUse);
}

TEST(VfioCompatTest, NothingIsCheckedBeforeADeviceComes) {
  TestProcess p(GoldenMachine(), Unprivileged(1));
  const int c = p.SetUp(3, kIommu);
  struct {
    uint64_t iova, vaddr, size;
    Errno at_attach;
  } const cases[] = {
      {0x1000, 0x5000, kPage, Errno::kFAULT},                  // no memory there
      {0xfee00000, kBuffer, kPage, Errno::kADDRINUSE},         // the interrupt window
      {uint64_t{1} << 39, kBuffer, kPage, Errno::kADDRINUSE},  // beyond the aperture
      {0x1001, kBuffer, kPage, Errno::kADDRINUSE},             // misaligned
      {0x1000, kBuffer, 2 * kPage, Errno::kNOMEM},             // more than RLIMIT_MEMLOCK
  };
  for (const auto& test : cases) {
    ASSERT_TRUE(p.Map(c, test.iova, test.vaddr, test.size).ok());
    EXPECT_EQ(p.GetDeviceFd(p.group(), 0).err, test.at_attach);
    EXPECT_EQ(p.pinned_pages(), 0u);
    EXPECT_FALSE(p.system().Observe().devices[0].attached);
    ASSERT_TRUE(p.Unmap(c, 0, 0, abi::kVfioDmaUnmapFlagAll).ok());
  }
  ASSERT_TRUE(p.Map(c, 0x1000, kBuffer, kPage).ok());
  EXPECT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  EXPECT_EQ(p.pinned_pages(), 1u);
}

TEST(VfioCompatTest, MapOrderWithADevice) {
  TestProcess p(GoldenMachine(), Unprivileged(4));
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
  EXPECT_EQ(p.Map(c, 0x10000, kBuffer + 8, kPage).err, Errno::kEXIST);
  EXPECT_EQ(p.Map(c, 0x20000, kBuffer + 8, kPage).err, Errno::kINVAL);
  EXPECT_EQ(p.Map(c, 0xfedff000, kBuffer, 2 * kPage).err, Errno::kINVAL);
  EXPECT_EQ(p.Map(c, 0x20000, kTop - kPage + 1, kPage).err, Errno::kOVERFLOW);
  EXPECT_EQ(p.Map(c, kTop - kPage + 1, kBuffer, 2 * kPage).err, Errno::kOVERFLOW);
  EXPECT_EQ(p.Map(c, 0x20000, kBuffer, 4 * kPage).err, Errno::kNOMEM);
  EXPECT_EQ(p.Map(c, 0x20000, kBuffer + 15 * kPage, 2 * kPage).err, Errno::kFAULT);
  EXPECT_EQ(p.pinned_pages(), 1u);
  EXPECT_EQ(p.Reach(0), "10000+1:rw");
}

TEST(VfioCompatTest, LengthIsCheckedFirstIn612) {
  for (const bool old : {false, true}) {
    TestProcess p(GoldenMachine(old ? "6.12" : "7.3"));
    const int c = p.SetUp(3, kIommu);
    EXPECT_EQ(p.Map(c, 0, kTop, kTop - 5).err, old ? Errno::kINVAL : Errno::kOVERFLOW);
    EXPECT_EQ(p.Map(c, 0, kTop, kPage).err, Errno::kOVERFLOW);
  }
}

TEST(VfioCompatTest, NoRightsWarnIn73) {
  for (const bool old : {false, true}) {
    TestProcess p(GoldenMachine(old ? "6.12" : "7.3"));
    const int c = p.SetUp(3, kIommu);
    ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage, 0).ok());
    EXPECT_EQ(p.GetDeviceFd(p.group(), 0).err, Errno::kINVAL);
    EXPECT_EQ(p.system().warnings().size(), old ? 0u : 1u);
    ASSERT_TRUE(p.Unmap(c, 0x10000, kPage).ok());
    ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
    EXPECT_EQ(p.Map(c, 0x10000, kBuffer, kPage, 0).err, Errno::kINVAL);
    EXPECT_EQ(p.system().warnings().size(), old ? 0u : 1u);
    EXPECT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
    EXPECT_TRUE(p.system().warnings().empty());
  }
}

TEST(VfioCompatTest, WriteOnlyMemoryIsPinnedWhilePresent) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_EQ(p.mm().Protect(kBuffer, kPage, false, true, false), Errno::kOk);
  EXPECT_TRUE(p.Map(c, 0x10000, kBuffer, 2 * kPage, abi::kVfioDmaMapFlagRead).ok());
}

TEST(VfioCompatTest, UnmapSizeIsWrittenOnErrorsToo) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 2 * kPage).ok());
  ASSERT_TRUE(p.Map(c, 0x12000, kBuffer, 2 * kPage).ok());
  uint64_t size = 0;
  EXPECT_EQ(p.Unmap(c, 0x10000, 3 * kPage, 0, &size).err, Errno::kNOENT);
  EXPECT_EQ(size, 2 * kPage);
  EXPECT_EQ(p.Unmap(c, 0x13000, kPage, 0, &size).err, Errno::kNOENT);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(p.Unmap(c, kTop, 2, 0, &size).err, Errno::kOVERFLOW);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(p.Unmap(c, 0, 0, 0, &size).err, Errno::kINVAL);
  // Arguments that do not go with ALL are refused before anything is written.
  EXPECT_EQ(p.Unmap(c, 0, 5, abi::kVfioDmaUnmapFlagAll, &size).err, Errno::kINVAL);
  EXPECT_EQ(size, 5u);
  // Unaligned is fine as long as it covers whole mappings.
  EXPECT_TRUE(p.Unmap(c, 0x11fff, 2 * kPage + 5, 0, &size).ok());
  EXPECT_EQ(size, 2 * kPage);
  EXPECT_TRUE(p.Unmap(c, 1, 3, 0, &size).ok());
  EXPECT_EQ(size, 0u);
}

TEST(VfioCompatTest, Type1CutsAndLeavesItsCuts) {
  TestProcess p;
  const int c = p.SetUp(1, kIommu);
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 8 * kPage).ok());
  uint64_t size = 0;
  // The second cut is misaligned; the first stays, and the size is as it was.
  EXPECT_EQ(p.Unmap(c, 0x11800, 0x800, 0, &size).err, Errno::kINVAL);
  EXPECT_EQ(size, 0x800u);
  EXPECT_EQ(p.system().Snapshot().mappings.size(), 2u);
  // Size 0 cuts at iova - 1, twice, before it is refused.
  EXPECT_EQ(p.Unmap(c, 0x14000, 0, 0, &size).err, Errno::kINVAL);
  EXPECT_EQ(p.system().Snapshot().mappings.size(), 3u);
  ASSERT_TRUE(p.Unmap(c, 0x11000, 2 * kPage, 0, &size).ok());
  EXPECT_EQ(size, 2 * kPage);
  EXPECT_EQ(p.Reach(0), "10000+1:rw 13000+5:rw");
  EXPECT_EQ(p.pinned_pages(), 6u);
}

TEST(VfioCompatTest, ChargesTheUserOrTheProcess) {
  for (const bool own_node : {false, true}) {
    for (const bool cap : {false, true}) {
      SystemConfig config = GoldenMachine();
      if (own_node) config.container_node = ContainerNode::kIommufd;
      TaskConfig task = Unprivileged(4);
      task.cap_ipc_lock = cap;
      TestProcess p(config, task);
      const int c = p.SetUp(3, own_node ? "/dev/vfio/vfio" : kIommu);
      ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
      EXPECT_EQ(p.Map(c, 0x10000, kBuffer, 5 * kPage).err, cap ? Errno::kOk : Errno::kNOMEM);
      ASSERT_TRUE(p.Unmap(c, 0, kTop).ok());
      ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 3 * kPage).ok());
      EXPECT_EQ(p.pinned_pages(), 3u);
      EXPECT_EQ(p.locked_pages(), own_node && !cap ? 3u : 0u);
      EXPECT_EQ(p.system().kernel().users[0].locked_vm, !own_node && !cap ? 3u : 0u);
    }
  }
}

TEST(VfioCompatTest, MappingsOutliveDevicesAndGroups) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  Outcome device = p.GetDeviceFd(p.group(), 0);
  ASSERT_TRUE(device.ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 2 * kPage).ok());
  // No busy check, and the device goes on.
  EXPECT_TRUE(p.Ioctl(p.group(), abi::kVfioGroupUnsetContainer, 0).ok());
  EXPECT_EQ(p.Reach(0), "10000+2:rw");
  ASSERT_TRUE(p.Close(static_cast<int>(device.ret)).ok());
  EXPECT_EQ(p.pinned_pages(), 0u);
  EXPECT_FALSE(p.system().Observe().devices[0].attached);
  EXPECT_EQ(p.system().Snapshot().mappings.size(), 1u);
  EXPECT_EQ(p.Map(c, 0x10000, kBuffer, kPage).err, Errno::kEXIST);
  ASSERT_TRUE(p.Close(c).ok());
  ASSERT_TRUE(p.Close(p.group()).ok());
  EXPECT_EQ(p.system().CountLive().iommufds, 0u);
  EXPECT_EQ(p.memory().pinned_pages(), 0u);
}

TEST(VfioCompatTest, DeviceKeepsTheContextAlive) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  Outcome device = p.GetDeviceFd(p.group(), 0);
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(p.Close(c).ok());
  ASSERT_TRUE(p.Close(p.group()).ok());
  EXPECT_EQ(p.Reach(0), "10000+1:rw");
  EXPECT_EQ(p.pinned_pages(), 1u);
  ASSERT_TRUE(p.Close(static_cast<int>(device.ret)).ok());
  EXPECT_EQ(p.pinned_pages(), 0u);
  EXPECT_EQ(p.system().CountLive().iommufds, 0u);
}

}  // namespace
}  // namespace iovalid::compat
