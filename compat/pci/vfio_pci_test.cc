// SPDX-License-Identifier: Apache-2.0
// What the recordings cannot show: failing allocations, dma-bufs from inside, cdev, a kernel's bug.
#include "compat/pci/vfio_pci.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "compat/pci/testing_device.h"

namespace iovalid::compat::pci {
namespace {

TestEnvironment::Names TwoBehindABridge() {
  TestEnvironment::Names names;
  for (uint32_t i = 0; i < 2; ++i) {
    DeviceConfig d;
    d.name = std::to_string(i);
    d.bdf = i == 0 ? "0000:01:01.0" : "0000:01:02.3";
    d.pci = *PciFunctionForModel(i == 0 ? "e1000e" : "edu", 0, i);
    names.devices.push_back(d);
    names.groups.push_back(i == 0 ? 4 : 9);
  }
  return names;
}

template <typename T>
void Append(std::vector<uint8_t>& bytes, const T& value) {
  const size_t at = bytes.size();
  bytes.resize(at + sizeof(value));
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

template <typename T>
T At(const std::vector<uint8_t>& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// Fails the first point of a name.
struct FailPoint final : sim::PointHook {
  explicit FailPoint(std::string name) : name(std::move(name)) {}
  bool Reached(const char* point) override {
    return !std::exchange(hit, hit || name == point) && hit;
  }
  std::string name;
  bool hit = false;
};

class VfioPciTest : public testing::Test {
 protected:
  explicit VfioPciTest(const PciProfile& profile = kPciProfile73)
      : m(profile, true, TwoBehindABridge()) {}

  Outcome SetIrqs(uint32_t index, uint32_t start, std::vector<int32_t> fds) {
    std::vector<uint8_t> in;
    Append(in, abi::VfioIrqSet{static_cast<uint32_t>(20 + 4 * fds.size()),
                               abi::kVfioIrqSetDataEventfd | abi::kVfioIrqSetActionTrigger, index,
                               start, static_cast<uint32_t>(fds.size())});
    for (int32_t fd : fds) Append(in, fd);
    return m.IoctlWith(0, abi::kVfioDeviceSetIrqs, in);
  }

  Outcome Dmabuf(uint32_t region, uint32_t open_flags,
                 std::vector<abi::VfioRegionDmaRange> ranges) {
    std::vector<uint8_t> in;
    Append(in, abi::VfioDeviceFeature{static_cast<uint32_t>(24 + 16 * ranges.size()),
                                      abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureDmaBuf});
    Append(in, abi::VfioDeviceFeatureDmaBuf{region, open_flags, 0,
                                            static_cast<uint32_t>(ranges.size())});
    for (const auto& r : ranges) Append(in, r);
    return m.IoctlWith(0, abi::kVfioDeviceFeature, in);
  }

  int Eventfd(int i) { return m.environment.Fd("e" + std::to_string(i)); }

  TestMachine m;
};

TEST_F(VfioPciTest, DmabufHoldsTheFramesOfItsRanges) {
  constexpr uint32_t kCloseOnExec = 02000000;
  const PciBar& bar = m.environment.Devices()[0].pci.bars[1];
  const Outcome o = Dmabuf(1, kCloseOnExec | 2, {{0x3000, 0x2000}, {0, 0x1000}});
  EXPECT_EQ(o.ret, TestEnvironment::kDmabuf);
  ASSERT_EQ(m.environment.dmabufs.size(), 1u);
  const DmabufExport& d = m.environment.dmabufs[0];
  EXPECT_EQ(d.region, 1u);
  EXPECT_EQ(d.size, 0x3000u);
  ASSERT_EQ(d.runs.size(), 2u);
  EXPECT_EQ(d.runs[0], (sim::PageRun{bar.first_frame + 3, 2, sim::PageClass::kMmio}));
  EXPECT_EQ(d.runs[1], (sim::PageRun{bar.first_frame, 1, sim::PageClass::kMmio}));
  EXPECT_TRUE(m.environment.last_close_on_exec);
  EXPECT_TRUE(Dmabuf(1, 2, {{0, 0x1000}}).ok());
  EXPECT_FALSE(m.environment.last_close_on_exec);
}

TEST_F(VfioPciTest, DmabufWithoutDescriptorIsEmfile) {
  m.environment.full = true;
  const Outcome o = Dmabuf(0, 0, {{0, 0x1000}});
  EXPECT_EQ(o.err, sim::Errno::kMFILE);
  EXPECT_STREQ(o.rule->id, "pci.dma_buf.no_fd");
  EXPECT_TRUE(m.environment.dmabufs.empty());
}

TEST_F(VfioPciTest, FailedAllocationsAreEnomemAndChangeNothing) {
  const VfioPciState before = m.states[0];
  for (const char* point : {"alloc:irq_set_data", "alloc:vfio_pci_irq_ctx"}) {
    FailPoint hook(point);
    m.kernel.hook = &hook;
    EXPECT_EQ(SetIrqs(abi::kVfioPciMsixIrqIndex, 0, {Eventfd(0)}).err, sim::Errno::kNOMEM);
    EXPECT_TRUE(hook.hit) << point;
    EXPECT_EQ(m.states[0], before) << point;
  }
  FailPoint hook("alloc:dma_buf_ranges");
  m.kernel.hook = &hook;
  EXPECT_EQ(Dmabuf(0, 0, {{0, 0x1000}}).err, sim::Errno::kNOMEM);
  EXPECT_TRUE(m.environment.dmabufs.empty());
}

TEST_F(VfioPciTest, FailedVectorLetsTheBlockGoAndKeepsTheOthers) {
  ASSERT_TRUE(SetIrqs(abi::kVfioPciMsixIrqIndex, 0, {Eventfd(0), Eventfd(1), Eventfd(2)}).ok());
  EXPECT_EQ(SetIrqs(abi::kVfioPciMsixIrqIndex, 1, {Eventfd(3), 999}).err, sim::Errno::kBADF);
  EXPECT_EQ(m.states[0].irq_type, abi::kVfioPciMsixIrqIndex);
  EXPECT_EQ(m.states[0].triggers, (std::vector<bool>{true, false, false}));
}

TEST_F(VfioPciTest, CloseForgetsInterrupts) {
  ASSERT_TRUE(SetIrqs(abi::kVfioPciMsixIrqIndex, 0, {Eventfd(0)}).ok());
  ASSERT_TRUE(SetIrqs(abi::kVfioPciReqIrqIndex, 0, {Eventfd(1)}).ok());
  EXPECT_TRUE(m.states[0].req_trigger);
  VfioPciClose(m.states[0]);
  EXPECT_EQ(m.states[0], VfioPciState{});
}

TEST_F(VfioPciTest, HotResetInfoOfACdevNamesDeviceIds) {
  m.environment.cdev = true;
  m.environment.dev_ids = {5, abi::kVfioPciDevidOwned};
  std::vector<uint8_t> in;
  Append(in, abi::VfioPciHotResetInfo{28, 0xffffffff, 0});
  in.resize(28, 0xaa);
  std::vector<uint8_t> out = in;
  ASSERT_TRUE(m.IoctlWith(0, abi::kVfioDeviceGetPciHotResetInfo, out).ok());
  auto hdr = At<abi::VfioPciHotResetInfo>(out, 0);
  EXPECT_EQ(hdr.count, 2u);
  EXPECT_EQ(hdr.flags, abi::kVfioPciHotResetFlagDevId | abi::kVfioPciHotResetFlagDevIdOwned);
  auto first = At<abi::VfioPciDependentDevice>(out, 12);
  auto second = At<abi::VfioPciDependentDevice>(out, 20);
  EXPECT_EQ(first.id, 5u);
  EXPECT_EQ(first.devfn, 1u << 3);
  EXPECT_EQ(second.id, 0u);
  EXPECT_EQ(second.bus, 1u);
  EXPECT_EQ(second.devfn, 2u << 3 | 3);

  m.environment.dev_ids[1] = abi::kVfioPciDevidNotOwned;
  out = in;
  ASSERT_TRUE(m.IoctlWith(0, abi::kVfioDeviceGetPciHotResetInfo, out).ok());
  EXPECT_EQ(At<abi::VfioPciHotResetInfo>(out, 0).flags, abi::kVfioPciHotResetFlagDevId);
}

TEST_F(VfioPciTest, HotResetOfACdevTakesNoGroups) {
  m.environment.cdev = true;
  m.environment.dev_ids = {5, 6};
  std::vector<uint8_t> in;
  Append(in, abi::VfioPciHotReset{12, 0, 0});
  EXPECT_TRUE(m.IoctlWith(0, abi::kVfioDevicePciHotReset, in).ok());
  m.environment.dev_ids[1] = abi::kVfioPciDevidNotOwned;
  EXPECT_EQ(m.IoctlWith(0, abi::kVfioDevicePciHotReset, in).err, sim::Errno::kINVAL);
  in.clear();
  Append(in, abi::VfioPciHotReset{16, 0, 1});
  Append(in, m.environment.Fd("g0"));
  EXPECT_EQ(m.IoctlWith(0, abi::kVfioDevicePciHotReset, in).err, sim::Errno::kINVAL);
}

TEST_F(VfioPciTest, HotResetNeedsTheGroupsOfAllAffected) {
  std::vector<uint8_t> in;
  Append(in, abi::VfioPciHotReset{16, 0, 1});
  Append(in, m.environment.Fd("g0"));
  const Outcome one = m.IoctlWith(0, abi::kVfioDevicePciHotReset, in);
  EXPECT_EQ(one.err, sim::Errno::kINVAL);
  EXPECT_STREQ(one.rule->id, "pci.hot_reset.not_owned");
  in.clear();
  Append(in, abi::VfioPciHotReset{20, 0, 2});
  Append(in, m.environment.Fd("g0"));
  Append(in, m.environment.Fd("g1"));
  EXPECT_TRUE(m.IoctlWith(0, abi::kVfioDevicePciHotReset, in).ok());
}

TEST_F(VfioPciTest, IoeventfdsEndAtAThousand) {
  Outcome o;
  for (uint32_t i = 0; i <= 1000; ++i) {
    ASSERT_TRUE(o.ok()) << i;
    std::vector<uint8_t> in;
    Append(in, abi::VfioDeviceIoeventfd{32, 4, RegionOffset(0), i, Eventfd(0), 0});
    o = m.IoctlWith(0, abi::kVfioDeviceIoeventfd, in);
  }
  EXPECT_EQ(o.err, sim::Errno::kNOSPC);
  EXPECT_EQ(m.states[0].ioeventfds.size(), 1000u);
}

class VfioPciOldTest : public VfioPciTest {
 protected:
  VfioPciOldTest() : VfioPciTest(kPciProfile612) {}
};

TEST_F(VfioPciOldTest, NegativeIoeventfdOffsetIsAKernelBug) {
  std::vector<uint8_t> in;
  Append(in, abi::VfioDeviceIoeventfd{32, 1, uint64_t{1} << 63, 0, Eventfd(0), 0});
  const Outcome o = m.IoctlWith(0, abi::kVfioDeviceIoeventfd, in);
  EXPECT_EQ(o.err, sim::Errno::kINVAL);
  ASSERT_EQ(m.kernel.warnings.size(), 1u);
  EXPECT_EQ(m.kernel.warnings[0].rule, o.rule);
}

TEST_F(VfioPciTest, UnknownCommandsAreEnotty) {
  for (uint32_t cmd : {0u, 0x3b6au, abi::kVfioDeviceQueryGfxPlane, abi::kVfioDeviceGetGfxDmabuf,
                       abi::kVfioDeviceAttachIommufdPt, abi::kVfioMigGetPrecopyInfo,
                       abi::kVfioDeviceGetInfo | 1u << 31}) {
    const Outcome o = m.Ioctl(0, cmd, 0);
    EXPECT_EQ(o.err, sim::Errno::kNOTTY) << cmd;
    EXPECT_STREQ(o.rule->function, "vfio_pci_core_ioctl");
  }
}

}  // namespace
}  // namespace iovalid::compat::pci
