// SPDX-License-Identifier: Apache-2.0
// Emulated (mediated) devices in type1 containers. No recording has them; the source of each
// expected value is the function named beside it, in drivers/vfio/vfio_iommu_type1.c unless another
// file is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

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
constexpr GroupIndex kMdevGroup = 3, kMdev2Group = 4;
constexpr unsigned kR = hwmodel::kRead, kW = hwmodel::kWrite;

class Type1EmulatedTest : public testing::TestWithParam<const char*> {
 protected:
  Type1EmulatedTest() : Type1EmulatedTest(MixedMachine(GetParam())) {}
  explicit Type1EmulatedTest(const SystemConfig& config, const TaskConfig& task = {})
      : p(config, task) {}

  // A container with the group of an emulated device in it; the device is open.
  void SetUpMdev(uint64_t type = abi::kVfioType1v2Iommu) {
    container = p.Open("/dev/vfio/vfio");
    group = p.OpenGroup(kMdevGroup);
    ASSERT_THAT(p.SetContainer(group, container), Succeeds());
    ASSERT_THAT(p.SetIommu(container, type), Succeeds());
    const Outcome opened = p.GetDeviceFd(group, kMdev);
    ASSERT_THAT(opened, Succeeds());
    device = static_cast<int>(opened.ret);
  }
  // Another group joins. Returns its descriptor.
  int Join(GroupIndex index) {
    const int fd = p.OpenGroup(index);
    EXPECT_THAT(p.SetContainer(fd, container), Succeeds());
    return fd;
  }
  Outcome Pin(uint64_t iova, int32_t pages, unsigned rights = kR, DeviceIndex index = kMdev) {
    return p.system().PinPages(p.task(), index, iova, pages, rights, &frames);
  }
  void Unpin(uint64_t iova, int32_t pages) {
    EXPECT_THAT(p.system().UnpinPages(p.task(), kMdev, iova, pages), Succeeds());
  }
  Outcome Rw(uint64_t iova, void* data, uint64_t bytes, bool write, sim::TaskId task = 0) {
    return p.system().DmaRw(task, kMdev, p.memory(), iova, data, bytes, write);
  }
  uint64_t pins() { return p.memory().pinned_pages(); }

  TestProcess p;
  int container = -1, group = -1, device = -1;
  std::vector<sim::PageId> frames;
};

std::string KernelName(const testing::TestParamInfo<const char*>& info) {
  std::string name = std::string("Kernel") + info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Kernels, Type1EmulatedTest, testing::Values("6.1", "6.12", "7.3"),
                         KernelName);

// vfio_dma_do_map: without an IOMMU domain a mapping is only remembered.
TEST_P(Type1EmulatedTest, MapChargesAndPinsNothing) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  // Not even memory that does not exist is noticed.
  EXPECT_THAT(p.Map(container, 0x100000, 0x5000000000, kPage), Succeeds());
  EXPECT_THAT(Pin(0x100000, 1), FailsBy(Errno::kFAULT, "type1.pin_pages.fault"));
}

// vfio_iommu_type1_get_info: no iova list, so no capability for it; and no reserved IOVAs.
TEST_P(Type1EmulatedTest, NoIovaRangesAreReported) {
  SetUpMdev();
  struct {
    abi::VfioIommuType1Info info;
    uint8_t caps[104];
  } arg = {};
  arg.info.argsz = sizeof(arg);
  EXPECT_THAT(p.Ioctl(container, abi::kVfioIommuGetInfo, &arg), Succeeds());
  EXPECT_EQ(arg.info.cap_offset, sizeof(arg.info));
  std::vector<uint16_t> ids;
  for (uint32_t at = arg.info.cap_offset; at != 0;) {
    abi::VfioInfoCapHeader header;
    std::memcpy(&header, reinterpret_cast<uint8_t*>(&arg) + at, sizeof(header));
    ids.push_back(header.id);
    at = header.next;
  }
  EXPECT_THAT(ids, ElementsAre(abi::kVfioIommuType1InfoCapMigration,
                               abi::kVfioIommuType1InfoDmaAvail));
  EXPECT_EQ(arg.info.iova_pgsizes, sim::kPageMask);
  EXPECT_THAT(p.Map(container, 0xfee00000, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Map(container, uint64_t{1} << 50, kBuffer, kPage), Succeeds());
}

// vfio_iommu_type1_check_extension.
TEST_P(Type1EmulatedTest, Extensions) {
  SetUpMdev();
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioUpdateVaddr),
              SucceedsWith(0));
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioDmaCcIommu), SucceedsWith(1));
  // The recorded machine's IOMMU can't enforce coherency.
  Join(0);
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioDmaCcIommu), SucceedsWith(0));
  EXPECT_THAT(p.Ioctl(container, abi::kVfioCheckExtension, abi::kVfioUpdateVaddr),
              SucceedsWith(0));
}

