// SPDX-License-Identifier: Apache-2.0
// Fault queues. Sources: drivers/iommu/iommufd/{eventq,hw_pagetable}.c and the golden families
// native-*.
#include <gtest/gtest.h>

#include "compat/iommufd/native_fixture.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

struct FaultQueue : Native {
  // *id: its object; returns its descriptor.
  int NewQueue(uint32_t* id) {
    abi::IommuFaultAlloc cmd{sizeof(cmd), 0, 0, 0};
    EXPECT_TRUE(p.Ioctl(fd, abi::kIommuFaultQueueAlloc, &cmd).ok());
    *id = cmd.out_fault_id;
    return static_cast<int>(cmd.out_fault_fd);
  }
  Outcome NewHwptWithQueue(uint32_t device, uint32_t ioas, uint32_t queue, uint32_t* id) {
    abi::IommuHwptAlloc cmd{};
    cmd.size = sizeof(cmd);
    cmd.flags = abi::kIommuHwptFaultIdValid;
    cmd.dev_id = device;
    cmd.pt_id = ioas;
    cmd.fault_id = queue;
    const Outcome outcome = p.Ioctl(fd, abi::kIommuHwptAlloc, &cmd);
    *id = cmd.out_hwpt_id;
    return outcome;
  }
};

TEST_F(FaultQueue, ArgumentsAreChecked) {
  abi::IommuFaultAlloc cmd{sizeof(cmd), 1, 0, 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuFaultQueueAlloc, &cmd).err, Errno::kOPNOTSUPP);
  cmd = {12, 0, 0, 0};
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuFaultQueueAlloc, &cmd).err, Errno::kINVAL);
}

TEST_F(FaultQueue, AnAnswerThatCannotBeWrittenLeavesNothing) {
  p.AddMemory(0x90000000, 1);
  const abi::IommuFaultAlloc cmd{sizeof(cmd), 0, 0, 0};
  p.mm().Poke(0x90000000, &cmd, sizeof(cmd));
  ASSERT_EQ(p.mm().Protect(0x90000000, kPage, true, false, false), Errno::kOk);
  const auto before = p.system().CountLive();
  EXPECT_EQ(p.Ioctl(fd, abi::kIommuFaultQueueAlloc, 0x90000000).err, Errno::kFAULT);
  EXPECT_EQ(p.system().CountLive().files, before.files);
  EXPECT_EQ(NewIoas(), 1u);
}

TEST_F(FaultQueue, CannotBeDestroyedWhileItsFileIsOpen) {
  uint32_t id = 0;
  const int queue = NewQueue(&id);
  EXPECT_EQ(id, 1u);
  const Outcome copy = p.system().Dup(p.task(), queue);
  ASSERT_TRUE(copy.ok());
  EXPECT_TRUE(p.Close(queue).ok());
  EXPECT_EQ(Destroy(id).err, Errno::kBUSY);
  EXPECT_TRUE(p.Close(static_cast<int>(copy.ret)).ok());
  EXPECT_TRUE(Destroy(id).ok());
}

