// SPDX-License-Identifier: Apache-2.0
// VFIO dma-bufs in an IOAS. Sources: drivers/iommu/iommufd/pages.c, drivers/vfio/pci/
// vfio_pci_dmabuf.c, and recordings native-more.
#include <gtest/gtest.h>

#include <vector>

#include "compat/iommufd/native_fixture.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

struct Dmabuf : Native {
  Dmabuf() : ioas(NewIoas()), cdev(Bind(0, &device)) {}

  struct Range {
    uint64_t offset, length;
  };
  // A dma-buf of BAR 0 of the device behind `of`.
  int Export(int of, const std::vector<Range>& ranges) {
    struct {
      abi::VfioDeviceFeature header;
      abi::VfioDeviceFeatureDmaBuf request;
      Range ranges[2];
    } cmd{};
    cmd.header.argsz = sizeof(cmd);
    cmd.header.flags = abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureDmaBuf;
    cmd.request.nr_ranges = static_cast<uint32_t>(ranges.size());
    for (size_t i = 0; i < ranges.size(); ++i) cmd.ranges[i] = ranges[i];
    const Outcome outcome = p.Ioctl(of, abi::kVfioDeviceFeature, &cmd);
    EXPECT_TRUE(outcome.ok());
    return static_cast<int>(outcome.ret);
  }
  Outcome Feature(int of, uint32_t feature) {
    abi::VfioDeviceFeature cmd{};
    cmd.argsz = sizeof(cmd);
    cmd.flags = abi::kVfioDeviceFeatureSet | feature;
    return p.Ioctl(of, abi::kVfioDeviceFeature, &cmd);
  }
  // Writes the command register of the device behind `of`.
  void SetCommand(int of, uint16_t command) {
    p.mm().Poke(kBuffer, &command, sizeof(command));
    EXPECT_EQ(p.system()
                  .Write(p.task(), of, kBuffer, sizeof(command),
                         RegionOffset(abi::kVfioPciConfigRegionIndex) + 4)
                  .ret,
              2);
  }
  // The frames of the only run that the device reaches.
  sim::PageId ReachedFrame(uint32_t of = 0) {
    const StateSnapshot snapshot = p.system().Snapshot();
    return snapshot.devices[of].reach.size() == 1 ? snapshot.devices[of].reach[0].first : 0;
  }
  sim::PageId BarFrame(uint32_t of) const { return config.devices[of].pci.bars[0].first_frame; }

  const SystemConfig config = GoldenMachine();
  uint32_t ioas;
  uint32_t device = 0;
  int cdev;
};

TEST_F(Dmabuf, RangesAreChecked) {
  const int one = Export(cdev, {{0, 4 * kPage}});
  const int two = Export(cdev, {{0, kPage}, {2 * kPage, kPage}});
  EXPECT_EQ(MapFile(ioas, 0, one, 0, 0).err, Errno::kINVAL);
  EXPECT_EQ(MapFile(ioas, 0, one, kPage, 4 * kPage).err, Errno::kINVAL);
  EXPECT_EQ(MapFile(ioas, 0, one, kTop - 1, 4).err, Errno::kOVERFLOW);
  EXPECT_EQ(MapFile(ioas, 0, two, 0, kPage).err, Errno::kOPNOTSUPP);
  EXPECT_EQ(MapFile(ioas, 0, two, 0, 3 * kPage).err, Errno::kINVAL);
  EXPECT_TRUE(MapFile(ioas, 0, one, kPage, 3 * kPage).ok());
}

TEST_F(Dmabuf, DeviceReachesTheBarWithoutCharge) {
  p.system().SetMemlockLimit(p.task(), 0);
  p.system().DropCapability(p.task(), sim::kCapIpcLock);
  const int buffer = Export(cdev, {{2 * kPage, 4 * kPage}});
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, kPage, 3 * kPage).ok());
  EXPECT_EQ(p.Reach(0), "10000+3:rw");
  EXPECT_EQ(ReachedFrame(), BarFrame(0) + 3);
  EXPECT_EQ(p.system().account(0).pinned_vm, 0u);
  // In a process without a limit, too: it is no process memory.
  abi::IommuIoasChangeProcess change{sizeof(change), 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasChangeProcess, &change).err, Errno::kINVAL);
}

TEST_F(Dmabuf, RightsFollowTheMapping) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage,
                      abi::kIommuIoasMapFixedIova | abi::kIommuIoasMapReadable)
                  .ok());
  EXPECT_EQ(Copy(ioas, 0x10000, ioas, 0x20000, kPage).err, Errno::kPERM);
}

TEST_F(Dmabuf, FileLivesAsLongAsTheMapping) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  const uint32_t files = p.system().CountLive().files;
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage).ok());
  ASSERT_TRUE(Copy(ioas, 0x10000, ioas, 0x20000, kPage).ok());
  EXPECT_EQ(MapFile(ioas, 0x10000, buffer, 0, kPage).err, Errno::kEXIST);
  EXPECT_TRUE(p.Close(buffer).ok());
  EXPECT_EQ(p.system().CountLive().files, files);
  ASSERT_TRUE(Unmap(ioas, 0x10000, kPage).ok());
  EXPECT_EQ(p.system().CountLive().files, files);
  EXPECT_EQ(p.Reach(0), "20000+1:rw");
  ASSERT_TRUE(Unmap(ioas, 0x20000, kPage).ok());
  EXPECT_EQ(p.system().CountLive().files, files - 1);
}