// vfio_dma_do_unmap, the first check under the lock.
TEST_P(Type1EmulatedTest, NothingIsSuspended) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Unmap(container, 1, kPage, abi::kVfioDmaUnmapFlagVaddr),
              FailsBy(Errno::kBUSY, "type1.unmap.emulated"));
}

// vfio_iommu_type1_attach_group: nothing joins while a mapping is suspended.
TEST_P(Type1EmulatedTest, NoGroupJoinsASuspendedContainer) {
  container = p.SetUp();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Unmap(container, kIova, kPage, abi::kVfioDmaUnmapFlagVaddr), Succeeds());
  const int mdev = p.OpenGroup(kMdevGroup);
  EXPECT_THAT(p.SetContainer(mdev, container), FailsBy(Errno::kBUSY, "type1.attach.suspended"));
}

// vfio_iommu_type1_pin_pages, vfio_pin_page_external: one page is charged once, however often it is
// pinned, and until it is unpinned as often.
TEST_P(Type1EmulatedTest, PinsAreCountedByPage) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 3), SucceedsWith(3));
  EXPECT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[2], frames[0] + 2);
  EXPECT_EQ(p.locked_pages(), 3u);
  EXPECT_EQ(pins(), 3u);
  const std::vector<sim::PageId> before = frames;
  EXPECT_THAT(Pin(kIova + kPage, 3), SucceedsWith(3));
  EXPECT_EQ(frames[0], before[1]);
  EXPECT_EQ(p.locked_pages(), 4u);
  EXPECT_EQ(pins(), 4u);
  Unpin(kIova, 3);
  EXPECT_EQ(p.locked_pages(), 3u);
  Unpin(kIova + kPage, 3);
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
}

// vfio_iommu_type1_pin_pages and vfio_device_container_pin_pages (container.c), in their order.
TEST_P(Type1EmulatedTest, PinErrors) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage, abi::kVfioDmaMapFlagRead), Succeeds());
  EXPECT_THAT(Pin(kIova, 0), FailsBy(Errno::kINVAL, "driver.pin.args"));
  EXPECT_THAT(Pin(kIova, 513), FailsBy(Errno::kE2BIG, "driver.pin.too_many"));
  EXPECT_THAT(Pin(0x90000, 1), FailsBy(Errno::kINVAL, "type1.pin_pages.missing"));
  EXPECT_THAT(Pin(kIova, 1, kR | kW), FailsBy(Errno::kPERM, "type1.pin_pages.rights"));
  // A hole further on undoes the pages before it.
  EXPECT_THAT(Pin(kIova + 2 * kPage, 3), FailsBy(Errno::kINVAL, "type1.pin_pages.missing"));
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(frames, IsEmpty());
  // The device is not open.
  EXPECT_THAT(Pin(kIova, 1, kR, kMdev2), FailsBy(Errno::kINVAL, "driver.pin.args"));
  EXPECT_TRUE(p.system().kernel().drivers[kMdev].pins().empty());
}

// The range as a whole is looked at from 7.3 on; before, a negative number of pages is no page, and
// a range that wraps is found to be unmapped page by page.
TEST_P(Type1EmulatedTest, PinRange) {
  SetUpMdev();
  const bool checks = std::string(GetParam()) == "7.3";
  const Outcome negative = Pin(kIova, -1);
  if (checks) {
    EXPECT_THAT(negative, FailsBy(Errno::kINVAL, "type1.pin_pages.count"));
    EXPECT_THAT(Pin(~uint64_t{0} & sim::kPageMask, 2),
                FailsBy(Errno::kOVERFLOW, "type1.pin_pages.wrap"));
  } else {
    EXPECT_THAT(negative, SucceedsWith(0));
    EXPECT_THAT(Pin(~uint64_t{0} & sim::kPageMask, 2),
                FailsBy(Errno::kINVAL, "type1.pin_pages.missing"));
  }
}

// Row 62: vfio_iommu_type1_pin_pages on a v1 container.
TEST_P(Type1EmulatedTest, V1CantPin) {
  SetUpMdev(abi::kVfioType1Iommu);
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), FailsBy(Errno::kACCES, "type1.pin_pages.v1"));
  // Copying works.
  uint32_t word = 0;
  EXPECT_THAT(Rw(kIova, &word, 4, false), Succeeds());
}

