// SPDX-License-Identifier: Apache-2.0
// Opening and closing devices, and their ioctls: vfio_main.c and vfio_df_group_open.
#include "compat/abi/vfio.h"
#include "compat/system.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kNoContainer{"device.open.no_container", "vfio_df_group_open",
                            "the group has neither a container nor an iommufd"};
constexpr Rule kNoBackend{"device.open.no_backend", "vfio_group_use_container",
                          "the container's IOMMU type has not been set"};
constexpr Rule kNoIommuRawio{"device.open.noiommu_rawio", "vfio_df_group_open",
                             "a no-IOMMU device needs CAP_SYS_RAWIO"};
constexpr Rule kNoIommuIoas{"device.open.noiommu_ioas", "vfio_df_group_open",
                            "a no-IOMMU device on an iommufd that has a compatibility IOAS"};
constexpr Rule kEmulatedIoctl{"unmodelled.device.emulated", "vfio_device_fops_unl_ioctl",
                              "what the driver of an emulated device answers is not modelled"};
constexpr Rule kNotBound{"device.ioctl.not_bound", "vfio_device_fops_unl_ioctl",
                         "the device file is not bound to an iommufd yet"};

}  // namespace

// What the vfio-pci calls see of the files around them.
class System::DeviceEnvironment final : public DeviceCallEnvironment {
 public:
  DeviceEnvironment(System& system, sim::TaskId task, const DeviceFile& file)
      : system_(system), task_(task), file_(file) {}

