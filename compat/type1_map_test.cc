// SPDX-License-Identifier: Apache-2.0
// MAP_DMA through type1. Expected values: recordings "edges" of the named kernels, sequences map-*,
// memlock-*, entry-limit-*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;
constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint64_t kLastPage = kTop - (kPage - 1);

TEST(Type1MapTest, PinsChargesAndReaches) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 4 * kPage), SucceedsWith(0));
  EXPECT_EQ(p.locked_pages(), 4u);
  EXPECT_EQ(p.pinned_pages(), 0u);
  EXPECT_EQ(p.Reach(0), "10000+4:rw");
  EXPECT_EQ(p.Reach(1), "");
  EXPECT_EQ(p.memory().pinned_pages(), 4u);
}

TEST(Type1MapTest, ArgszAndFlags) {
  TestProcess p;
  const int c = p.SetUp();
  abi::VfioIommuType1DmaMap map = {
      .argsz = 31, .flags = TestProcess::kRw, .vaddr = kBuffer, .iova = 0, .size = kPage};
  EXPECT_THAT(p.Ioctl(c, abi::kVfioIommuMapDma, &map), FailsBy(Errno::kINVAL, "type1.map.argsz"));
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage, 8), FailsBy(Errno::kINVAL, "type1.map.flags"));
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage, 0), FailsBy(Errno::kINVAL, "type1.map.rights"));
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage, abi::kVfioDmaMapFlagVaddr | 1),
              FailsBy(Errno::kINVAL, "type1.map.rights"));
  // The struct ends 8 bytes beyond the page.
  EXPECT_THAT(p.Ioctl(c, abi::kVfioIommuMapDma, TestProcess::kArg + kPage - 24),
              FailsBy(Errno::kFAULT, "type1.map.fault"));
}

TEST(Type1MapTest, WrapIsOverflowOn73AndInvalidBefore) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(GoldenMachine(kernel));
    const int c = p.SetUp();
    const Errno wrap = std::string(kernel) == "7.3" ? Errno::kOVERFLOW : Errno::kINVAL;
    EXPECT_THAT(p.Map(c, kLastPage, kBuffer, 2 * kPage), FailsBy(wrap, "type1.map.wrap"));
    EXPECT_THAT(p.Map(c, 0, kLastPage, 2 * kPage), FailsBy(wrap, "type1.map.wrap"));
    // Neither right nor room: the order of the two checks was turned round.
    EXPECT_THAT(p.Map(c, kLastPage, kBuffer, 2 * kPage, 0), FailsWithErrno(wrap));
  }
}

TEST(Type1MapTest, OverlapBeatsLimitAndLimitBeatsRange) {
  SystemConfig config = GoldenMachine();
  config.parameters.dma_entry_limit = 1;
  TestProcess p(config);
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), Succeeds());
  EXPECT_THAT(p.Map(c, 0, kBuffer, kPage), FailsBy(Errno::kEXIST, "type1.map.overlap"));
  EXPECT_THAT(p.Map(c, 0xfee00000, kBuffer, kPage),
              FailsBy(Errno::kNOSPC, "type1.map.entry_limit"));
  EXPECT_THAT(p.Unmap(c, 0, kPage), Succeeds());
  EXPECT_THAT(p.Map(c, 0xfee00000, kBuffer, kPage), FailsBy(Errno::kINVAL, "type1.map.range"));
  EXPECT_THAT(p.Map(c, 0x8000000000, kBuffer, kPage), FailsBy(Errno::kINVAL, "type1.map.range"));
  EXPECT_THAT(p.Map(c, 0x7ffffff000, kBuffer, kPage), Succeeds());
}