// vfio_iommu_replay: all that was mapped is pinned and charged when the first IOMMU group joins;
// vfio_iommu_unmap_unpin_reaccount: when the last one leaves, what drivers pinned stays charged.
TEST_P(Type1EmulatedTest, JoinPinsAllAndLeaveUnpins) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 4 * kPage), Succeeds());
  EXPECT_THAT(p.Map(container, 0x100000, kBuffer + 8 * kPage, 2 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova + kPage, 2), SucceedsWith(2));
  EXPECT_EQ(p.locked_pages(), 2u);

  const int iommu_group = Join(0);
  EXPECT_EQ(p.locked_pages(), 6u);  // vfio_find_vpfn: what is pinned already is not charged again
  EXPECT_EQ(pins(), 8u);
  EXPECT_EQ(p.Reach(0), "10000+4:rw 100000+2:rw");
  // With a domain in the container, pins are charged with the mapping.
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_EQ(p.locked_pages(), 6u);
  EXPECT_EQ(pins(), 9u);

  EXPECT_THAT(p.Close(iommu_group), Succeeds());
  EXPECT_EQ(p.locked_pages(), 3u);
  EXPECT_EQ(pins(), 3u);
  EXPECT_EQ(p.Reach(0), "");
  // The mappings stay, and the usable range is everything.
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), FailsWithErrno(Errno::kEXIST));
  EXPECT_THAT(p.Map(container, 0xfee00000, kBuffer, kPage), Succeeds());
  Unpin(kIova, 3);
  EXPECT_EQ(p.locked_pages(), 0u);
}

TEST_P(Type1EmulatedTest, JoinChecksTheMappings) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, 0xfee00000, kBuffer, kPage), Succeeds());
  int fd = p.OpenGroup(0);
  EXPECT_THAT(p.SetContainer(fd, container), FailsBy(Errno::kINVAL, "type1.attach.reserved"));
  EXPECT_THAT(p.Unmap(container, 0xfee00000, kPage), Succeeds());
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(p.Map(container, 0x100000, 0x5000000000, kPage), Succeeds());
  EXPECT_THAT(p.SetContainer(fd, container), FailsBy(Errno::kFAULT, "type1.pin.fault"));
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(p.Unmap(container, 0x100000, kPage), Succeeds());
  EXPECT_THAT(p.SetContainer(fd, container), Succeeds());
  EXPECT_EQ(p.locked_pages(), 2u);
}

// A replay that fails half way keeps what drivers have pinned.
TEST_P(Type1EmulatedTest, FailedJoinKeepsDriverPins) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_THAT(p.Map(container, 0x100000, 0x5000000000, kPage), Succeeds());
  const int fd = p.OpenGroup(0);
  EXPECT_THAT(p.SetContainer(fd, container), FailsWithErrno(Errno::kFAULT));
  EXPECT_EQ(p.locked_pages(), 1u);
  EXPECT_EQ(pins(), 1u);
}

// vfio_iommu_type1_detach_group: with the last group the mappings go.
TEST_P(Type1EmulatedTest, LastGroupTakesTheMappings) {
  SetUpMdev();
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Ioctl(group, abi::kVfioGroupUnsetContainer, 0),
              FailsBy(Errno::kBUSY, "group.unset_container.busy"));
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_THAT(p.Close(device), Succeeds());
  // close_device of the driver has given the page back.
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(p.Ioctl(group, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_THAT(p.Map(container, kIova, kBuffer, kPage), FailsBy(Errno::kINVAL, "container.unset"));
}

// The claim of DMA ownership is for groups behind an IOMMU (vfio_container_attach_group).
TEST_P(Type1EmulatedTest, TwoContainersCanNotShareTheGroupButItStaysViable) {
  SetUpMdev();
  EXPECT_EQ(p.system().kernel().groups[kMdevGroup].owner_count, 0u);
  const int other = p.Open("/dev/vfio/vfio");
  EXPECT_THAT(p.SetContainer(group, other), FailsBy(Errno::kINVAL, "group.set_container.twice"));
}

// vfio_device_get_from_name (group.c): the name is compared as it is.
TEST_P(Type1EmulatedTest, DeviceNameIsExact) {
  SetUpMdev();
  char name[64] = "11111111-2222-3333-4444-555555555555 vf_token=1";
  EXPECT_THAT(p.Ioctl(group, abi::kVfioGroupGetDeviceFd, &name),
              FailsBy(Errno::kNODEV, "group.get_device_fd.unknown"));
}

// vfio_notify_dma_unmap: each device whose driver can be told is, newest first, for each mapping
// that has pins; a mapping without pins is nobody's business.
TEST_P(Type1EmulatedTest, UnmapNotifiesDrivers) {
  SetUpMdev();
  const int second = Join(kMdev2Group);
  ASSERT_THAT(p.GetDeviceFd(second, kMdev2), Succeeds());
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_THAT(p.Map(container, kIova + 2 * i * kPage, kBuffer, 2 * kPage), Succeeds());
  }
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  EXPECT_THAT(Pin(kIova + 5 * kPage, 1), SucceedsWith(1));
  EXPECT_THAT(Pin(kIova + 5 * kPage, 1, kR, kMdev2), SucceedsWith(1));
  uint64_t unmapped = 0;
  EXPECT_THAT(p.Unmap(container, kIova, 6 * kPage, 0, &unmapped), Succeeds());
  EXPECT_EQ(unmapped, 6 * kPage);
  EXPECT_THAT(p.system().unmap_notices(),
              ElementsAre(UnmapNotice{kMdev2, kIova, 2 * kPage},
                          UnmapNotice{kMdev, kIova, 2 * kPage},
                          UnmapNotice{kMdev2, kIova + 4 * kPage, 2 * kPage},
                          UnmapNotice{kMdev, kIova + 4 * kPage, 2 * kPage}));
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  EXPECT_TRUE(p.system().kernel().drivers[kMdev].pins().empty());
}

