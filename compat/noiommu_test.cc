// SPDX-License-Identifier: Apache-2.0
// No-IOMMU groups in type1 containers and on iommufds. Every value was seen on the self-built 7.3.4
// kernel with a device that no IOMMU translates beside devices that one does (QEMU, a bridge with
// bypass_iommu), and those of the container on 6.12.95 as well; 6.1 is from its source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "compat/abi/iommufd.h"
#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr DeviceIndex kDevice = 6;
constexpr char kPath[] = "/dev/vfio/noiommu-0";
constexpr uint64_t kType = abi::kVfioNoiommuIommu;

// The answers to CHECK_EXTENSION 1 to 10, as a string of digits; E where it fails.
std::string Extensions(TestProcess* p, int container) {
  std::string answers;
  for (uint64_t extension = 1; extension <= 10; ++extension) {
    const Outcome outcome = p->Ioctl(container, abi::kVfioCheckExtension, extension);
    answers += outcome.ok() ? static_cast<char>('0' + outcome.ret) : 'E';
  }
  return answers;
}

uint32_t Flags(TestProcess* p, int group) {
  abi::VfioGroupStatus status = {.argsz = sizeof(status), .flags = 0};
  EXPECT_THAT(p->Ioctl(group, abi::kVfioGroupGetStatus, &status), Succeeds());
  return status.flags;
}

struct Info {
  abi::VfioIommuType1Info info = {};
  uint8_t caps[104] = {};
};
Outcome GetInfo(TestProcess* p, int container) {
  Info arg;
  arg.info.argsz = sizeof(arg);
  return p->Ioctl(container, abi::kVfioIommuGetInfo, &arg);
}

class NoIommuContainerTest : public testing::TestWithParam<const char*> {
 protected:
  NoIommuContainerTest() : p(MixedMachine(GetParam())) {}
  TestProcess p;
};
INSTANTIATE_TEST_SUITE_P(Kernels, NoIommuContainerTest, testing::Values("6.1", "6.12", "7.3"));

// container.c: vfio_noiommu_ops, vfio_iommu_driver_allowed. Rows 74 to 76, type1 side.
TEST_P(NoIommuContainerTest, OnlyOneExtensionAndNothingElse) {
  const bool nesting = p.system().config().profile->type1.claims_nesting;
  const int c = p.Open("/dev/vfio/vfio");
  EXPECT_EQ(Extensions(&p, c), nesting ? "1010010110" : "1010000110");
  const int g = p.Open(kPath);
  EXPECT_EQ(Flags(&p, g), 1u);
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), FailsBy(Errno::kINVAL, "device.open.no_container"));
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_EQ(Flags(&p, g), 3u);
  EXPECT_EQ(Extensions(&p, c), "0000000100");
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, kPage), FailsBy(Errno::kINVAL, "container.unset"));
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), FailsBy(Errno::kINVAL, "device.open.no_backend"));
  for (uint64_t type : {1, 2, 3, 4, 5, 6, 7, 9}) {
    EXPECT_THAT(p.SetIommu(c, type), FailsBy(Errno::kNODEV, "container.set_iommu.unsupported"))
        << type;
  }
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  EXPECT_THAT(p.SetIommu(c, kType), FailsBy(Errno::kINVAL, "container.set_iommu.twice"));
  EXPECT_EQ(Extensions(&p, c), "0000000100");
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, kPage), FailsBy(Errno::kNOTTY, "container.noiommu.ioctl"));
  EXPECT_THAT(p.Unmap(c, 0x10000, kPage), FailsWithErrno(Errno::kNOTTY));
  EXPECT_THAT(GetInfo(&p, c), FailsWithErrno(Errno::kNOTTY));
  EXPECT_THAT(p.Ioctl(c, 0x3bff, 0), FailsWithErrno(Errno::kNOTTY));

  const Outcome first = p.GetDeviceFd(g, kDevice);
  ASSERT_THAT(first, Succeeds());
  const Outcome second = p.GetDeviceFd(g, kDevice);
  ASSERT_THAT(second, Succeeds());
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupUnsetContainer, 0),
              FailsBy(Errno::kBUSY, "group.unset_container.busy"));
  EXPECT_THAT(p.Close(static_cast<int>(first.ret)), Succeeds());
  EXPECT_THAT(p.Close(static_cast<int>(second.ret)), Succeeds());
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_EQ(Extensions(&p, c), nesting ? "1010010110" : "1010000110");
  EXPECT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
}