TEST_F(Dmabuf, ContextGivesTheFileBackWhenItCloses) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage).ok());
  EXPECT_TRUE(p.Close(buffer).ok());
  EXPECT_TRUE(p.Close(cdev).ok());
  EXPECT_TRUE(p.Close(fd).ok());
  EXPECT_EQ(p.system().CountLive().files, 0u);
}

TEST_F(Dmabuf, MemoryDecodingOffRevokesForGood) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage).ok());
  SetCommand(cdev, 0);
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_EQ(MapFile(ioas, 0x20000, buffer, 0, kPage).err, Errno::kNODEV);
  const int while_off = Export(cdev, {{0, kPage}});
  EXPECT_EQ(MapFile(ioas, 0x20000, while_off, 0, kPage).err, Errno::kNODEV);
  SetCommand(cdev, 2);
  EXPECT_EQ(p.Reach(0), "");
  // The old mapping stays an empty one; a new mapping shows the memory again.
  EXPECT_EQ(MapFile(ioas, 0x10000, buffer, 0, kPage).err, Errno::kEXIST);
  EXPECT_TRUE(MapFile(ioas, 0x20000, buffer, 0, kPage).ok());
  EXPECT_TRUE(MapFile(ioas, 0x30000, while_off, 0, kPage).ok());
  EXPECT_EQ(p.Reach(0), "20000+1:rw 30000+1:rw");
  // A copy of a revoked mapping is revoked, and a new domain does not get it.
  EXPECT_TRUE(Copy(ioas, 0x10000, ioas, 0x40000, kPage).ok());
  EXPECT_EQ(p.Reach(0), "20000+1:rw 30000+1:rw");
  const uint32_t other = NewIoas();
  ASSERT_TRUE(Attach(cdev, other).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(p.Reach(0), "20000+1:rw 30000+1:rw");
  uint64_t unmapped = 0;
  EXPECT_TRUE(Unmap(ioas, 0, kTop, &unmapped).ok());
  EXPECT_EQ(unmapped, 4 * kPage);
}

TEST_F(Dmabuf, LowPowerRevokesWhatThereIs) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage).ok());
  ASSERT_TRUE(Feature(cdev, abi::kVfioDeviceFeatureLowPowerEntry).ok());
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_EQ(MapFile(ioas, 0x20000, buffer, 0, kPage).err, Errno::kNODEV);
  // The kernel only looks at the command register when it exports.
  const int while_low = Export(cdev, {{0, kPage}});
  EXPECT_TRUE(MapFile(ioas, 0x20000, while_low, 0, kPage).ok());
  // Refused, but it revokes before it looks.
  EXPECT_EQ(Feature(cdev, abi::kVfioDeviceFeatureLowPowerEntry).err, Errno::kINVAL);
  EXPECT_EQ(p.Reach(0), "");
  ASSERT_TRUE(Feature(cdev, abi::kVfioDeviceFeatureLowPowerExit).ok());
  EXPECT_TRUE(MapFile(ioas, 0x30000, buffer, 0, kPage).ok());
  EXPECT_EQ(p.Reach(0), "30000+1:rw");
}

TEST_F(Dmabuf, ClosingTheDeviceRevokesInEveryContext) {
  uint32_t other_device = 0;
  const int other = Bind(1, &other_device);
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  const int buffer = Export(other, {{0, 4 * kPage}});
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, kPage).ok());
  EXPECT_EQ(ReachedFrame(), BarFrame(1));
  EXPECT_TRUE(p.Close(other).ok());
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_EQ(MapFile(ioas, 0x20000, buffer, 0, kPage).err, Errno::kNODEV);
  (void)Bind(1, &other_device);
  EXPECT_EQ(MapFile(ioas, 0x20000, buffer, 0, kPage).err, Errno::kNODEV);
}

TEST_F(Dmabuf, IsNeverCut) {
  const int buffer = Export(cdev, {{0, 4 * kPage}});
  uint64_t off = 0;
  ASSERT_TRUE(Option(abi::kIommuOptionHugePages, abi::kIommuOptionOpSet, ioas, &off).ok());
  ASSERT_TRUE(MapFile(ioas, 0x10000, buffer, 0, 4 * kPage).ok());
  abi::IommuVfioIoas set{sizeof(set), ioas, abi::kIommuVfioIoasSet, 0};
  ASSERT_TRUE(p.Ioctl(fd, abi::kIommuVfioIoas, &set).ok());
  EXPECT_EQ(p.Unmap(fd, 0x11000, kPage).err, Errno::kOPNOTSUPP);
  EXPECT_TRUE(p.Unmap(fd, 0x10000, 4 * kPage).ok());
}

}  // namespace
}  // namespace iovalid::compat
