// SPDX-License-Identifier: Apache-2.0
// Devices on an iommufd through their groups. Sources: drivers/iommu/iommufd/device.c and
// hw_pagetable.c; golden family edges.
#include <gtest/gtest.h>

#include "compat/iommufd/rules.h"
#include "compat/test_process.h"
#include "sim/fail_nth.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = sim::kPageSize;
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr char kIommu[] = "/dev/iommu";

int Fd(const Outcome& outcome) { return static_cast<int>(outcome.ret); }

TEST(DeviceBindingTest, DevicesOfAGroupShareOneDomain) {
  TestProcess p;
  const int c = p.Open(kIommu);
  const int group = p.OpenGroup(2);
  ASSERT_TRUE(p.SetContainer(group, c).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 2 * kPage).ok());
  const Outcome first = p.GetDeviceFd(group, 2);
  ASSERT_TRUE(first.ok());
  // The whole group moves with its first device.
  EXPECT_EQ(p.Reach(3), "10000+2:rw");
  const Outcome second = p.GetDeviceFd(group, 3);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(p.pinned_pages(), 2u);
  ASSERT_TRUE(p.Close(Fd(first)).ok());
  EXPECT_EQ(p.Reach(2), "10000+2:rw");
  EXPECT_EQ(p.pinned_pages(), 2u);
  ASSERT_TRUE(p.Close(Fd(second)).ok());
  EXPECT_EQ(p.Reach(2), "");
  EXPECT_EQ(p.pinned_pages(), 0u);
}

TEST(DeviceBindingTest, TwoGroupsUseOneAutomaticDomain) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  const int other = p.OpenGroup(1);
  ASSERT_TRUE(p.SetContainer(other, c).ok());
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  ASSERT_TRUE(p.GetDeviceFd(other, 1).ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
  EXPECT_EQ(p.pinned_pages(), 1u);
  EXPECT_EQ(p.system().kernel().iommu.attached(0), p.system().kernel().iommu.attached(1));
  EXPECT_EQ(p.Reach(1), "10000+1:rw");
}

TEST(DeviceBindingTest, GroupBelongsToOneContextAtATime) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  const Outcome device = p.GetDeviceFd(p.group(), 0);
  ASSERT_TRUE(device.ok());
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, kPage).ok());
  // The group can be closed and given to another context, but a second descriptor of the device is
  // still the device of the first.
  ASSERT_TRUE(p.Close(p.group()).ok());
  const int again = p.OpenGroup(0);
  const int other = p.Open(kIommu);
  ASSERT_TRUE(p.SetContainer(again, other).ok());
  ASSERT_TRUE(p.GetDeviceFd(again, 0).ok());
  ASSERT_TRUE(p.Map(other, 0x20000, kBuffer, kPage).ok());
  EXPECT_EQ(p.Reach(0), "10000+1:rw");
}

TEST(DeviceBindingTest, UnsafeInterruptsNeedPermission) {
  SystemConfig config = GoldenMachine();
  config.parameters.allow_unsafe_interrupts = false;
  TestProcess p(config);
  p.SetUp(3, kIommu);
  const Outcome outcome = p.GetDeviceFd(p.group(), 0);
  EXPECT_EQ(outcome.err, Errno::kPERM);
  EXPECT_EQ(outcome.rule, &rules::kBindUnsafeMsi);
  config.interrupt_remapping = true;
  TestProcess isolated(config);
  isolated.SetUp(3, kIommu);
  EXPECT_TRUE(isolated.GetDeviceFd(isolated.group(), 0).ok());
}

TEST(DeviceBindingTest, CoherencyIsEnforcedWhereTheUnitCan) {
  SystemConfig config = GoldenMachine();
  config.iommu.snoop_control = true;
  TestProcess p(config);
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  EXPECT_EQ(p.Ioctl(c, abi::kVfioCheckExtension, abi::kVfioDmaCcIommu).ret, 1);
}

TEST(DeviceBindingTest, FailedAttachLeavesNothingBehind) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  const sim::Digest before = p.system().IdentityDigest();
  ASSERT_TRUE(p.Map(c, 0x10000, 0x5000, kPage).ok());
  EXPECT_EQ(p.GetDeviceFd(p.group(), 0).err, Errno::kFAULT);
  ASSERT_TRUE(p.Unmap(c, 0x10000, kPage).ok());
  EXPECT_EQ(p.system().IdentityDigest(), before);
}

// Each allocation, copy and pin on the way to a device fails in turn; the next try works.
TEST(DeviceBindingTest, FailNth) {
  TestProcess p;
  const int c = p.SetUp(3, kIommu);
  ASSERT_TRUE(p.Map(c, 0x10000, kBuffer, 3 * kPage).ok());
  const sim::Digest before = p.system().IdentityDigest();
  for (uint64_t n = 1;; ++n) {
    sim::FailNth hook(n);
    p.system().SetHook(&hook);
    const Outcome outcome = p.GetDeviceFd(p.group(), 0);
    p.system().SetHook(nullptr);
    if (!!hook.failed().empty()) {
      ASSERT_TRUE(outcome.ok());
      EXPECT_GT(n, 8u);
      EXPECT_EQ(p.pinned_pages(), 3u);
      break;
    }
    EXPECT_FALSE(outcome.ok()) << n;
    EXPECT_EQ(p.pinned_pages(), 0u) << n;
    EXPECT_EQ(p.memory().pinned_pages(), 0u) << n;
    EXPECT_EQ(p.system().IdentityDigest(), before) << n;
  }
}

}  // namespace
}  // namespace iovalid::compat
