// SPDX-License-Identifier: Apache-2.0
// The commands of /dev/iommu itself. Sources: drivers/iommu/iommufd/{main,ioas,hw_pagetable}.c and
// the golden families native-*.
#include <gtest/gtest.h>

#include "compat/iommufd/native_fixture.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

TEST_F(Native, Prologue) {
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuDestroy, 0).err, Errno::kFAULT);
  EXPECT_EQ(p.Ioctl(fd, 0xc0003b80, kArg).err, Errno::kNOTTY);
  abi::IommuIoasAlloc small{.size = 8, .flags = 0, .out_ioas_id = 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasAlloc, &small).err, Errno::kINVAL);
  // The bytes behind the struct are not zero.
  abi::IommuIoasAlloc large{.size = 13, .flags = 0, .out_ioas_id = 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasAlloc, &large).err, Errno::kE2BIG);
  struct {
    abi::IommuIoasAlloc cmd;
    uint32_t tail;
  } padded{{.size = 16, .flags = 0, .out_ioas_id = 0}, 0};
  EXPECT_TRUE(p.Ioctl(fd, abi::kIommuIoasAlloc, &padded).ok());
  EXPECT_EQ(padded.cmd.out_ioas_id, 1u);
  // Zeroes up to where memory ends.
  const std::vector<uint8_t> zeroes(kPage, 0);
  p.mm().Poke(kArg, zeroes.data(), zeroes.size());
  const uint32_t size = kPage + 1;
  p.mm().Poke(kArg, &size, sizeof(size));
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasAlloc, kArg).err, Errno::kFAULT);
}

TEST_F(Native, IdsAndReferences) {
  EXPECT_EQ(NewIoas(), 1u);
  EXPECT_EQ(NewIoas(), 2u);
  EXPECT_TRUE(Destroy(1).ok());
  EXPECT_EQ(Destroy(1).err, Errno::kNOENT);
  EXPECT_EQ(NewIoas(), 1u);
  uint32_t device = 0, hwpt = 0;
  const int cdev = Bind(0, &device);
  EXPECT_EQ(device, 3u);
  EXPECT_EQ(Destroy(device).err, Errno::kBUSY);
  ASSERT_TRUE(Attach(cdev, 1, &hwpt).ok());
  EXPECT_EQ(hwpt, 4u);
  EXPECT_EQ(Destroy(1).err, Errno::kBUSY);
  EXPECT_EQ(Destroy(hwpt).err, Errno::kBUSY);
  // An automatic HWPT goes with its last device.
  ASSERT_TRUE(p.Close(cdev).ok());
  EXPECT_EQ(Destroy(hwpt).err, Errno::kNOENT);
  EXPECT_TRUE(Destroy(1).ok());
}

TEST_F(Native, MapAndUnmap) {
  const uint32_t ioas = NewIoas();
  EXPECT_EQ(Map(ioas, 0, kBuffer, kPage, 8).err, Errno::kOPNOTSUPP);
  EXPECT_EQ(Map(99, kTop, kBuffer, kPage).err, Errno::kOVERFLOW);
  EXPECT_EQ(Map(99, 0, kBuffer, kPage, abi::kIommuIoasMapFixedIova).err, Errno::kINVAL);
  EXPECT_EQ(Map(99, 0, kBuffer, kPage).err, Errno::kNOENT);
  uint64_t iova = 0, length = 0;
  ASSERT_TRUE(Map(ioas, 0, kBuffer, kPage, kRw, &iova).ok());
  EXPECT_EQ(iova, 0x1000u);
  EXPECT_EQ(Unmap(ioas, kTop, 1).err, Errno::kOVERFLOW);
  EXPECT_EQ(Unmap(ioas, 0x8000, kPage, &length).err, Errno::kNOENT);
  EXPECT_EQ(length, kPage);
  ASSERT_TRUE(Unmap(ioas, 0, kTop, &length).ok());
  EXPECT_EQ(length, kPage);
  ASSERT_TRUE(Unmap(ioas, 0, kTop, &length).ok());
  EXPECT_EQ(length, 0u);
}

TEST_F(Native, CopySharesPins) {
  const uint32_t a = NewIoas();
  const uint32_t b = NewIoas();
  uint32_t device[2];
  ASSERT_TRUE(Attach(Bind(0, &device[0]), a).ok());
  ASSERT_TRUE(Attach(Bind(1, &device[1]), b).ok());
  ASSERT_TRUE(Map(a, 0x10000, kBuffer, 4 * kPage).ok());
  ASSERT_TRUE(Copy(a, 0x11000, b, 0x20000, 2 * kPage).ok());
  EXPECT_EQ(p.pinned_pages(), 4u);
  EXPECT_EQ(p.Reach(1), "20000+2:rw");
  ASSERT_TRUE(Unmap(a, 0x10000, 4 * kPage).ok());
  EXPECT_EQ(p.pinned_pages(), 2u);
  EXPECT_EQ(p.Reach(1), "20000+2:rw");
  EXPECT_EQ(Copy(a, 0x10000, b, 0, kPage).err, Errno::kNOENT);
  EXPECT_EQ(Copy(b, 0x20000, 77, 0, kPage).err, Errno::kNOENT);
  ASSERT_TRUE(Unmap(b, 0, kTop).ok());
  EXPECT_EQ(p.memory().pinned_pages(), 0u);
}

