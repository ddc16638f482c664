// SPDX-License-Identifier: Apache-2.0
// Emulated (mediated) devices on an iommufd, through groups and cdevs. No recording has them; the
// source of each expected value is the function named beside it, in drivers/iommu/iommufd/device.c
// unless another file is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "compat/abi/iommufd.h"
#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr uint64_t kIova = 0x10000;
constexpr DeviceIndex kMdev = 4, kMdev2 = 5;
constexpr char kIommu[] = "/dev/iommu";

class IommufdEmulatedTest : public testing::Test {
 protected:
  explicit IommufdEmulatedTest(const SystemConfig& config = MixedMachine(),
                               const TaskConfig& task = {})
      : p(config, task) {}

  // An iommufd as the container of the emulated device's group. The device is not open yet.
  void SetUpGroup(uint64_t type = 3) {
    container = p.Open(kIommu);
    group = p.OpenGroup(3);
    ASSERT_THAT(p.SetContainer(group, container), Succeeds());
    ASSERT_THAT(p.SetIommu(container, type), Succeeds());
  }
  void OpenMdev() {
    const Outcome opened = p.GetDeviceFd(group, kMdev);
    ASSERT_THAT(opened, Succeeds());
    device = static_cast<int>(opened.ret);
  }
  // A device behind the IOMMU on the same iommufd.
  int OpenPci() {
    const int other = p.OpenGroup(0);
    EXPECT_THAT(p.SetContainer(other, container), Succeeds());
    return static_cast<int>(p.GetDeviceFd(other, 0).ret);
  }
  Outcome Pin(uint64_t iova, int32_t pages, bool write = false, DeviceIndex index = kMdev) {
    return p.system().PinPages(0, index, iova, pages, write ? hwmodel::kWrite : hwmodel::kRead,
                               &frames);
  }
  void Unpin(uint64_t iova, int32_t pages) {
    EXPECT_THAT(p.system().UnpinPages(0, kMdev, iova, pages), Succeeds());
  }
  Outcome Rw(uint64_t iova, void* data, uint64_t bytes, bool write, sim::TaskId task = 0) {
    return p.system().DmaRw(task, kMdev, p.memory(), iova, data, bytes, write);
  }
  uint64_t pins() { return p.memory().pinned_pages(); }

  TestProcess p;
  int container = -1, group = -1, device = -1;
  std::vector<sim::PageId> frames;
};

// vfio_iommufd_compat_attach_ioas, iopt_add_access: pages are pinned and charged when they are
// asked for. Row 62: v1 makes no difference.
TEST_F(IommufdEmulatedTest, PinsOnDemandOnBothTypes) {
  for (uint64_t type : {1, 3}) {
    SCOPED_TRACE(type);
    SetUpGroup(type);
    ASSERT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
    OpenMdev();
    EXPECT_EQ(p.pinned_pages(), 0u);
    EXPECT_THAT(Pin(kIova + kPage, 2), SucceedsWith(2));
    EXPECT_EQ(p.pinned_pages(), 2u);
    EXPECT_EQ(pins(), 2u);
    EXPECT_EQ(frames[1], frames[0] + 1);
    Unpin(kIova + kPage, 2);
    EXPECT_EQ(p.pinned_pages(), 0u);
    EXPECT_EQ(pins(), 0u);
    EXPECT_THAT(p.Close(device), Succeeds());
    EXPECT_THAT(p.Close(group), Succeeds());
    EXPECT_THAT(p.Close(container), Succeeds());
  }
}

// Row 51: the range of IOVAs that an emulated device can use is everything, and is reported
// (iommufd_fill_cap_iova of vfio_compat.c); row 39: no vaddr suspension; DMA_CC over no HWPT is 1.
TEST_F(IommufdEmulatedTest, InfoAndExtensions) {
  SetUpGroup();
  OpenMdev();
  struct {
    abi::VfioIommuType1Info info;
    uint8_t caps[64];
  } arg = {};
  arg.info.argsz = sizeof(arg);
  EXPECT_THAT(p.Ioctl(container, abi::kVfioIommuGetInfo, &arg), Succeeds());
  EXPECT_EQ(arg.info.argsz, sizeof(arg.info) + 16 + 32);
  EXPECT_EQ(arg.info.iova_pgsizes, sim::kPageMask);
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioUpdateVaddr),
              SucceedsWith(0));
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioDmaCcIommu), SucceedsWith(1));
  EXPECT_THAT(p.Map(container, 0xfee00000, kBuffer, kPage), Succeeds());
}