// A driver of such a device could not pin (vfio_device_container_pin_pages).
TEST_P(NoIommuContainerTest, NothingIsPinned) {
  SystemConfig config = MixedMachine(GetParam());
  config.devices[kDevice].dma_unmap = DmaUnmap::kReleases;
  TestProcess q(config);
  const int c = q.Open("/dev/vfio/vfio"), g = q.Open(kPath);
  ASSERT_THAT(q.SetContainer(g, c), Succeeds());
  ASSERT_THAT(q.SetIommu(c, kType), Succeeds());
  ASSERT_THAT(q.GetDeviceFd(g, kDevice), Succeeds());
  std::vector<sim::PageId> frames;
  uint32_t word = 0;
  EXPECT_THAT(q.system().PinPages(0, kDevice, 0, 1, hwmodel::kRead, &frames),
              FailsBy(Errno::kNOTTY, "driver.no_backend"));
  EXPECT_THAT(q.system().DmaRw(0, kDevice, q.memory(), 0, &word, 4, false),
              FailsBy(Errno::kNOTTY, "driver.no_backend"));
}

// Row 37, type1: vfio_container_attach_group. The container becomes what its next group is.
TEST_P(NoIommuContainerTest, RealGroupsAndOthersDoNotMix) {
  const int c = p.Open("/dev/vfio/vfio"), g = p.Open(kPath), real = p.OpenGroup(0);
  ASSERT_THAT(p.SetContainer(real, c), Succeeds());
  EXPECT_THAT(p.SetContainer(g, c), FailsBy(Errno::kPERM, "container.attach.mixed"));
  EXPECT_THAT(p.Ioctl(c, abi::kVfioCheckExtension, kType), SucceedsWith(0));
  EXPECT_THAT(p.SetIommu(c, kType), FailsWithErrno(Errno::kNODEV));
  ASSERT_THAT(p.Ioctl(real, abi::kVfioGroupUnsetContainer, 0), Succeeds());

  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.SetContainer(real, c), FailsBy(Errno::kPERM, "container.attach.mixed"));
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  ASSERT_THAT(p.Ioctl(g, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  ASSERT_THAT(p.SetContainer(real, c), Succeeds());
  EXPECT_THAT(p.SetIommu(c, 3), Succeeds());
  // An emulated group is a real one.
  const int mdev = p.OpenGroup(3);
  EXPECT_THAT(p.SetContainer(mdev, c), Succeeds());
}

// Each step needs CAP_SYS_RAWIO: vfio_group_fops_open, vfio_container_attach_group,
// vfio_noiommu_open, vfio_group_use_container.
TEST_P(NoIommuContainerTest, CapabilityIsAskedForAtEachStep) {
  const int c = p.Open("/dev/vfio/vfio"), g = p.Open(kPath);
  const auto child = [&] {
    const sim::TaskId task = p.system().Fork(p.task(), 0);
    p.system().DropCapability(task, sim::kCapSysRawio);
    return task;
  };
  const auto set_container = [&](sim::TaskId task, int container) {
    const int32_t fd = container;
    p.mm().Poke(TestProcess::kArg, &fd, sizeof(fd));
    return p.system().Ioctl(task, g, abi::kVfioGroupSetContainer, TestProcess::kArg);
  };
  const auto get_device = [&](sim::TaskId task) {
    const char name[] = "0000:00:09.0";
    p.mm().Poke(TestProcess::kArg, name, sizeof(name));
    return p.system().Ioctl(task, g, abi::kVfioGroupGetDeviceFd, TestProcess::kArg);
  };
  EXPECT_THAT(set_container(child(), c), FailsBy(Errno::kPERM, "container.attach.rawio"));
  ASSERT_THAT(set_container(p.task(), c), Succeeds());
  EXPECT_THAT(p.system().Ioctl(child(), c, abi::kVfioSetIommu, kType),
              FailsBy(Errno::kPERM, "container.noiommu.rawio"));
  ASSERT_THAT(p.SetIommu(c, kType), Succeeds());
  EXPECT_THAT(get_device(child()), FailsBy(Errno::kPERM, "device.open.noiommu_rawio"));
  ASSERT_THAT(get_device(p.task()), Succeeds());
  // Once the device is open, newer kernels ask no more.
  const Outcome again = get_device(child());
  if (std::string_view(GetParam()) == "6.1") {
    EXPECT_THAT(again, FailsBy(Errno::kPERM, "device.open.noiommu_rawio"));
  } else {
    EXPECT_THAT(again, Succeeds());
  }
  EXPECT_THAT(p.system().Open(child(), kPath), FailsBy(Errno::kPERM, "group.open.rawio"));
}

// enable_unsafe_noiommu_mode is looked at anew each time (vfio_noiommu_ioctl).
TEST_P(NoIommuContainerTest, ParameterCanBeTurnedOff) {
  const int c = p.Open("/dev/vfio/vfio"), g = p.Open(kPath);
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  p.system().SetUnsafeNoIommu(false);
  EXPECT_THAT(p.Ioctl(c, abi::kVfioCheckExtension, kType), SucceedsWith(0));
  EXPECT_THAT(p.SetIommu(c, kType), FailsWithErrno(Errno::kNODEV));
  p.system().SetUnsafeNoIommu(true);
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  p.system().SetUnsafeNoIommu(false);
  EXPECT_THAT(p.Ioctl(c, abi::kVfioCheckExtension, kType), SucceedsWith(0));
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), Succeeds());
  EXPECT_THAT(p.Ioctl(p.Open("/dev/vfio/vfio"), abi::kVfioCheckExtension, kType), SucceedsWith(0));
}

