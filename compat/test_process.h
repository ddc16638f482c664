// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_TEST_PROCESS_H_
#define IOVALID_COMPAT_TEST_PROCESS_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "compat/abi/vfio.h"
#include "compat/system.h"
#include "sim/sim_memory.h"

namespace iovalid::compat {

// The machine that the golden recordings were made on: VT-d with 39 bits and three table levels, four
// edu devices dev0..dev3, dev2 and dev3 in one group.
SystemConfig GoldenMachine(std::string_view kernel = "7.3");

// The same with devices that are behind no IOMMU, each in a group of its own: dev4 (group 3) and
// dev5 (group 4) are emulated and their drivers can pin, dev6 (group 5) has no IOMMU at all. Unsafe
// no-IOMMU mode is on.
SystemConfig MixedMachine(std::string_view kernel = "7.3");

// A process on a simulated kernel, for tests: 16 writable pages at kBuffer, an argument page at kArg
// and helpers for the calls that tests make all the time.
class TestProcess {
 public:
  static constexpr uint64_t kBuffer = 0x100000000;
  static constexpr uint64_t kBufferPages = 16;
  static constexpr uint64_t kArg = 0x70000000;      // one page; the next is not mapped
  static constexpr uint64_t kScratch = 0x70010000;  // 16 pages
  static constexpr uint64_t kPage = sim::kPageSize;
  static constexpr uint32_t kRw = abi::kVfioDmaMapFlagRead | abi::kVfioDmaMapFlagWrite;

  explicit TestProcess(const SystemConfig& config = GoldenMachine(), const TaskConfig& task = {});
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  System& system() { return system_; }
  sim::SimMemory& memory() { return memory_; }
  sim::SimMm& mm() { return memory_.mm(0); }
  sim::TaskId task() const { return task_; }

  // Anonymous private memory, present where `touch`.
  void AddMemory(uint64_t addr, uint64_t pages, bool write = true, bool touch = true);

  // The descriptor; a failure ends the test program.
  int Open(std::string_view path);
  int OpenGroup(uint32_t group) { return Open(system_.config().devices[GroupLeader(group)].group_path); }
  Outcome TryOpen(std::string_view path) { return system_.Open(task_, path); }
  Outcome Close(int fd) { return system_.Close(task_, fd); }

  Outcome Ioctl(int fd, uint32_t cmd, uint64_t arg) { return system_.Ioctl(task_, fd, cmd, arg); }
  // The call with `arg` at kArg, which is read back afterwards. The page around it is 0xAA.
  template <typename T>
  Outcome Ioctl(int fd, uint32_t cmd, T* arg) {
    std::vector<uint8_t> page(kPage, 0xAA);
    std::memcpy(page.data(), arg, sizeof(*arg));
    mm().Poke(kArg, page.data(), page.size());
    Outcome outcome = Ioctl(fd, cmd, kArg);
    mm().Peek(kArg, arg, sizeof(*arg));
    return outcome;
  }

  Outcome SetContainer(int group, int container);
  Outcome SetIommu(int container, uint64_t type) {
    return Ioctl(container, abi::kVfioSetIommu, type);
  }
  Outcome GetDeviceFd(int group, uint32_t device);

  // Container and group 0 with SET_IOMMU(`type`); no device. Returns the container.
  int SetUp(uint64_t type = abi::kVfioType1v2Iommu, std::string_view path = "/dev/vfio/vfio");
  int group() const { return group_; }

  Outcome Map(int container, uint64_t iova, uint64_t vaddr, uint64_t size, uint32_t flags = kRw);
  // *unmapped: the size field after the call.
  Outcome Unmap(int container, uint64_t iova, uint64_t size, uint32_t flags = 0,
                uint64_t* unmapped = nullptr);

  uint64_t locked_pages() const { return system_.account(0).locked_vm; }
  uint64_t pinned_pages() const { return system_.account(0).pinned_vm; }
  // "iova+pages:rights", ascending, one run after the other: what `device` reaches.
  std::string Reach(uint32_t device);

 private:
  uint32_t GroupLeader(uint32_t group) const;

  sim::SimMemory memory_;
  System system_;
  sim::TaskId task_ = 0;
  int group_ = -1;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_TEST_PROCESS_H_