  FileKind KindOfFd(int fd) const override {
    const FileIndex file = system_.FileOf(task_, fd);
    return file == kNoIndex ? FileKind::kNone : system_.files_[file].kind;
  }
  int InstallDmabuf(DmabufExport dmabuf, bool /*close_on_exec*/) override {
    const Outcome outcome =
        system_.InstallFile(task_, FileKind::kDmabuf, system_.dmabufs_.Add(std::move(dmabuf)));
    return outcome.ok() ? static_cast<int>(outcome.ret) : -1;
  }
  void MoveDmabufs(DeviceIndex device, bool revoked) override {
    system_.MoveDmabufs(device, revoked);
  }
  bool OpenedAsCdev() const override { return !file_.through_group; }
  const std::vector<DeviceConfig>& Devices() const override { return system_.config_->devices; }
  bool GroupFdHasDevice(int fd, DeviceIndex device) const override {
    const FileIndex file = system_.FileOf(task_, fd);
    return file != kNoIndex && system_.files_[file].kind == FileKind::kGroup &&
           system_.files_[file].index == system_.kernel_.group_of_device[device];
  }
  uint32_t GroupNumber(DeviceIndex device) const override {
    const std::string& path = system_.config_->devices[device].group_path;
    uint32_t number = 0;
    for (char c : path.substr(path.rfind('/') + 1)) {
      if (c >= '0' && c <= '9') number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    return number;
  }
  // vfio_iommufd_get_dev_id
  uint32_t HotResetDevId(DeviceIndex device) const override {
    const VfioDevice& vdev = system_.devices_[device];
    if (vdev.iommufd != kNoIndex && vdev.iommufd == file_.iommufd) return vdev.iommufd_object;
    for (DeviceIndex other :
         system_.kernel_.groups[system_.kernel_.group_of_device[device]].devices) {
      if (system_.devices_[other].iommufd != kNoIndex &&
          system_.devices_[other].iommufd == file_.iommufd) {
        return abi::kVfioPciDevidOwned;
      }
    }
    return abi::kVfioPciDevidNotOwned;
  }

 private:
  System& system_;
  sim::TaskId task_;
  const DeviceFile& file_;
};

Outcome System::BindIommufd(Call& call, DeviceIndex device, FileIndex iommufd) {
  VfioDevice& vdev = devices_[device];
  Outcome outcome =
      IsEmulated(device)
          ? context(iommufd).BindAccess(call, device, &vdev.iommufd_object)
          : context(iommufd).BindDevice(call, device, OwnerToken(FileKind::kIommufd, iommufd),
                                        &vdev.iommufd_object);
  if (!outcome.ok()) return outcome;
  vdev.iommufd = iommufd;
  GetFile(iommufd);
  return outcome;
}

void System::UnbindIommufd(DeviceIndex device) {
  VfioDevice& vdev = devices_[device];
  const FileIndex iommufd = vdev.iommufd;
  if (IsEmulated(device)) {
    context(iommufd).UnbindAccess(kernel_, vdev.iommufd_object);
  } else {
    context(iommufd).UnbindDevice(kernel_, vdev.iommufd_object);
  }
  vdev.iommufd = kNoIndex;
  vdev.iommufd_object = 0;
  PutFile(iommufd);
}

// vfio_df_group_open. Only the first file of a device binds or attaches anything: later ones share
// what the first one found, even if the group has moved to another iommufd since.
Outcome System::OpenDevice(Call& call, DeviceFile* file) {
  const DeviceIndex device = file->device;
  VfioDevice& vdev = devices_[device];
  VfioGroup& group = groups_[kernel_.group_of_device[device]];
  if (!group.HasIommu()) return Fail(Errno::kINVAL, kNoContainer);
  file->iommufd = group.iommufd;
  const bool noiommu = config_->devices[device].kind == DeviceKind::kNoIommu;
  const bool rawio = call.task().Capable(sim::kCapSysRawio);
  if (vdev.open_count != 0) {
    if (noiommu && !rawio && call.profile().vfio.noiommu_rawio_each_open) {
      return Fail(Errno::kPERM, kNoIommuRawio);
    }
  } else {
    if (group.iommufd != kNoIndex && noiommu) {
      // Neither bound nor attached: nothing of it is translated.
      if (!rawio) return Fail(Errno::kPERM, kNoIommuRawio);
      if (context(group.iommufd).HasCompatIoas()) return Fail(Errno::kPERM, kNoIommuIoas);
    } else if (group.iommufd != kNoIndex) {
      Outcome bound = BindIommufd(call, device, group.iommufd);
      if (!bound.ok()) return bound;
      Outcome attached =
          IsEmulated(device)
              ? context(group.iommufd).CompatAttachAccess(call, vdev.iommufd_object)
              : context(group.iommufd).CompatAttach(call, vdev.iommufd_object);
      if (!attached.ok()) {
        UnbindIommufd(device);
        return attached;
      }
    } else {
      Container& container = containers_[group.container];
      if (!container.has_backend()) return Fail(Errno::kINVAL, kNoBackend);
      if (noiommu && !rawio) return Fail(Errno::kPERM, kNoIommuRawio);
      if (container.backend()) container.mutable_backend().RegisterDevice(kernel_, device);
      // The device keeps the group file open, and the group in its container.
      vdev.group_file = group.opened_file;
      GetFile(group.opened_file);
      ++group.container_users;
    }
  }
  ++vdev.open_count;
  return Ok();
}

// close_device: the driver gives back what it has pinned.
void System::CloseDriver(DeviceIndex device) {
  const VfioDevice& vdev = devices_[device];
  for (const DriverPin& pin : kernel_.drivers[device].TakeAtClose()) {
    const auto pages = static_cast<int32_t>(pin.pages);
    const VfioGroup& group = groups_[kernel_.group_of_device[device]];
    if (group.container != kNoIndex) {
      containers_[group.container].mutable_backend().UnpinPages(kernel_, pin.iova, pages);
    } else if (vdev.iommufd != kNoIndex) {
      context(vdev.iommufd).UnpinAccess(kernel_, vdev.iommufd_object, pin.iova, pages);
    }
  }
}

// vfio_df_close and vfio_df_device_last_close.
void System::CloseDevice(const DeviceFile& file) {
  VfioDevice& vdev = devices_[file.device];
  if (--vdev.open_count != 0) return;
  CloseDmabufs(file.device);
  VfioPciClose(vdev.pci);
  CloseDriver(file.device);
  if (vdev.iommufd != kNoIndex) {
    UnbindIommufd(file.device);
  } else if (vdev.group_file != kNoIndex) {
    VfioGroup& group = groups_[kernel_.group_of_device[file.device]];
    if (containers_[group.container].backend()) {
      containers_[group.container].mutable_backend().UnregisterDevice(file.device);
    }
    --group.container_users;
    const FileIndex group_file = vdev.group_file;
    vdev.group_file = kNoIndex;
    PutFile(group_file);
  }
}

// vfio_device_fops_release
void System::ReleaseDeviceFile(uint32_t index) {
  const DeviceFile file = device_files_[index];
  device_files_.Remove(index);
  if (file.through_group) {
    CloseDevice(file);
  } else if (file.access_granted) {
    CloseDevice(file);
    PutFile(file.iommufd);
    --groups_[kernel_.group_of_device[file.device]].cdev_opens;
  }
}

Outcome System::DeviceIoctl(Call& call, uint32_t device_file, uint32_t cmd, uint64_t arg) {
  DeviceFile& file = device_files_[device_file];
  if (!file.through_group && cmd == abi::kVfioDeviceBindIommufd) {
    return CdevBind(call, &file, arg);
  }
  if (!file.access_granted) return Fail(Errno::kINVAL, kNotBound);
  if (!file.through_group && cmd == abi::kVfioDeviceAttachIommufdPt) {
    return CdevAttach(call, file, arg);
  }
  if (!file.through_group && cmd == abi::kVfioDeviceDetachIommufdPt) {
    return CdevDetach(call, file, arg);
  }
  if (IsEmulated(file.device)) return Fail(Errno::kNOTTY, kEmulatedIoctl);
  DeviceEnvironment environment(*this, call.task_id, file);
  return VfioPciIoctl(call, config_->devices[file.device], devices_[file.device].pci, environment,
                      cmd, arg);
}

Outcome System::WriteDevice(Call& call, const DeviceFile& file, uint64_t addr, uint64_t count,
                            uint64_t offset) {
  DeviceEnvironment environment(*this, call.task_id, file);
  return VfioPciWrite(call, config_->devices[file.device], devices_[file.device].pci, environment,
                      addr, count, offset);
}

}  // namespace iovalid::compat