class NoIommuCompatTest : public testing::TestWithParam<const char*> {
 protected:
  NoIommuCompatTest() : p(MixedMachine(GetParam())) {}
  Outcome VfioIoas(int fd, uint32_t ioas, uint16_t op) {
    abi::IommuVfioIoas arg = {.size = sizeof(arg), .ioas_id = ioas, .op = op, .reserved = 0};
    return p.Ioctl(fd, abi::kIommuVfioIoas, &arg);
  }
  TestProcess p;
};
INSTANTIATE_TEST_SUITE_P(Kernels, NoIommuCompatTest, testing::Values("6.12", "7.3"));

// vfio_compat.c. Rows 40 and 74 to 76, compat side.
TEST_P(NoIommuCompatTest, ModeOfTheContext) {
  const int c = p.Open("/dev/iommu");
  EXPECT_EQ(Extensions(&p, c), "101E000110");
  EXPECT_THAT(p.SetIommu(c, kType), FailsWithErrno(Errno::kINVAL));
  const int g = p.Open(kPath);
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_EQ(Flags(&p, g), 3u);
  EXPECT_EQ(Extensions(&p, c), "000E000100");
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, kPage), FailsBy(Errno::kNODEV, "iommufd.compat.no_ioas"));
  EXPECT_THAT(p.Unmap(c, 0x10000, kPage), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(GetInfo(&p, c), FailsWithErrno(Errno::kNODEV));
  // A device can be opened at once.
  const Outcome early = p.GetDeviceFd(g, kDevice);
  ASSERT_THAT(early, Succeeds());
  EXPECT_THAT(p.Close(static_cast<int>(early.ret)), Succeeds());
  for (uint64_t type : {1, 2, 3, 4, 5, 6, 7, 9}) {
    EXPECT_THAT(p.SetIommu(c, type), FailsBy(Errno::kINVAL, "iommufd.compat.set_iommu.type"));
  }
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  const Outcome device = p.GetDeviceFd(g, kDevice);
  ASSERT_THAT(device, Succeeds());
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_EQ(Flags(&p, g), 1u);
  EXPECT_THAT(p.Close(static_cast<int>(device.ret)), Succeeds());
  // The context stays what it became.
  EXPECT_EQ(Extensions(&p, c), "000E000100");
  const sim::TaskId child = p.system().Fork(p.task(), 0);
  p.system().DropCapability(child, sim::kCapSysRawio);
  EXPECT_THAT(p.system().Ioctl(child, c, abi::kVfioSetIommu, kType),
              FailsBy(Errno::kPERM, "iommufd.compat.set_iommu.rawio"));
}

// Row 74: with an IOAS that the program sets itself everything works, but no device is opened.
TEST_P(NoIommuCompatTest, AnIoasByHand) {
  const int c = p.Open("/dev/iommu"), g = p.Open(kPath);
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  abi::IommuIoasAlloc alloc = {.size = sizeof(alloc), .flags = 0, .out_ioas_id = 0};
  ASSERT_THAT(p.Ioctl(c, abi::kIommuIoasAlloc, &alloc), Succeeds());
  ASSERT_THAT(VfioIoas(c, alloc.out_ioas_id, 1), Succeeds());
  EXPECT_EQ(Extensions(&p, c), "0001000100");
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Unmap(c, 0x10000, kPage), Succeeds());
  EXPECT_THAT(GetInfo(&p, c), Succeeds());
  EXPECT_THAT(p.SetIommu(c, kType), Succeeds());
  EXPECT_THAT(p.SetIommu(c, 3), FailsWithErrno(Errno::kINVAL));
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), FailsBy(Errno::kPERM, "device.open.noiommu_ioas"));
  ASSERT_THAT(VfioIoas(c, 0, 2), Succeeds());
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), Succeeds());
}