// Limit at page 5, hole at page 6: the batch ends before the hole, and the limit is hit first.
TEST(Type1MapTest, LimitBeatsALaterHole) {
  TestProcess p(GoldenMachine(), {.cap_ipc_lock = false, .rlimit_memlock = 4 * kPage});
  const int c = p.SetUp();
  p.AddMemory(0x200000000, 5);
  EXPECT_THAT(p.Map(c, 0, 0x200000000, 6 * kPage), FailsBy(Errno::kNOMEM, "type1.pin.memlock"));
  p.system().SetMemlockLimit(p.task(), 5 * kPage);
  EXPECT_THAT(p.Map(c, 0, 0x200000000, 6 * kPage), FailsBy(Errno::kFAULT, "type1.pin.fault"));
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(p.memory().pinned_pages(), 0u);
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_THAT(p.Map(c, 0, 0x200000000, 5 * kPage), Succeeds());
  EXPECT_EQ(p.locked_pages(), 5u);
}

// CAP_IPC_LOCK lifts the limit, but the pages still count (facts row 52).
TEST(Type1MapTest, CapabilityLiftsTheLimitNotTheCharge) {
  TestProcess p(GoldenMachine(), {.cap_ipc_lock = true, .rlimit_memlock = 0});
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, kBuffer, 2 * kPage), Succeeds());
  EXPECT_EQ(p.locked_pages(), 2u);
}

// 6.1 gives a read-only pin of never-written memory the zero page, which is not charged.
TEST(Type1MapTest, ZeroPageIsFreeOn61Only) {
  for (const char* kernel : {"6.1", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(GoldenMachine(kernel), {.cap_ipc_lock = false, .rlimit_memlock = 0});
    const int c = p.SetUp();
    p.AddMemory(0x200000000, 1, /*write=*/true, /*touch=*/false);
    const Outcome outcome = p.Map(c, 0, 0x200000000, kPage, abi::kVfioDmaMapFlagRead);
    if (std::string(kernel) == "6.1") {
      EXPECT_THAT(outcome, Succeeds());
    } else {
      EXPECT_THAT(outcome, FailsWithErrno(Errno::kNOMEM));
    }
    EXPECT_EQ(p.locked_pages(), 0u);
  }
}

// Device memory is mapped without a charge (facts row 58).
TEST(Type1MapTest, BarIsMappedAndNotCharged) {
  TestProcess p;
  const int c = p.SetUp();
  const Outcome device = p.GetDeviceFd(p.group(), 0);
  ASSERT_THAT(device, Succeeds());
  EXPECT_THAT(p.system().MmapDevice(p.task(), static_cast<int>(device.ret), 0x300000000, 16 * kPage,
                                    true, true, RegionOffset(0)),
              Succeeds());
  EXPECT_THAT(p.Map(c, 0x100000, 0x300000000, 16 * kPage), Succeeds());
  EXPECT_EQ(p.locked_pages(), 0u);
  EXPECT_EQ(p.Reach(0), "100000+16:rw");
  uint64_t unmapped = 0;
  EXPECT_THAT(p.Unmap(c, 0x100000, 16 * kPage, 0, &unmapped), Succeeds());
  EXPECT_EQ(unmapped, 16 * kPage);
  EXPECT_EQ(p.Reach(0), "");
}

TEST(Type1MapTest, FailedAllocationLeavesNothing) {
  class FailAt final : public sim::PointHook {
   public:
    explicit FailAt(int n) : left_(n) {}
    bool Reached(const char*) override { return left_-- == 0; }
    bool fired() const { return left_ < 0; }

   private:
    int left_;
  };
  for (int n = 0; n < 20; ++n) {
    SCOPED_TRACE(n);
    TestProcess p;
    const int c = p.SetUp();
    const sim::Digest before = p.system().IdentityDigest();
    FailAt hook(n);
    p.system().SetHook(&hook);
    const Outcome outcome = p.Map(c, 0x10000, kBuffer, 4 * kPage);
    p.system().SetHook(nullptr);
    if (!hook.fired()) {
      EXPECT_GE(n, 4);  // user copy, allocation, pin, map
      return;
    }
    EXPECT_FALSE(outcome.ok());
    EXPECT_EQ(p.system().IdentityDigest(), before);
    EXPECT_EQ(p.memory().pinned_pages(), 0u);
  }
  FAIL() << "the call never got through";
}

}  // namespace
}  // namespace iovalid::compat