TEST_F(Native, IovaRangesSayHowManyThereAre) {
  const uint32_t ioas = NewIoas();
  uint32_t device;
  ASSERT_TRUE(Attach(Bind(0, &device), ioas).ok());
  abi::IommuIoasIovaRanges cmd{};
  cmd.size = sizeof(cmd);
  cmd.ioas_id = ioas;
  cmd.num_iovas = 1;
  cmd.allowed_iovas = TestProcess::kScratch;
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasIovaRanges, &cmd).err, Errno::kMSGSIZE);
  EXPECT_EQ(cmd.num_iovas, 2u);
  EXPECT_EQ(cmd.out_iova_alignment, kPage);
  abi::IommuIovaRange ranges[2];
  p.mm().Peek(TestProcess::kScratch, ranges, sizeof(ranges));
  EXPECT_EQ(ranges[0].last, 0xfedfffffu);
  EXPECT_EQ(ranges[1].start, 0u);
  EXPECT_TRUE(p.Ioctl(fd, abi::kIommuIoasIovaRanges, &cmd).ok());
  cmd.allowed_iovas = 0x1000;
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasIovaRanges, &cmd).err, Errno::kFAULT);
}

TEST_F(Native, AllowIovas) {
  const uint32_t ioas = NewIoas();
  const auto allow = [&](std::vector<abi::IommuIovaRange> ranges) {
    p.mm().Poke(TestProcess::kScratch, ranges.data(), ranges.size() * sizeof(ranges[0]));
    abi::IommuIoasAllowIovas cmd{sizeof(cmd), ioas, static_cast<uint32_t>(ranges.size()), 0,
                                 TestProcess::kScratch};
    return p.Ioctl(fd, abi::kIommuIoasAllowIovas, &cmd).err;
  };
  EXPECT_EQ(allow({{5, 5}}), Errno::kINVAL);
  EXPECT_EQ(allow({{0, 9}, {20, 29}, {9, 12}}), Errno::kINVAL);
  EXPECT_EQ(allow({{0x8000, 0x8fff}, {0x4000, 0x4fff}}), Errno::kOk);
  uint64_t iova = 0;
  ASSERT_TRUE(Map(ioas, 0, kBuffer, kPage, kRw, &iova).ok());
  EXPECT_EQ(iova, 0x4000u);
  uint32_t device;
  const int cdev = Bind(0, &device);
  EXPECT_EQ(allow({{0xfee00000, 0xfee00fff}}), Errno::kOk);
  EXPECT_EQ(Attach(cdev, ioas).err, Errno::kADDRINUSE);
  EXPECT_EQ(allow({}), Errno::kOk);
  EXPECT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(allow({{0xfee00000, 0xfee00fff}}), Errno::kADDRINUSE);
}

TEST_F(Native, OptionRlimitMode) {
  uint64_t value = 1;
  EXPECT_EQ(Option(0, 0, 5, &value).err, Errno::kOPNOTSUPP);
  ASSERT_TRUE(Option(0, abi::kIommuOptionOpSet, 0, &value).ok());
  value = 7;
  ASSERT_TRUE(Option(0, abi::kIommuOptionOpGet, 0, &value).ok());
  EXPECT_EQ(value, 1u);
  NewIoas();
  value = 7;
  EXPECT_EQ(Option(0, abi::kIommuOptionOpSet, 0, &value).err, Errno::kBUSY);
  p.system().DropCapability(p.task(), sim::kCapSysResource);
  EXPECT_EQ(Option(0, abi::kIommuOptionOpSet, 0, &value).err, Errno::kPERM);
}

TEST_F(Native, OptionHugePages) {
  const uint32_t ioas = NewIoas();
  uint64_t value = 0;
  EXPECT_EQ(Option(1, abi::kIommuOptionOpSet, 99, &value).err, Errno::kNOENT);
  ASSERT_TRUE(Option(1, abi::kIommuOptionOpSet, ioas, &value).ok());
  value = 5;
  EXPECT_EQ(Option(1, abi::kIommuOptionOpSet, ioas, &value).err, Errno::kINVAL);
  ASSERT_TRUE(Option(1, abi::kIommuOptionOpGet, ioas, &value).ok());
  EXPECT_EQ(value, 0u);
  value = 1;
  ASSERT_TRUE(Option(1, abi::kIommuOptionOpSet, ioas, &value).ok());
}

