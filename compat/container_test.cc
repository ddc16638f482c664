// SPDX-License-Identifier: Apache-2.0
// Container, group and device files in every order. Expected values: recordings "edges", sequences
// seti-*, setc-order, unset-busy, close-*, device-reopen, getd-*, and facts 2.1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;

TEST(ContainerTest, NothingWorksBeforeSetIommu) {
  TestProcess p;
  const int c = p.Open("/dev/vfio/vfio");
  EXPECT_THAT(p.Ioctl(c, abi::kVfioGetApiVersion, 0), SucceedsWith(0));
  EXPECT_THAT(p.SetIommu(c, 3), FailsBy(Errno::kINVAL, "container.set_iommu.no_group"));
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), FailsBy(Errno::kINVAL, "container.unset"));
  EXPECT_THAT(p.Ioctl(c, 0x3bff, 0), FailsWithErrno(Errno::kINVAL));
  const int g = p.OpenGroup(0);
  EXPECT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.GetDeviceFd(g, 0), FailsBy(Errno::kINVAL, "device.open.no_backend"));
  EXPECT_THAT(p.SetIommu(c, 99), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(p.SetIommu(c, 8), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(p.SetIommu(c, 9), FailsBy(Errno::kINVAL, "container.set_iommu.extension"));
  EXPECT_THAT(p.SetIommu(c, uint64_t{3} + (uint64_t{1} << 32)), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(p.SetIommu(c, 3), Succeeds());
  EXPECT_THAT(p.SetIommu(c, 3), FailsBy(Errno::kINVAL, "container.set_iommu.twice"));
  EXPECT_THAT(p.Ioctl(c, 0x3bff, 0), FailsWithErrno(Errno::kNOTTY));
}

TEST(ContainerTest, NestingIsClaimedAndRefusedBefore73) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    const bool claimed = std::string(kernel) != "7.3";
    TestProcess p(GoldenMachine(kernel));
    const int c = p.Open("/dev/vfio/vfio");
    EXPECT_THAT(p.Ioctl(c, abi::kVfioCheckExtension, 6), SucceedsWith(claimed ? 1 : 0));
    const int g = p.OpenGroup(0);
    EXPECT_THAT(p.SetContainer(g, c), Succeeds());
    EXPECT_THAT(p.SetIommu(c, 6), FailsWithErrno(claimed ? Errno::kINVAL : Errno::kNODEV));
    EXPECT_THAT(p.SetIommu(c, 3), Succeeds());
  }
}

TEST(GroupTest, OneOpenFileAtATime) {
  TestProcess p;
  const int g = p.OpenGroup(0);
  EXPECT_THAT(p.TryOpen("/dev/vfio/0"), FailsBy(Errno::kBUSY, "group.open.twice"));
  EXPECT_THAT(p.Close(g), Succeeds());
  EXPECT_THAT(p.TryOpen("/dev/vfio/0"), Succeeds());
  EXPECT_THAT(p.TryOpen("/dev/vfio/7"), FailsWithErrno(Errno::kNOENT));
}

TEST(GroupTest, SetContainerWithAForeignFile) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(GoldenMachine(kernel));
    const int g = p.OpenGroup(0);
    const Outcome file = p.system().InstallForeignFile(p.task(), ForeignFile::kOther, 0);
    EXPECT_THAT(p.SetContainer(g, static_cast<int>(file.ret)),
                FailsWithErrno(std::string(kernel) == "6.1" ? Errno::kINVAL : Errno::kBADFD));
    EXPECT_THAT(p.SetContainer(g, 999), FailsWithErrno(Errno::kBADF));
    EXPECT_THAT(p.SetContainer(g, -1), FailsWithErrno(Errno::kBADF));
  }
}

TEST(GroupTest, UnsetIsBusyWhileADeviceIsOpen) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  const Outcome device = p.GetDeviceFd(p.group(), 0);
  ASSERT_THAT(device, Succeeds());
  EXPECT_THAT(p.Ioctl(p.group(), abi::kVfioGroupUnsetContainer, 0),
              FailsBy(Errno::kBUSY, "group.unset_container.busy"));
  EXPECT_THAT(p.Close(static_cast<int>(device.ret)), Succeeds());
  EXPECT_THAT(p.Ioctl(p.group(), abi::kVfioGroupUnsetContainer, 0), Succeeds());
  // The last group leaves: mappings go, and the container is unset (row 32).
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), FailsBy(Errno::kINVAL, "container.unset"));
  EXPECT_THAT(p.Ioctl(p.group(), abi::kVfioGroupUnsetContainer, 0),
              FailsBy(Errno::kINVAL, "group.unset_container.none"));
}

TEST(GroupTest, StatusTellsViabilityAndContainer) {
  TestProcess p;
  const int c = p.Open("/dev/vfio/vfio");
  const int g = p.OpenGroup(0);
  abi::VfioGroupStatus status = {.argsz = 8, .flags = 0xaaaaaaaa};
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupGetStatus, &status), Succeeds());
  EXPECT_EQ(status.flags, abi::kVfioGroupFlagsViable);
  EXPECT_THAT(p.SetContainer(g, c), Succeeds());
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupGetStatus, &status), Succeeds());
  EXPECT_EQ(status.flags, abi::kVfioGroupFlagsViable | abi::kVfioGroupFlagsContainerSet);
  status.argsz = 7;
  EXPECT_THAT(p.Ioctl(g, abi::kVfioGroupGetStatus, &status),
              FailsBy(Errno::kINVAL, "group.status.argsz"));
}