// The union of what domains and accesses need is pinned once (iopt_pages_fill_xarray).
TEST_F(IommufdEmulatedTest, UnionWithADomain) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  OpenMdev();
  EXPECT_THAT(Pin(kIova, 3), SucceedsWith(3));
  EXPECT_THAT(Pin(kIova + 2 * kPage, 1), SucceedsWith(1));
  EXPECT_EQ(p.pinned_pages(), 3u);
  const int pci = OpenPci();
  EXPECT_EQ(p.pinned_pages(), 4u);
  EXPECT_EQ(pins(), 4u);
  EXPECT_EQ(p.Reach(0), "10000+4:rw");
  EXPECT_THAT(Pin(kIova + 3 * kPage, 1), SucceedsWith(1));
  EXPECT_EQ(pins(), 4u);
  Unpin(kIova, 3);
  EXPECT_EQ(pins(), 4u);
  EXPECT_THAT(p.Close(pci), Succeeds());
  EXPECT_EQ(p.pinned_pages(), 2u);
  EXPECT_EQ(pins(), 2u);
  // Unmapping gives back the rest.
  EXPECT_THAT(p.Unmap(container, kIova, 4 * kPage), Succeeds());
  EXPECT_EQ(p.pinned_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
}

// iommufd_access_pin_pages: rows 63 and 64.
TEST_F(IommufdEmulatedTest, PinErrors) {
  SetUpGroup();
  // Alignment is still 1: a mapping that starts inside a page is possible before the attach only.
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage, abi::kVfioDmaMapFlagRead), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + 2 * kPage, kBuffer + 4 * kPage, 2 * kPage,
                    abi::kVfioDmaMapFlagRead),
              Succeeds());
  ASSERT_THAT(p.Map(container, 0x40000, 0x5000000000, 2 * kPage), Succeeds());
  OpenMdev();
  EXPECT_THAT(Pin(kIova, 0), FailsBy(Errno::kINVAL, "driver.pin.args"));
  EXPECT_THAT(Pin(0x90000, 1), FailsBy(Errno::kNOENT, "iopt.access.hole"));
  EXPECT_THAT(Pin(kIova + 3 * kPage, 2), FailsBy(Errno::kNOENT, "iopt.access.hole"));
  EXPECT_THAT(Pin(kIova, 1, /*write=*/true), FailsBy(Errno::kPERM, "iopt.access.rights"));
  EXPECT_THAT(Pin(0x40000, 1), FailsBy(Errno::kFAULT, "iopt.pin.fault"));
  EXPECT_THAT(Pin(~uint64_t{0}, 2), FailsBy(Errno::kOVERFLOW, "iopt.access.overflow"));
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(frames, IsEmpty());
  // Two mappings, one pin; the offset in the page is dropped (vfio_pin_pages).
  EXPECT_THAT(Pin(kIova + kPage + 5, 2), SucceedsWith(2));
  EXPECT_EQ(frames[1], frames[0] + 3);
  // No limit of 512 pages here.
  EXPECT_THAT(Pin(kIova, 513), FailsBy(Errno::kNOENT, "iopt.access.hole"));
  EXPECT_EQ(pins(), 2u);
}

// iopt_check_iova_alignment on attach: what is not made of whole pages keeps the device out.
TEST_F(IommufdEmulatedTest, AttachNeedsAlignedAreas) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 0x800), Succeeds());
  EXPECT_THAT(p.GetDeviceFd(group, kMdev), FailsBy(Errno::kADDRINUSE, "iopt.alignment.areas"));
  ASSERT_THAT(p.Unmap(container, kIova, 0x800), Succeeds());
  OpenMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 0x800), FailsWithErrno(Errno::kINVAL));
  EXPECT_THAT(p.Close(device), Succeeds());
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 0x800), Succeeds());
}

// Row 9: iopt_area_split refuses an area that is pinned, where type1 would have it given back.
TEST_F(IommufdEmulatedTest, PinnedAreaIsNotCut) {
  SetUpGroup(1);
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  OpenMdev();
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_THAT(p.Unmap(container, kIova + 2 * kPage, kPage),
              FailsBy(Errno::kINVAL, "iopt.split.access"));
  EXPECT_THAT(p.system().unmap_notices(), IsEmpty());
  Unpin(kIova, 1);
  EXPECT_THAT(p.Unmap(container, kIova + 2 * kPage, kPage), Succeeds());
}

