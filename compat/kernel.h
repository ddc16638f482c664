// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_KERNEL_H_
#define IOVALID_COMPAT_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compat/emulated_driver.h"
#include "compat/outcome.h"
#include "compat/profile.h"
#include "compat/system_config.h"
#include "hwmodel/iommu.h"
#include "sim/fault_point.h"
#include "sim/mm.h"
#include "sim/mm_account.h"
#include "sim/task.h"

namespace iovalid::compat {

using DeviceIndex = uint32_t;  // index into SystemConfig::devices; also the hwmodel SourceId
using GroupIndex = uint32_t;   // IOMMU group, 0-based in the order of SystemConfig::devices
using FileIndex = uint32_t;    // an open file (struct file)

// No such device, group, file or container.
inline constexpr uint32_t kNoIndex = ~uint32_t{0};

// A kernel WARN that a call set off. The program does not see it, whoever reads the log does.
struct KernelWarning {
  const Rule* rule = nullptr;
};

// An iommu_group: its devices, who claimed its DMA, and the domain its devices use.
struct IommuGroup {
  std::vector<DeviceIndex> devices;
  DeviceKind kind = DeviceKind::kIommu;
  // The first device of the group is the bridge above `devices`, which are not PCI Express and use
  // its requester id.
  bool led_by_bridge = false;
  // iommu_group_claim_dma_owner / iommu_device_claim_dma_owner: number of claims and the owner's
  // token (see Kernel::ClaimGroup). 0 claims: the kernel's own drivers may use DMA.
  uint32_t owner_count = 0;
  uint64_t owner = 0;
  hwmodel::DomainId domain = hwmodel::kNoDomain;  // kNoDomain: blocked or the default domain
};

// What all parts of one simulated kernel share: the hardware, the tasks, the accounts. A value:
// copying it copies the machine. The address spaces and the hook are attached, not contained, and a
// copy starts with those of the original; re-attach to separate them.
struct Kernel {
  explicit Kernel(const hwmodel::IommuConfig& config) : iommu(config) {}

  const KernelProfile* profile = nullptr;
  ModuleParameters parameters;
  hwmodel::Iommu iommu;
  bool isolated_msi = false;  // iommu_group_has_isolated_msi: interrupt remapping is on
  std::vector<IommuGroup> groups;
  std::vector<GroupIndex> group_of_device;
  std::vector<EmulatedDriver> drivers;  // by DeviceIndex
  std::vector<sim::Task> tasks;             // by TaskId
  std::vector<sim::MmAccount> mm_accounts;  // by MmId
  std::vector<sim::UserAccount> users;      // by UserId
  std::vector<KernelWarning> warnings;      // since the last call began
  std::vector<UnmapNotice> unmap_notices;   // dma_unmap callbacks, since the last call began

  std::vector<sim::Mm*> mms;  // by MmId; null: the address space is gone (exit_mmap)
  // The same, but never null once attached: pins outlive their address space, and whoever drops one
  // needs some way to memory.
  std::vector<sim::Mm*> releasers;
  sim::PointHook* hook = nullptr;

  // iommu_group_claim_dma_owner: fails with EPERM if anybody owns the group.
  sim::Errno ClaimGroup(GroupIndex group, uint64_t owner);
  // iommu_device_claim_dma_owner: several claims by one owner are counted; EPERM for another owner.
  sim::Errno ClaimDevice(DeviceIndex device, uint64_t owner);
  // Drops one claim (iommu_group_release_dma_owner, iommu_device_release_dma_owner).
  void ReleaseGroup(GroupIndex group);
  // Puts all devices of the group into `domain`, or out of any (kNoDomain: blocked while owned, the
  // default domain else; neither reaches user memory).
  void SetGroupDomain(GroupIndex group, hwmodel::DomainId domain);

  void Warn(const Rule& rule) { warnings.push_back({&rule}); }
};

// One system call in progress: who calls, on which kernel. Drivers also call from kernel threads
// (sim::kKernelThread), which have neither an address space nor a task.
struct Call {
  Kernel& kernel;
  sim::TaskId task_id;

  sim::Task& task() const { return kernel.tasks[task_id]; }
  sim::Mm& mm() const { return *kernel.mms[task().mm]; }
  const KernelProfile& profile() const { return *kernel.profile; }

  // copy_from_user / copy_to_user: true if all `len` bytes were copied.
  bool CopyIn(uint64_t addr, void* to, size_t len) const {
    return !sim::Point(kernel.hook, "copy_from_user") && mm().CopyIn(addr, to, len) == len;
  }
  bool CopyOut(uint64_t addr, const void* from, size_t len) const {
    return !sim::Point(kernel.hook, "copy_to_user") && mm().CopyOut(addr, from, len) == len;
  }
  // True if an allocation at the named point is to fail.
  bool AllocFails(const char* name) const { return sim::Point(kernel.hook, name); }
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_KERNEL_H_