// Row 37, compat: either order is EINVAL.
TEST_P(NoIommuCompatTest, RealGroupsAndOthersDoNotMix) {
  const int g = p.Open(kPath), real = p.OpenGroup(0);
  int c = p.Open("/dev/iommu");
  ASSERT_THAT(p.SetContainer(real, c), Succeeds());
  EXPECT_THAT(p.SetContainer(g, c), FailsBy(Errno::kINVAL, "iommufd.compat.has_ioas"));
  EXPECT_THAT(p.Ioctl(c, abi::kVfioCheckExtension, kType), SucceedsWith(1));
  ASSERT_THAT(p.Ioctl(real, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  c = p.Open("/dev/iommu");
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.SetContainer(real, c), FailsBy(Errno::kINVAL, "iommufd.compat.no_iommu_mode"));
}

// vfio_df_group_open: without the capability, while no file of the device is open yet.
TEST_P(NoIommuCompatTest, OpenNeedsTheCapability) {
  const int c = p.Open("/dev/iommu"), g = p.Open(kPath);
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  const Outcome device = p.GetDeviceFd(g, kDevice);
  ASSERT_THAT(device, Succeeds());
  p.system().DropCapability(p.task(), sim::kCapSysRawio);
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), Succeeds());
  EXPECT_THAT(p.Close(static_cast<int>(device.ret)), Succeeds());
}

TEST_P(NoIommuCompatTest, FirstOpenNeedsTheCapability) {
  const int c = p.Open("/dev/iommu"), g = p.Open(kPath);
  // Joining does not.
  p.system().DropCapability(p.task(), sim::kCapSysRawio);
  ASSERT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.GetDeviceFd(g, kDevice), FailsBy(Errno::kPERM, "device.open.noiommu_rawio"));
}

// A no-IOMMU cdev of 7.3 with an IOAS that maps four pages.
class NoIommuCdevTest : public testing::Test {
 protected:
  NoIommuCdevTest() : p(MixedMachine("7.3")), c(p.Open("/dev/iommu")) {
    cdev = p.Open("/dev/vfio/devices/noiommu-vfio6");
    abi::VfioDeviceBindIommufd bind = {16, 0, c, 0, 0};
    EXPECT_THAT(p.Ioctl(cdev, abi::kVfioDeviceBindIommufd, &bind), Succeeds());
    abi::IommuIoasAlloc alloc = {sizeof(alloc), 0, 0};
    EXPECT_THAT(p.Ioctl(c, abi::kIommuIoasAlloc, &alloc), Succeeds());
    ioas = alloc.out_ioas_id;
    EXPECT_THAT(Map(0x10000, kBuffer, 4), Succeeds());
  }
  Outcome Map(uint64_t iova, uint64_t vaddr, uint64_t pages) {
    abi::IommuIoasMap map = {sizeof(map), 7, ioas, 0, vaddr, pages * kPage, iova};
    return p.Ioctl(c, abi::kIommuIoasMap, &map);
  }
  Outcome Attach() {
    abi::VfioDeviceAttachIommufdPt attach = {12, 0, ioas, 0};
    return p.Ioctl(cdev, abi::kVfioDeviceAttachIommufdPt, &attach);
  }
  Outcome GetPa(uint64_t iova, uint64_t length, abi::IommuIoasNoiommuGetPa* get) {
    *get = {sizeof(*get), 0, ioas, 0, iova, length, 0};
    return p.Ioctl(c, abi::kIommuIoasNoiommuGetPa, get);
  }

  TestProcess p;
  int c, cdev = -1;
  uint32_t ioas = 0;
};