// A pin that reaches over two mappings is given back as a whole at the first of them
// (vfio_iommu_type1_unpin_pages stops at what is gone).
TEST_P(Type1EmulatedTest, PinOverTwoMappings) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + 2 * kPage, kBuffer + 4 * kPage, 2 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova + kPage, 2), SucceedsWith(2));
  EXPECT_EQ(frames[1], frames[0] + 3);
  EXPECT_THAT(p.Unmap(container, kIova, 2 * kPage), Succeeds());
  EXPECT_EQ(pins(), 0u);
  EXPECT_EQ(p.system().unmap_notices().size(), 1u);
}

// vfio_iommu_type1_unpin_pages: WARNs, and what is left stays pinned.
TEST_P(Type1EmulatedTest, UnpinOfWhatIsNotMapped) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  Unpin(0x90000, 1);
  EXPECT_EQ(p.system().warnings().size(), 1u);
  EXPECT_EQ(pins(), 1u);
  // A page that is mapped but not pinned is passed over in silence.
  Unpin(kIova, 2);
  EXPECT_TRUE(p.system().warnings().empty());
  EXPECT_EQ(pins(), 0u);
}

// vfio_iommu_type1_dma_rw.
TEST_P(Type1EmulatedTest, CopyOverMappings) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + kPage, kBuffer + 4 * kPage, kPage), Succeeds());
  const uint64_t data = 0x1122334455667788;
  EXPECT_THAT(Rw(kIova + kPage - 4, const_cast<uint64_t*>(&data), 8, true), Succeeds());
  uint32_t low = 0, high = 0;
  p.mm().Peek(kBuffer + kPage - 4, &low, 4);
  p.mm().Peek(kBuffer + 4 * kPage, &high, 4);
  EXPECT_EQ(low, 0x55667788u);
  EXPECT_EQ(high, 0x11223344u);
  uint64_t back = 0;
  EXPECT_THAT(Rw(kIova + kPage - 4, &back, 8, false), Succeeds());
  EXPECT_EQ(back, data);
  EXPECT_EQ(pins(), 0u);
}

TEST_P(Type1EmulatedTest, CopyErrors) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage, abi::kVfioDmaMapFlagRead), Succeeds());
  ASSERT_THAT(p.Map(container, kIova + kPage, kBuffer, kPage, abi::kVfioDmaMapFlagWrite),
              Succeeds());
  ASSERT_THAT(p.Map(container, 0x40000, 0x5000000000, kPage), Succeeds());
  uint32_t word = 0;
  EXPECT_THAT(Rw(kIova, &word, 0, false), FailsBy(Errno::kINVAL, "driver.dma_rw.args"));
  EXPECT_THAT(Rw(0x90000, &word, 4, false), FailsBy(Errno::kINVAL, "type1.dma_rw.missing"));
  EXPECT_THAT(Rw(kIova, &word, 4, true), FailsBy(Errno::kPERM, "type1.dma_rw.rights"));
  // Row 66: a mapping that can only be written can't be written by a driver either.
  EXPECT_THAT(Rw(kIova + kPage, &word, 4, true), FailsBy(Errno::kPERM, "type1.dma_rw.rights"));
  EXPECT_THAT(Rw(0x40000, &word, 4, false), FailsBy(Errno::kFAULT, "type1.dma_rw.fault"));
}