TEST_F(Native, VfioIoasTakesEffectAtOnce) {
  abi::IommuVfioIoas cmd{sizeof(cmd), 0, abi::kIommuVfioIoasGet, 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuVfioIoas, &cmd).err, Errno::kNODEV);
  const uint32_t ioas = NewIoas();
  cmd = {sizeof(cmd), ioas, abi::kIommuVfioIoasSet, 0};
  ASSERT_TRUE(p.Ioctl(fd, abi::kIommuVfioIoas, &cmd).ok());
  EXPECT_TRUE(p.Map(fd, 0x10000, kBuffer, kPage).ok());
  cmd = {sizeof(cmd), 0, abi::kIommuVfioIoasClear, 0};
  ASSERT_TRUE(p.Ioctl(fd, abi::kIommuVfioIoas, &cmd).ok());
  EXPECT_EQ(p.Map(fd, 0x20000, kBuffer, kPage).err, Errno::kNODEV);
  cmd = {sizeof(cmd), ioas, abi::kIommuVfioIoasSet, 0};
  ASSERT_TRUE(p.Ioctl(fd, abi::kIommuVfioIoas, &cmd).ok());
  // Destroying it clears it.
  ASSERT_TRUE(Destroy(ioas).ok());
  EXPECT_EQ(p.Map(fd, 0x20000, kBuffer, kPage).err, Errno::kNODEV);
}

TEST_F(Native, ManualHwptAndReplace) {
  const uint32_t a = NewIoas();
  const uint32_t b = NewIoas();
  ASSERT_TRUE(Map(a, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(Map(b, 0x20000, kBuffer, kPage).ok());
  uint32_t device = 0, manual = 0, automatic = 0;
  const int cdev = Bind(0, &device);
  EXPECT_EQ(NewHwpt(99, a, &manual).err, Errno::kNOENT);
  EXPECT_EQ(NewHwpt(device, 99, &manual).err, Errno::kINVAL);
  EXPECT_EQ(NewHwpt(device, device, &manual).err, Errno::kINVAL);
  EXPECT_EQ(NewHwpt(device, a, &manual, abi::kIommuHwptAllocNestParent).err, Errno::kOPNOTSUPP);
  EXPECT_EQ(NewHwpt(device, a, &manual, abi::kIommuHwptAllocDirtyTracking).err, Errno::kOPNOTSUPP);
  ASSERT_TRUE(NewHwpt(device, a, &manual).ok());
  EXPECT_EQ(p.pinned_pages(), 1u);
  EXPECT_EQ(p.Reach(0), "");
  ASSERT_TRUE(Attach(cdev, manual).ok());
  EXPECT_EQ(p.Reach(0), "10000+1:rw");
  // An IOAS never chooses a manual HWPT; replacing leaves the manual one alive.
  ASSERT_TRUE(Attach(cdev, b, &automatic).ok());
  EXPECT_EQ(p.Reach(0), "20000+1:rw");
  EXPECT_NE(automatic, manual);
  EXPECT_TRUE(Destroy(manual).ok());
  EXPECT_TRUE(Destroy(a).ok());
  EXPECT_EQ(p.pinned_pages(), 1u);
  ASSERT_TRUE(p.Close(cdev).ok());
  EXPECT_EQ(p.pinned_pages(), 0u);
}

TEST_F(Native, HwInfo) {
  uint32_t device = 0;
  Bind(0, &device);
  abi::IommuHwInfo cmd{};
  cmd.size = sizeof(cmd);
  cmd.dev_id = device;
  cmd.data_len = 32;
  cmd.data_uptr = TestProcess::kScratch;
  const uint64_t mark = kTop;
  p.mm().Poke(TestProcess::kScratch + 24, &mark, sizeof(mark));
  ASSERT_TRUE(p.Ioctl(fd, abi::kIommuGetHwInfo, &cmd).ok());
  EXPECT_EQ(cmd.data_len, 24u);
  EXPECT_EQ(cmd.data_type, abi::kIommuHwInfoTypeIntelVtd);
  EXPECT_EQ(cmd.out_capabilities, abi::kIommuHwCapPciAtsNotSupported);
  uint64_t tail = 1;
  p.mm().Peek(TestProcess::kScratch + 24, &tail, sizeof(tail));
  EXPECT_EQ(tail, 0u);
  cmd.data_uptr = 0x1000;
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuGetHwInfo, &cmd).err, Errno::kFAULT);
}