TEST_F(NoIommuCdevTest, AddressesAreThoseOfThePinnedPages) {
  abi::IommuIoasNoiommuGetPa get;
  EXPECT_THAT(GetPa(0x10000, kPage, &get), FailsBy(Errno::kOPNOTSUPP, "iommufd.get_pa.domain"));
  EXPECT_EQ(p.system().account(0).pinned_vm, 0u);
  ASSERT_THAT(Attach(), Succeeds());
  EXPECT_EQ(p.system().account(0).pinned_vm, 4u);
  // Neither the interrupt window nor an aperture is in the way.
  ASSERT_THAT(Map(0xfee00000, kBuffer + kPage, 1), Succeeds());
  ASSERT_THAT(Map(0 - kPage, kBuffer + 2 * kPage, 1), Succeeds());

  abi::IommuIoasNoiommuGetPa first, second, third, inside;
  ASSERT_THAT(GetPa(0x10000, kPage, &first), Succeeds());
  ASSERT_THAT(GetPa(0x11000, kPage, &second), Succeeds());
  ASSERT_THAT(GetPa(0x12000, 100, &third), Succeeds());
  EXPECT_EQ(first.length, kPage);
  EXPECT_EQ(third.length, 100u);
  EXPECT_NE(first.out_phys, second.out_phys);
  ASSERT_THAT(GetPa(0xfee00000, kPage, &get), Succeeds());
  EXPECT_EQ(get.out_phys, second.out_phys);
  ASSERT_THAT(GetPa(0 - kPage, kPage, &get), Succeeds());
  EXPECT_EQ(get.out_phys, third.out_phys);
  // What follows is of the same run as long as it is next to it in memory, to the area's end.
  ASSERT_THAT(GetPa(0x11800, ~uint64_t{0}, &inside), Succeeds());
  EXPECT_EQ(inside.out_phys, second.out_phys + 0x800);
  EXPECT_GE(inside.length, 0x800u);
  EXPECT_LE(inside.length, 0x2800u);
  EXPECT_EQ(inside.length > 0x800, third.out_phys == second.out_phys + kPage);
}

TEST_F(NoIommuCdevTest, ItTakesTheHwptOfAnyDeviceAndOthersDoNotTakeIts) {
  ASSERT_THAT(Attach(), Succeeds());
  const int other = p.Open("/dev/vfio/devices/vfio0");
  abi::VfioDeviceBindIommufd bind = {16, 0, c, 0, 0};
  ASSERT_THAT(p.Ioctl(other, abi::kVfioDeviceBindIommufd, &bind), Succeeds());
  // Object 3 is the HWPT that was made for the device without an IOMMU.
  abi::VfioDeviceAttachIommufdPt attach = {12, 0, 3, 0};
  EXPECT_THAT(p.Ioctl(other, abi::kVfioDeviceAttachIommufdPt, &attach),
              FailsBy(Errno::kINVAL, "iommufd.attach.noiommu"));
  attach = {12, 0, ioas, 0};
  ASSERT_THAT(p.Ioctl(other, abi::kVfioDeviceAttachIommufdPt, &attach), Succeeds());
  EXPECT_EQ(attach.pt_id, 5u);
  // From another IOAS it does not even come to the one that suits it.
  abi::IommuIoasAlloc alloc = {sizeof(alloc), 0, 0};
  ASSERT_THAT(p.Ioctl(c, abi::kIommuIoasAlloc, &alloc), Succeeds());
  attach = {12, 0, alloc.out_ioas_id, 0};
  ASSERT_THAT(p.Ioctl(other, abi::kVfioDeviceAttachIommufdPt, &attach), Succeeds());
  attach = {12, 0, ioas, 0};
  EXPECT_THAT(p.Ioctl(other, abi::kVfioDeviceAttachIommufdPt, &attach),
              FailsBy(Errno::kNODEV, "iommufd.replace.noiommu"));
  abi::VfioDeviceDetachIommufdPt detach = {8, 0, 0};
  ASSERT_THAT(p.Ioctl(other, abi::kVfioDeviceDetachIommufdPt, &detach), Succeeds());
  attach = {12, 0, ioas, 0};
  ASSERT_THAT(p.Ioctl(other, abi::kVfioDeviceAttachIommufdPt, &attach), Succeeds());
  attach = {12, 0, 5, 0};
  EXPECT_THAT(p.Ioctl(cdev, abi::kVfioDeviceAttachIommufdPt, &attach), Succeeds());
  // The HWPT of the device behind the IOMMU holds the pages now.
  abi::IommuIoasNoiommuGetPa get;
  EXPECT_THAT(GetPa(0x10000, kPage, &get), FailsBy(Errno::kOPNOTSUPP, "iommufd.get_pa.domain"));
}

}  // namespace
}  // namespace iovalid::compat