// Row 67: iommufd_access_notify_unmap, per area that is pinned, to every access in the order in
// which they came.
TEST_F(IommufdEmulatedTest, UnmapNotifiesEveryAccess) {
  SetUpGroup();
  OpenMdev();
  const int second = p.OpenGroup(4);
  ASSERT_THAT(p.SetContainer(second, container), Succeeds());
  ASSERT_THAT(p.GetDeviceFd(second, kMdev2), Succeeds());
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_THAT(p.Map(container, kIova + 2 * i * kPage, kBuffer, 2 * kPage), Succeeds());
  }
  EXPECT_THAT(Pin(kIova + 4 * kPage, 1), SucceedsWith(1));
  EXPECT_THAT(p.Unmap(container, kIova, 6 * kPage), Succeeds());
  EXPECT_THAT(p.system().unmap_notices(),
              ElementsAre(UnmapNotice{kMdev, kIova + 4 * kPage, 2 * kPage},
                          UnmapNotice{kMdev2, kIova + 4 * kPage, 2 * kPage}));
  EXPECT_EQ(pins(), 0u);
}

class BrokenDriverTest : public IommufdEmulatedTest {
 protected:
  static SystemConfig Config() {
    SystemConfig config = MixedMachine();
    config.devices[kMdev].dma_unmap = DmaUnmap::kIgnores;
    return config;
  }
  BrokenDriverTest() : IommufdEmulatedTest(Config()) {}
};

// iopt_unmap_iova_range: after 100 tries it gives up with a WARN; areas before it are gone, and the
// area can't be pinned any more.
TEST_F(BrokenDriverTest, UnmapGivesUp) {
  SetUpGroup();
  OpenMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + kPage, kBuffer, kPage), Succeeds());
  EXPECT_THAT(Pin(kIova + kPage, 1), SucceedsWith(1));
  uint64_t unmapped = 0;
  EXPECT_THAT(p.Unmap(container, kIova, 2 * kPage, 0, &unmapped),
              FailsBy(Errno::kDEADLK, "iopt.unmap.access"));
  EXPECT_EQ(unmapped, kPage);
  EXPECT_EQ(p.system().unmap_notices().size(), 101u);
  ASSERT_EQ(p.system().warnings().size(), 1u);
  EXPECT_STREQ(p.system().warnings()[0].rule->id, "iopt.unmap.access");
  EXPECT_THAT(Pin(kIova + kPage, 1), FailsBy(Errno::kINVAL, "iopt.access.prevented"));
  // Once the driver lets go, the area can be unmapped.
  Unpin(kIova + kPage, 1);
  EXPECT_THAT(p.Unmap(container, kIova + kPage, kPage), Succeeds());
}

// iommufd_access_unpin_pages wants exactly the range that was pinned.
TEST_F(IommufdEmulatedTest, UnpinOfAnotherRangeWarns) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  OpenMdev();
  EXPECT_THAT(Pin(kIova, 2), SucceedsWith(2));
  Unpin(kIova, 1);
  ASSERT_EQ(p.system().warnings().size(), 1u);
  EXPECT_STREQ(p.system().warnings()[0].rule->id, "iopt.unpin.inexact");
  EXPECT_EQ(pins(), 2u);
  Unpin(0x90000, 1);
  EXPECT_STREQ(p.system().warnings()[0].rule->id, "iopt.unpin.hole");
}