// The device file keeps the group's file open, and that keeps the container
// (vfio_group_use_container).
TEST(LifetimeTest, DeviceOutlivesGroupAndContainerDescriptors) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  const int d = static_cast<int>(p.GetDeviceFd(p.group(), 0).ret);
  EXPECT_THAT(p.Close(c), Succeeds());
  EXPECT_THAT(p.Close(p.group()), Succeeds());
  EXPECT_EQ(p.Reach(0), "0+1:rw");
  EXPECT_THAT(p.TryOpen("/dev/vfio/0"), FailsBy(Errno::kBUSY, "group.open.twice"));
  EXPECT_THAT(p.Close(d), Succeeds());
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_THAT(p.TryOpen("/dev/vfio/0"), Succeeds());
}

TEST(LifetimeTest, MappingOfABarHoldsTheDeviceOpen) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  const int d = static_cast<int>(p.GetDeviceFd(p.group(), 0).ret);
  EXPECT_THAT(
      p.system().MmapDevice(p.task(), d, 0x300000000, 2 * kPage, true, true, RegionOffset(0)),
      Succeeds());
  for (int fd : {d, p.group(), c}) EXPECT_THAT(p.Close(fd), Succeeds());
  EXPECT_EQ(p.locked_pages(), 1u);
  std::vector<uint32_t> released;
  EXPECT_EQ(p.mm().Unmap(0x300000000, kPage, &released), Errno::kOk);
  EXPECT_TRUE(released.empty());  // half of it is still there
  EXPECT_EQ(p.mm().Unmap(0x300001000, kPage, &released), Errno::kOk);
  ASSERT_EQ(released.size(), 1u);
  p.system().ReleaseMapping(released[0]);
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(p.system().CountLive().files, 0u);
}

TEST(LifetimeTest, NothingIsLeftOnceAllIsClosed) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, 16 * kPage), Succeeds());
  EXPECT_THAT(p.GetDeviceFd(p.group(), 0), Succeeds());
  EXPECT_THAT(p.system().Dup(p.task(), c), Succeeds());
  p.system().Exit(p.task());
  const System::LiveObjects live = p.system().CountLive();
  EXPECT_EQ(live.files, 0u);
  EXPECT_EQ(live.containers, 0u);
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(p.memory().pinned_pages(), 0u);
  EXPECT_EQ(p.system().iommu().table_memory().OwnedBy(0), 0u);
}

TEST(LifetimeTest, TwoGroupsShareTheDomainAndTheMappings) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  const int g1 = p.OpenGroup(1);
  EXPECT_THAT(p.SetContainer(g1, c), Succeeds());
  EXPECT_EQ(p.Reach(1), "0+1:rw");
  EXPECT_EQ(p.locked_pages(), 1u);  // row 56: counted once
  EXPECT_THAT(p.Ioctl(p.group(), abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_EQ(p.Reach(1), "0+1:rw");
  EXPECT_THAT(p.Ioctl(g1, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_EQ(p.locked_pages(), 0u);
}

TEST(GroupTest, DeviceNames) {
  TestProcess p;
  p.SetUp();
  auto get = [&](const char* text) {
    char name[64] = {};
    std::snprintf(name, sizeof(name), "%s", text);
    return p.Ioctl(p.group(), abi::kVfioGroupGetDeviceFd, &name);
  };
  EXPECT_THAT(get("0000:00:06.0"), FailsWithErrno(Errno::kNODEV));  // of another group
  EXPECT_THAT(get(""), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(get("0000:00:05.0x"), FailsWithErrno(Errno::kNODEV));
  EXPECT_THAT(get("0000:00:05.0 nonsense"), FailsBy(Errno::kINVAL, "group.get_device_fd.option"));
  EXPECT_THAT(get("0000:00:05.0 "), Succeeds());
  EXPECT_THAT(get("0000:00:05.0"), Succeeds());
  EXPECT_THAT(p.Ioctl(p.group(), abi::kVfioGroupGetDeviceFd, 0x10), FailsWithErrno(Errno::kFAULT));
}

// A System is a value: the copy goes its own way.
TEST(SystemTest, CopyIsIndependent) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  System copy = p.system();
  sim::SimMemory memory = p.memory();
  copy.AttachMm(0, &memory.mm(0));
  EXPECT_EQ(copy.IdentityDigest(), p.system().IdentityDigest());
  EXPECT_THAT(p.Unmap(c, 0, kPage), Succeeds());
  EXPECT_EQ(copy.Snapshot().mappings.size(), 1u);
  EXPECT_EQ(copy.account(0).locked_vm, 1u);
  EXPECT_NE(copy.IdentityDigest(), p.system().IdentityDigest());
  copy.Exit(p.task());
  EXPECT_EQ(copy.account(0).locked_vm, 0u);
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
}

}  // namespace
}  // namespace iovalid::compat