TEST_F(Native, MapFileAndChangeProcess) {
  const uint32_t ioas = NewIoas();
  const sim::ObjectId object = p.memory().CreateObject(sim::ObjectKind::kShmem, 4 * kPage);
  const Outcome memfd = p.system().InstallForeignFile(p.task(), ForeignFile::kMemfd, object);
  ASSERT_TRUE(memfd.ok());
  const auto map = [&](int file, uint64_t iova, uint64_t start, uint64_t length) {
    abi::IommuIoasMapFile cmd{sizeof(cmd), kFixed, ioas, file, start, length, iova};
    return p.Ioctl(fd, abi::kIommuIoasMapFile, &cmd).err;
  };
  const int file = static_cast<int>(memfd.ret);
  EXPECT_EQ(map(77, 0x10000, 0, kPage), Errno::kBADF);
  EXPECT_EQ(map(file, 0x10000, 0, 0), Errno::kINVAL);
  EXPECT_EQ(map(file, 0x10000, kTop - 1, 5), Errno::kOVERFLOW);
  EXPECT_EQ(map(file, 0x10000, kPage, 2 * kPage), Errno::kOk);
  // Too short: nothing is wrong until the pages are needed.
  EXPECT_EQ(map(file, 0x20000, 0, 8 * kPage), Errno::kOk);
  uint32_t device;
  const int cdev = Bind(0, &device);
  EXPECT_EQ(Attach(cdev, ioas).err, Errno::kINVAL);
  ASSERT_TRUE(Unmap(ioas, 0x20000, 8 * kPage).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(p.Reach(0), "10000+2:rw");
  abi::IommuIoasChangeProcess change{sizeof(change), 0};
  EXPECT_TRUE(p.Ioctl(fd, abi::kIommuIoasChangeProcess, &change).ok());
  ASSERT_TRUE(Map(ioas, 0x40000, kBuffer, kPage).ok());
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuIoasChangeProcess, &change).err, Errno::kINVAL);
}

TEST_F(Native, AMappedFileStaysOpen) {
  const uint32_t ioas = NewIoas();
  uint32_t device = 0;
  const int cdev = Bind(0, &device);
  // Any file will do while there is no domain.
  ASSERT_TRUE(MapFile(ioas, 0x10000, cdev, 0, kPage).ok());
  EXPECT_TRUE(p.Close(cdev).ok());
  EXPECT_EQ(Destroy(device).err, Errno::kBUSY);
  EXPECT_EQ(p.TryOpen(p.system().config().devices[0].group_path).err, Errno::kBUSY);
  ASSERT_TRUE(Unmap(ioas, 0x10000, kPage).ok());
  EXPECT_EQ(Destroy(device).err, Errno::kNOENT);
  EXPECT_TRUE(p.TryOpen(p.system().config().devices[0].group_path).ok());
}

// The iommufd holds the device file and the device file the iommufd: neither ever goes.
TEST_F(Native, AMappedDeviceFileIsLeaked) {
  const uint32_t ioas = NewIoas();
  uint32_t device = 0;
  const int cdev = Bind(0, &device);
  ASSERT_TRUE(MapFile(ioas, 0x10000, cdev, 0, kPage).ok());
  EXPECT_TRUE(p.Close(cdev).ok());
  EXPECT_TRUE(p.Close(fd).ok());
  EXPECT_EQ(p.system().CountLive().files, 2u);
  EXPECT_EQ(p.TryOpen(p.system().config().devices[0].group_path).err, Errno::kBUSY);
}

TEST_F(Native, NoiommuGetPa) {
  const uint32_t ioas = NewIoas();
  ASSERT_TRUE(Map(ioas, 0x10000, kBuffer, kPage).ok());
  const auto ask = [&](uint32_t id, uint64_t iova, uint64_t length, uint32_t flags = 0) {
    abi::IommuIoasNoiommuGetPa cmd{sizeof(cmd), flags, id, 0, iova, length, 0};
    return p.Ioctl(fd, abi::kIommuIoasNoiommuGetPa, &cmd).err;
  };
  EXPECT_EQ(ask(ioas, 0x10000, kPage, 1), Errno::kOPNOTSUPP);
  EXPECT_EQ(ask(9, kTop, 0), Errno::kINVAL);
  EXPECT_EQ(ask(9, kTop, 1), Errno::kOVERFLOW);
  EXPECT_EQ(ask(9, 0, 1), Errno::kNOENT);
  EXPECT_EQ(ask(ioas, 0, 1), Errno::kNOENT);
  EXPECT_EQ(ask(ioas, 0x10000, kPage), Errno::kOPNOTSUPP);
  p.system().DropCapability(p.task(), sim::kCapSysRawio);
  EXPECT_EQ(ask(ioas, 0x10000, kPage, 1), Errno::kPERM);
}

}  // namespace
}  // namespace iovalid::compat