// Rows 65 and 66, and the errors of iommufd_access_rw.
TEST_F(IommufdEmulatedTest, Copy) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage, abi::kVfioDmaMapFlagWrite), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + kPage, kBuffer + 4 * kPage, 2 * kPage), Succeeds());
  OpenMdev();
  uint64_t data = 0x1122334455667788;
  EXPECT_THAT(Rw(kIova + 8, &data, 8, true), Succeeds());
  EXPECT_THAT(Rw(kIova, &data, 8, false), FailsBy(Errno::kPERM, "iopt.access.rights"));
  EXPECT_THAT(Rw(kIova + kPage - 4, &data, 8, true), Succeeds());
  uint32_t high = 0;
  p.mm().Peek(kBuffer + 4 * kPage, &high, 4);
  EXPECT_EQ(high, 0x11223344u);
  EXPECT_THAT(Rw(0x90000, &data, 8, false), FailsBy(Errno::kNOENT, "iopt.access.hole"));
  EXPECT_THAT(Rw(~uint64_t{0}, &data, 8, false), FailsBy(Errno::kOVERFLOW, "iopt.access.overflow"));

  const sim::MmId mm = p.memory().AddMm();
  const sim::TaskId other = p.system().AddTask(p.system().AttachMm(&p.memory().mm(mm)), {});
  // One page, then over two: from another process the pages are pinned for it.
  uint64_t back = 0;
  EXPECT_THAT(Rw(kIova + kPage, &back, 4, false, other), Succeeds());
  EXPECT_EQ(back, 0x11223344u);
  data = 0xa1a2a3a4a5a6a7a8;
  EXPECT_THAT(Rw(kIova + 2 * kPage - 4, &data, 8, true, other), Succeeds());
  EXPECT_THAT(Rw(kIova + 2 * kPage - 4, &back, 8, false, sim::kKernelThread), Succeeds());
  EXPECT_EQ(back, data);
  EXPECT_EQ(pins(), 0u);
  EXPECT_EQ(p.pinned_pages(), 0u);
}

// Row 79: a mapping whose process is gone before anything was pinned (pfn_reader_user_pin of
// pages.c).
TEST_F(IommufdEmulatedTest, MappingOfAProcessThatIsGone) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  OpenMdev();
  const sim::MmId mm = p.memory().AddMm();
  const sim::TaskId other = p.system().AddTask(p.system().AttachMm(&p.memory().mm(mm)), {});
  p.system().DropMm(0);
  EXPECT_THAT(p.system().PinPages(other, kMdev, kIova, 1, hwmodel::kRead, &frames),
              FailsBy(Errno::kFAULT, "iopt.pin.mm_gone"));
  uint32_t word = 0;
  EXPECT_THAT(Rw(kIova, &word, 4, false, other), FailsWithErrno(Errno::kFAULT));
}

class AccountTest : public IommufdEmulatedTest {
 protected:
  AccountTest()
      : IommufdEmulatedTest(MixedMachine(),
                            {.uid = 1, .cap_ipc_lock = false, .rlimit_memlock = 4 * kPage}) {}
};

// pfn_reader_user_update_pinned: the user is charged for the union.
TEST_F(AccountTest, LimitHoldsForTheUnion) {
  SetUpGroup();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 6 * kPage), Succeeds());
  OpenMdev();
  EXPECT_THAT(Pin(kIova, 5), FailsBy(Errno::kNOMEM, "iopt.account.user"));
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(Pin(kIova, 3), SucceedsWith(3));
  EXPECT_THAT(Pin(kIova + kPage, 3), SucceedsWith(3));
  EXPECT_EQ(p.pinned_pages(), 4u);
  EXPECT_THAT(Pin(kIova + 4 * kPage, 1), FailsBy(Errno::kNOMEM, "iopt.account.user"));
  EXPECT_EQ(pins(), 4u);
}

class CdevTest : public IommufdEmulatedTest {
 protected:
  uint32_t NewIoas() {
    abi::IommuIoasAlloc alloc{};
    alloc.size = sizeof(alloc);
    EXPECT_THAT(p.Ioctl(container, abi::kIommuIoasAlloc, &alloc), Succeeds());
    return alloc.out_ioas_id;
  }
  Outcome Attach(uint32_t id) {
    abi::VfioDeviceAttachIommufdPt attach = {};
    attach.argsz = sizeof(attach);
    attach.pt_id = id;
    return p.Ioctl(device, abi::kVfioDeviceAttachIommufdPt, &attach);
  }
  Outcome Detach() {
    abi::VfioDeviceDetachIommufdPt detach = {};
    detach.argsz = sizeof(detach);
    return p.Ioctl(device, abi::kVfioDeviceDetachIommufdPt, &detach);
  }
  Outcome Destroy(uint32_t id) {
    abi::IommuDestroy destroy = {.size = sizeof(destroy), .id = id};
    return p.Ioctl(container, abi::kIommuDestroy, &destroy);
  }
  Outcome MapIn(uint32_t ioas, uint64_t iova, uint64_t bytes) {
    abi::IommuIoasMap map = {};
    map.size = sizeof(map);
    map.flags = 7;
    map.ioas_id = ioas;
    map.user_va = kBuffer;
    map.length = bytes;
    map.iova = iova;
    return p.Ioctl(container, abi::kIommuIoasMap, &map);
  }
};

