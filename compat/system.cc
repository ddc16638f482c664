// SPDX-License-Identifier: Apache-2.0
#include "compat/system.h"

#include <algorithm>
#include <utility>

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kNoIoctl{"ioctl.none", "vfs_ioctl", "the file knows no such ioctl"};
constexpr Rule kMmapNoAccess{"mmap.no_access", "vfio_device_fops_mmap",
                             "the device file is not bound to an iommufd yet"};
constexpr Rule kMmapEmulated{"unmodelled.device.emulated_mmap", "vfio_device_fops_mmap",
                             "what the driver of an emulated device maps is not modelled"};
constexpr Rule kMmapNoDevice{"mmap.no_device", "do_mmap", "the file can't be mapped"};
constexpr Rule kNoCompatIoctl{"iommufd.ioctl.bits32", "compat_sys_ioctl",
                              "iommufd_fops has no compat_ioctl for programs of 32 bits"};
constexpr Rule kMmapFailed{"mmap.address", "do_mmap", "the address range can't be mapped"};

// Whether a conventional PCI function stands on another bus than the root bus ("0000:00:02.0").
bool BehindBridge(const DeviceConfig& device) {
  return !device.pci.pcie && device.bdf.size() > 6 && device.bdf.compare(5, 2, "00") != 0;
}

hwmodel::IommuConfig HardwareOf(const SystemConfig& config) {
  hwmodel::IommuConfig iommu = config.iommu;
  iommu.rules = config.profile->iommu;
  return iommu;
}

}  // namespace

System::System(SystemConfig config)
    : config_(std::make_shared<const SystemConfig>(std::move(config))),
      kernel_(HardwareOf(*config_)),
      devices_(config_->devices.size()) {
  kernel_.profile = config_->profile;
  kernel_.parameters = config_->parameters;
  kernel_.isolated_msi = config_->interrupt_remapping;
  for (DeviceIndex device = 0; device < config_->devices.size(); ++device) {
    const GroupIndex group = config_->devices[device].group;
    if (group >= kernel_.groups.size()) kernel_.groups.resize(group + 1);
    kernel_.groups[group].devices.push_back(device);
    if (config_->devices[device].kind == DeviceKind::kKernelDriver) {
      // iommu_device_use_default_domain: one claim for each such driver, and no owner.
      ++kernel_.groups[group].owner_count;
    } else {
      kernel_.groups[group].kind = config_->devices[device].kind;
    }
    kernel_.drivers.emplace_back(config_->devices[device].dma_unmap);
    if (BehindBridge(config_->devices[device])) kernel_.groups[group].led_by_bridge = true;
    kernel_.group_of_device.push_back(group);
    kernel_.iommu.Detach(device);
  }
  groups_.resize(kernel_.groups.size());
}

sim::MmId System::AttachMm(sim::Mm* mm) {
  kernel_.mms.push_back(mm);
  kernel_.releasers.push_back(mm);
  kernel_.mm_accounts.emplace_back();
  return static_cast<sim::MmId>(kernel_.mms.size() - 1);
}

void System::AttachMm(sim::MmId id, sim::Mm* mm) {
  const bool gone = kernel_.mms[id] == nullptr && kernel_.releasers[id] != nullptr;
  kernel_.releasers[id] = mm;
  if (!gone) kernel_.mms[id] = mm;
}

sim::TaskId System::AddTask(sim::MmId mm, const TaskConfig& config) {
  sim::Task task;
  task.mm = mm;
  task.uid = config.uid;
  task.rlimit_memlock = config.rlimit_memlock;
  task.bits32 = config.bits32;
  if (!config.cap_ipc_lock) task.DropCapability(sim::kCapIpcLock);
  const auto user = std::find_if(kernel_.users.begin(), kernel_.users.end(),
                                 [&](const sim::UserAccount& u) { return u.uid == config.uid; });
  task.user = static_cast<sim::UserId>(user - kernel_.users.begin());
  if (user == kernel_.users.end()) kernel_.users.push_back({.uid = config.uid});
  const auto id = static_cast<sim::TaskId>(kernel_.tasks.size());
  task.group_leader = id;
  kernel_.tasks.push_back(std::move(task));
  return id;
}

void System::SetMemlockLimit(sim::TaskId task, uint64_t bytes) {
  kernel_.tasks[task].rlimit_memlock = bytes;
}

void System::DropCapability(sim::TaskId task, int capability) {
  kernel_.tasks[task].DropCapability(capability);
}

Outcome System::Ioctl(sim::TaskId task, int fd, uint32_t cmd, uint64_t arg) {
  Call call = Begin(task);
  const FileIndex index = FileOf(task, fd);
  if (index == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  const File file = files_[index];
  switch (file.kind) {
    case FileKind::kContainer:
      return containers_[file.index].Ioctl(call, cmd, arg);
    case FileKind::kIommufd:
      // The files of VFIO have compat_ptr_ioctl, as their structs are the same for 32 bits.
      if (call.task().bits32) return Fail(Errno::kNOTTY, kNoCompatIoctl);
      return IommufdIoctl(call, index, cmd, arg);
    case FileKind::kGroup:
      return GroupIoctl(call, file.index, cmd, arg);
    case FileKind::kDevice:
      return DeviceIoctl(call, file.index, cmd, arg);
    default:
      return Fail(Errno::kNOTTY, kNoIoctl);
  }
}

Outcome System::MmapDevice(sim::TaskId task, int fd, uint64_t addr, uint64_t len, bool read,
                           bool write, uint64_t offset) {
  Call call = Begin(task);
  const FileIndex index = FileOf(task, fd);
  if (index == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  const File file = files_[index];
  if (file.kind != FileKind::kDevice) return Fail(Errno::kNODEV, kMmapNoDevice);
  const DeviceFile& device_file = device_files_[file.index];
  if (!device_file.access_granted) return Fail(Errno::kINVAL, kMmapNoAccess);
  if (IsEmulated(device_file.device)) return Fail(Errno::kINVAL, kMmapEmulated);
  sim::PageId first;
  Outcome resolved =
      ResolveMmap(call, config_->devices[device_file.device].pci, offset, len, write, &first);
  if (!resolved.ok()) return resolved;
  const uint32_t cookie = mappings_.Add(DeviceMapping{index, 1});
  GetFile(index);
  const uint64_t pages = (len + sim::kPageSize - 1) >> sim::kPageShift;
  const Errno mapped = call.mm().MapPfns(addr, pages, read, write, first, cookie);
  if (mapped != Errno::kOk) {
    ReleaseMapping(cookie);
    return Fail(mapped, kMmapFailed);
  }
  return Ok(static_cast<int64_t>(addr));
}

void System::ReleaseMapping(uint32_t cookie) {
  DeviceMapping& mapping = mappings_[cookie];
  if (--mapping.holders != 0) return;
  const FileIndex file = mapping.file;
  mappings_.Remove(cookie);
  PutFile(file);
}

void System::RetainMapping(uint32_t cookie) { ++mappings_[cookie].holders; }

System::LiveObjects System::CountLive() const {
  LiveObjects live{static_cast<uint32_t>(files_.size()), 0, 0, 0};
  containers_.ForEach([&](uint32_t, const Container&) { ++live.containers; });
  iommufds_.ForEach([&](uint32_t, const IommufdContext&) { ++live.iommufds; });
  mappings_.ForEach([&](uint32_t, const DeviceMapping&) { ++live.mappings; });
  return live;
}

}  // namespace iovalid::compat