TEST_F(FaultQueue, KeepsTheContextOpen) {
  uint32_t id = 0, device = 0;
  const uint32_t ioas = NewIoas();
  const int queue = NewQueue(&id);
  const int cdev = Bind(0, &device);
  ASSERT_TRUE(Map(ioas, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_TRUE(p.Close(cdev).ok());
  EXPECT_TRUE(p.Close(fd).ok());
  EXPECT_EQ(p.system().CountLive().iommufds, 1u);
  EXPECT_TRUE(p.Close(queue).ok());
  EXPECT_EQ(p.system().CountLive().iommufds, 0u);
  EXPECT_EQ(p.system().CountLive().files, 0u);
}

TEST_F(FaultQueue, AHwptUsesItAndNoDeviceCanAttach) {
  uint32_t id = 0, device = 0, hwpt = 0;
  const uint32_t ioas = NewIoas();
  const int queue = NewQueue(&id);
  const int cdev = Bind(0, &device);
  EXPECT_EQ(NewHwptWithQueue(device, ioas, ioas, &hwpt).err, Errno::kNOENT);
  ASSERT_TRUE(NewHwptWithQueue(device, ioas, id, &hwpt).ok());
  EXPECT_TRUE(p.Close(queue).ok());
  EXPECT_EQ(Destroy(id).err, Errno::kBUSY);
  EXPECT_EQ(Attach(cdev, hwpt).err, Errno::kNODEV);
  ASSERT_TRUE(Map(ioas, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(p.Reach(0), "10000+1:rw");
  EXPECT_TRUE(Destroy(hwpt).ok());
  EXPECT_TRUE(Destroy(id).ok());
  EXPECT_EQ(Attach(cdev, id).err, Errno::kNOENT);
}

// VT-d blocks the device before it finds out, and the program is told nothing about that. The IOAS
// has lost the reserved ranges of the device.
TEST_F(FaultQueue, AFailedReplaceLeavesTheDeviceBlocked) {
  uint32_t id = 0, device = 0, hwpt = 0;
  const uint32_t ioas = NewIoas();
  (void)NewQueue(&id);
  const int cdev = Bind(0, &device);
  ASSERT_TRUE(NewHwptWithQueue(device, ioas, id, &hwpt).ok());
  ASSERT_TRUE(Map(ioas, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(Map(ioas, 0xfee00000, kBuffer, kPage).err, Errno::kINVAL);
  EXPECT_EQ(Attach(cdev, hwpt).err, Errno::kNODEV);
  EXPECT_EQ(p.Reach(0), "");
  EXPECT_TRUE(Map(ioas, 0xfee00000, kBuffer, kPage).ok());
  // It is attached there already.
  EXPECT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(p.Reach(0), "");
  const uint32_t other = NewIoas();
  ASSERT_TRUE(Map(other, 0x20000, kBuffer, kPage).ok());
  EXPECT_TRUE(Attach(cdev, other).ok());
  EXPECT_EQ(p.Reach(0), "20000+1:rw");
}

// Behind a PCI bridge it is the bridge that is blocked.
TEST_F(FaultQueue, AFailedReplaceDoesNotReachBehindABridge) {
  uint32_t id = 0, device = 0, hwpt = 0;
  const uint32_t ioas = NewIoas();
  (void)NewQueue(&id);
  const int cdev = Bind(2, &device);
  ASSERT_TRUE(NewHwptWithQueue(device, ioas, id, &hwpt).ok());
  ASSERT_TRUE(Map(ioas, 0x10000, kBuffer, kPage).ok());
  ASSERT_TRUE(Attach(cdev, ioas).ok());
  EXPECT_EQ(Attach(cdev, hwpt).err, Errno::kNODEV);
  EXPECT_EQ(p.Reach(2), "10000+1:rw");
}

TEST_F(FaultQueue, IsNoTargetOfAnAttachment) {
  uint32_t id = 0, device = 0;
  (void)NewQueue(&id);
  const int cdev = Bind(0, &device);
  EXPECT_EQ(Attach(cdev, id).err, Errno::kINVAL);
  EXPECT_EQ(Map(id, 0x10000, kBuffer, kPage).err, Errno::kNOENT);
}

TEST_F(FaultQueue, EmptyQueueReadsAsNothing) {
  uint32_t id = 0;
  const int queue = NewQueue(&id);
  System& system = p.system();
  const sim::TaskId task = p.task();
  const Outcome read = system.Read(task, queue, kBuffer, sizeof(abi::IommuHwptPgfault));
  EXPECT_TRUE(read.ok());
  EXPECT_EQ(read.ret, 0);
  EXPECT_EQ(system.Read(task, queue, kBuffer, 41).err, Errno::kSPIPE);
  EXPECT_EQ(system.Read(task, queue, kBuffer, 40, 8).err, Errno::kSPIPE);
  EXPECT_EQ(system.Poll(task, queue).ret, 4);
  abi::IommuHwptPageResponse response{1, 2};
  p.mm().Poke(kBuffer, &response, sizeof(response));
  const Outcome code = system.Write(task, queue, kBuffer, sizeof(response));
  EXPECT_EQ(code.err, Errno::kINVAL);
  response.code = 0;
  p.mm().Poke(kBuffer, &response, sizeof(response));
  const Outcome cookie = system.Write(task, queue, kBuffer, sizeof(response));
  EXPECT_EQ(cookie.err, Errno::kINVAL);
  EXPECT_NE(code.rule, cookie.rule);
  EXPECT_EQ(system.Write(task, queue, kBuffer, 4).err, Errno::kSPIPE);
  EXPECT_EQ(system.Write(task, queue, 0x10, 8).err, Errno::kFAULT);
  EXPECT_EQ(system.Read(task, fd, kBuffer, 8).err, Errno::kINVAL);
  EXPECT_EQ(system.Read(task, 99, kBuffer, 8).err, Errno::kBADF);
}

}  // namespace
}  // namespace iovalid::compat