// vfio_iommufd_emulated_bind and _attach_ioas: an access object in the common id space, that user
// space can't destroy, and that holds the IOAS.
TEST_F(CdevTest, BindAttachReplaceDetach) {
  container = p.Open(kIommu);
  const uint32_t first = NewIoas();
  device = p.Open("/dev/vfio/devices/vfio4");
  abi::VfioDeviceBindIommufd bind = {};
  bind.argsz = sizeof(bind);
  bind.iommufd = container;
  ASSERT_THAT(p.Ioctl(device, abi::kVfioDeviceBindIommufd, &bind), Succeeds());
  EXPECT_EQ(bind.out_devid, 2u);
  EXPECT_THAT(Destroy(bind.out_devid), FailsWithErrno(Errno::kBUSY));
  const uint32_t second = NewIoas();
  EXPECT_EQ(second, 3u);

  // Nothing to pin in before the attach (iommufd_access_pin_pages).
  EXPECT_THAT(Pin(kIova, 1), FailsBy(Errno::kNOENT, "iommufd.access.detached"));
  uint32_t word = 0;
  EXPECT_THAT(Rw(kIova, &word, 4, false), FailsBy(Errno::kNOENT, "iommufd.access.detached"));
  EXPECT_THAT(Detach(), Succeeds());

  EXPECT_THAT(Attach(99), FailsWithErrno(Errno::kNOENT));
  EXPECT_THAT(Attach(bind.out_devid), FailsWithErrno(Errno::kNOENT));
  EXPECT_THAT(Attach(first), Succeeds());
  EXPECT_THAT(Destroy(first), FailsWithErrno(Errno::kBUSY));
  ASSERT_THAT(MapIn(first, kIova, 2 * kPage), Succeeds());
  ASSERT_THAT(MapIn(second, kIova + kPage, kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 2), SucceedsWith(2));
  // The same again is nothing.
  EXPECT_THAT(Attach(first), Succeeds());
  EXPECT_THAT(p.system().unmap_notices(), IsEmpty());
  // Replacing gives back everything first (iommufd_access_change_ioas).
  EXPECT_THAT(Attach(second), Succeeds());
  EXPECT_THAT(p.system().unmap_notices(), ElementsAre(UnmapNotice{kMdev, 0, ~uint64_t{0}}));
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(Destroy(first), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), FailsBy(Errno::kNOENT, "iopt.access.hole"));
  EXPECT_THAT(Pin(kIova + kPage, 1), SucceedsWith(1));
  EXPECT_THAT(Detach(), Succeeds());
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(Destroy(second), Succeeds());
}

// iopt_area_split and the alignment of an IOAS that has accesses, natively.
TEST_F(CdevTest, ReplaceByAMisalignedIoasFails) {
  container = p.Open(kIommu);
  const uint32_t first = NewIoas(), second = NewIoas();
  device = p.Open("/dev/vfio/devices/vfio4");
  abi::VfioDeviceBindIommufd bind = {};
  bind.argsz = sizeof(bind);
  bind.iommufd = container;
  ASSERT_THAT(p.Ioctl(device, abi::kVfioDeviceBindIommufd, &bind), Succeeds());
  ASSERT_THAT(MapIn(second, kIova, 0x800), Succeeds());
  ASSERT_THAT(MapIn(first, kIova, kPage), Succeeds());
  EXPECT_THAT(Attach(first), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_THAT(Attach(second), FailsBy(Errno::kADDRINUSE, "iopt.alignment.areas"));
  // It stays where it was, with its pins.
  EXPECT_EQ(pins(), 1u);
  EXPECT_THAT(Destroy(second), Succeeds());
  EXPECT_THAT(p.Close(device), Succeeds());
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(Destroy(first), Succeeds());
}

// vfio_df_check_token (drivers/vfio/device_cdev.c): a driver that knows no token.
TEST_F(CdevTest, NoToken) {
  container = p.Open(kIommu);
  device = p.Open("/dev/vfio/devices/vfio4");
  abi::VfioDeviceBindIommufd bind = {};
  bind.argsz = sizeof(bind);
  bind.flags = abi::kVfioDeviceBindFlagToken;
  bind.iommufd = container;
  EXPECT_THAT(p.Ioctl(device, abi::kVfioDeviceBindIommufd, &bind),
              FailsBy(Errno::kINVAL, "cdev.bind.token"));
}

}  // namespace
}  // namespace iovalid::compat