// Row 65: vfio_iommu_type1_dma_rw_chunk in another process. A kernel thread borrows the address
// space.
TEST_P(Type1EmulatedTest, CopyFromAnotherProcess) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, kPage), Succeeds());
  const sim::MmId mm = p.memory().AddMm();
  const sim::TaskId other = p.system().AddTask(p.system().AttachMm(&p.memory().mm(mm)), {});
  uint32_t word = 7;
  EXPECT_THAT(Rw(kIova, &word, 4, true, other), FailsBy(Errno::kFAULT, "type1.dma_rw.other_mm"));
  EXPECT_THAT(Rw(kIova, &word, 4, true, sim::kKernelThread), Succeeds());
  // Pinning goes to the address space that mapped, whoever asks.
  EXPECT_THAT(p.system().PinPages(other, kMdev, kIova, 1, kR, &frames), SucceedsWith(1));
  EXPECT_EQ(p.locked_pages(), 1u);
}

// Row 79, type1: vfio_pin_page_external when the address space is gone.
TEST_P(Type1EmulatedTest, MappingOfAProcessThatIsGone) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  const sim::MmId mm = p.memory().AddMm();
  p.system().DropMm(0);
  const sim::TaskId other = p.system().AddTask(p.system().AttachMm(&p.memory().mm(mm)), {});
  EXPECT_THAT(p.system().PinPages(other, kMdev, kIova + kPage, 1, kR, &frames),
              FailsBy(Errno::kNODEV, "type1.pin_pages.mm_gone"));
  uint32_t word = 0;
  EXPECT_THAT(Rw(kIova, &word, 4, false, sim::kKernelThread),
              FailsBy(Errno::kPERM, "type1.dma_rw.mm_gone"));
  // What is pinned already can still be had, and is given back.
  EXPECT_THAT(p.system().PinPages(other, kMdev, kIova, 1, kR, &frames), SucceedsWith(1));
  EXPECT_THAT(p.system().UnpinPages(other, kMdev, kIova, 1), Succeeds());
  EXPECT_THAT(p.system().UnpinPages(other, kMdev, kIova, 1), Succeeds());
  EXPECT_EQ(pins(), 0u);
}

class Type1EmulatedLimitTest : public Type1EmulatedTest {
 protected:
  Type1EmulatedLimitTest()
      : Type1EmulatedTest(MixedMachine(GetParam()),
                          {.uid = 1, .cap_ipc_lock = false, .rlimit_memlock = 4 * kPage}) {}
};
INSTANTIATE_TEST_SUITE_P(Kernels, Type1EmulatedLimitTest, testing::Values("6.1", "7.3"),
                         KernelName);

TEST_P(Type1EmulatedLimitTest, LimitHoldsForPinsAndForAJoin) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 6 * kPage), Succeeds());
  EXPECT_THAT(Pin(kIova, 5), FailsBy(Errno::kNOMEM, "type1.pin_pages.memlock"));
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(pins(), 0u);
  EXPECT_THAT(Pin(kIova, 4), SucceedsWith(4));
  const int fd = p.OpenGroup(0);
  EXPECT_THAT(p.SetContainer(fd, container), FailsBy(Errno::kNOMEM, "type1.pin.memlock"));
  EXPECT_EQ(p.locked_pages(), 4u);
  p.system().SetMemlockLimit(p.task(), 6 * kPage);
  EXPECT_THAT(p.SetContainer(fd, container), Succeeds());
  EXPECT_EQ(p.locked_pages(), 6u);
}

// A copy of the machine is independent, pins included; equal histories have equal identities.
TEST_P(Type1EmulatedTest, CopyIsIndependent) {
  SetUpMdev();
  ASSERT_THAT(p.Map(container, kIova, kBuffer, 2 * kPage), Succeeds());
  const sim::Digest before = p.system().IdentityDigest();
  EXPECT_THAT(Pin(kIova, 1), SucceedsWith(1));
  System copy = p.system();
  sim::SimMemory memory = p.memory();
  copy.AttachMm(0, &memory.mm(0));
  EXPECT_EQ(copy.IdentityDigest(), p.system().IdentityDigest());
  EXPECT_NE(copy.IdentityDigest(), before);
  EXPECT_THAT(copy.UnpinPages(p.task(), kMdev, kIova, 1), Succeeds());
  EXPECT_EQ(copy.IdentityDigest(), before);
  EXPECT_EQ(memory.pinned_pages(), 0u);
  EXPECT_EQ(pins(), 1u);
}

}  // namespace
}  // namespace iovalid::compat
