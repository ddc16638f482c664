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
  Outcome outcome = context(iommufd).BindDevice(
      call, device, OwnerToken(FileKind::kIommufd, iommufd), &vdev.iommufd_object);
  if (!outcome.ok()) return outcome;
  vdev.iommufd = iommufd;
  GetFile(iommufd);
  return outcome;
}

void System::UnbindIommufd(DeviceIndex device) {
  VfioDevice& vdev = devices_[device];
  const FileIndex iommufd = vdev.iommufd;
  context(iommufd).UnbindDevice(kernel_, vdev.iommufd_object);
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
  if (vdev.open_count == 0) {
    if (group.iommufd != kNoIndex) {
      Outcome bound = BindIommufd(call, device, group.iommufd);
      if (!bound.ok()) return bound;
      Outcome attached = context(group.iommufd).CompatAttach(call, vdev.iommufd_object);
      if (!attached.ok()) {
        UnbindIommufd(device);
        return attached;
      }
    } else {
      if (!containers_[group.container].has_backend()) return Fail(Errno::kINVAL, kNoBackend);
      // The device keeps the group file open, and the group in its container.
      vdev.group_file = group.opened_file;
      GetFile(group.opened_file);
      ++group.container_users;
    }
  }
  ++vdev.open_count;
  return Ok();
}

// vfio_df_close and vfio_df_device_last_close.
void System::CloseDevice(const DeviceFile& file) {
  VfioDevice& vdev = devices_[file.device];
  if (--vdev.open_count != 0) return;
  VfioPciClose(vdev.pci);
  if (vdev.iommufd != kNoIndex) {
    UnbindIommufd(file.device);
  } else if (vdev.group_file != kNoIndex) {
    --groups_[kernel_.group_of_device[file.device]].container_users;
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
  DeviceEnvironment environment(*this, call.task_id, file);
  return VfioPciIoctl(call, config_->devices[file.device], devices_[file.device].pci, environment,
                      cmd, arg);
}

}  // namespace iovalid::compat
