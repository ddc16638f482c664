// SPDX-License-Identifier: Apache-2.0
// Group files: drivers/vfio/group.c.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "compat/abi/vfio.h"
#include "compat/pci/device_name.h"
#include "compat/system.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kOpenRawio{"group.open.rawio", "vfio_group_fops_open",
                          "a no-IOMMU group needs CAP_SYS_RAWIO"};
constexpr Rule kOpenBound{"group.open.bound", "vfio_group_fops_open",
                          "a device of the group is bound through its cdev"};
constexpr Rule kOpenTwice{"group.open.twice", "vfio_group_fops_open", "the group is open already"};
constexpr Rule kNoIoctl{"group.ioctl.unknown", "vfio_group_fops_unl_ioctl",
                        "groups have no such ioctl"};
constexpr Rule kStatusFault{"group.status.fault", "vfio_group_ioctl_get_status",
                            "the argument can't be read or written"};
constexpr Rule kStatusArgsz{"group.status.argsz", "vfio_group_ioctl_get_status",
                            "argsz is smaller than the struct (8 bytes)"};
constexpr Rule kSetFault{"group.set_container.fault", "vfio_group_ioctl_set_container",
                         "the argument can't be read"};
constexpr Rule kSetBadFd{"group.set_container.bad_fd", "vfio_group_ioctl_set_container",
                         "the descriptor is not open"};
constexpr Rule kSetTwice{"group.set_container.twice", "vfio_group_ioctl_set_container",
                         "the group has a container or an iommufd already"};
constexpr Rule kSetForeign{"group.set_container.foreign", "vfio_group_ioctl_set_container",
                           "the descriptor is neither a container nor an iommufd"};
constexpr Rule kUnsetNone{"group.unset_container.none", "vfio_group_ioctl_unset_container",
                          "the group has neither a container nor an iommufd"};
constexpr Rule kUnsetBusy{"group.unset_container.busy", "vfio_group_ioctl_unset_container",
                          "a device of the group is open in the container"};
constexpr Rule kNameFault{"group.get_device_fd.fault", "vfio_group_ioctl_get_device_fd",
                          "the name can't be read"};
constexpr Rule kNameLong{"group.get_device_fd.long", "strndup_user",
                         "the name has no end within a page"};
constexpr Rule kNameOption{"group.get_device_fd.option", "vfio_pci_core_match",
                           "an unknown option, or a VF token for a device without one"};
constexpr Rule kNameUnknown{"group.get_device_fd.unknown", "vfio_device_get_from_name",
                            "the group has no device of that name"};
constexpr Rule kNameAlloc{"group.get_device_fd.alloc", "vfio_allocate_device_file",
                          "no memory for the device file"};

// strndup_user(arg, PAGE_SIZE): the string with its end within a page, or an errno.
Errno ReadName(Call& call, uint64_t arg, std::string* name) {
  char buffer[sim::kPageSize];
  size_t have = 0;
  while (have < sizeof(buffer)) {
    // Not further than the page, so that a fault is one of the string's own bytes.
    const uint64_t at = arg + have;
    const size_t chunk = std::min<uint64_t>(
        sizeof(buffer) - have, std::min<uint64_t>(64, sim::kPageSize - at % sim::kPageSize));
    const size_t got = call.mm().CopyIn(at, buffer + have, chunk);
    if (const void* end = std::memchr(buffer + have, 0, got)) {
      name->assign(static_cast<const char*>(buffer),
                   static_cast<size_t>(static_cast<const char*>(end) - buffer));
      return Errno::kOk;
    }
    if (got < chunk) return Errno::kFAULT;
    have += got;
  }
  return Errno::kINVAL;
}

}  // namespace

Outcome System::OpenGroup(Call& call, GroupIndex group) {
  VfioGroup& g = groups_[group];
  if (kernel_.groups[group].kind == DeviceKind::kNoIommu &&
      !call.task().Capable(sim::kCapSysRawio)) {
    return Fail(Errno::kPERM, kOpenRawio);
  }
  if (g.cdev_opens != 0) return Fail(Errno::kBUSY, kOpenBound);
  if (g.opened_file != kNoIndex) return Fail(Errno::kBUSY, kOpenTwice);
  Outcome outcome = InstallFile(call.task_id, FileKind::kGroup, group);
  if (outcome.ok()) g.opened_file = FileOf(call.task_id, static_cast<int>(outcome.ret));
  return outcome;
}

void System::ReleaseGroupFile(GroupIndex group) {
  VfioGroup& g = groups_[group];
  if (g.container != kNoIndex) LeaveContainer(group);
  if (g.iommufd != kNoIndex) LeaveIommufd(group);
  g.opened_file = kNoIndex;
}

Outcome System::GroupIoctl(Call& call, GroupIndex group, uint32_t cmd, uint64_t arg) {
  switch (cmd) {
    case abi::kVfioGroupGetStatus:
      return GetStatus(call, groups_[group], group, arg);
    case abi::kVfioGroupSetContainer:
      return SetContainer(call, group, arg);
    case abi::kVfioGroupUnsetContainer:
      return UnsetContainer(call, group);
    case abi::kVfioGroupGetDeviceFd:
      return GetDeviceFd(call, group, arg);
    default:
      return Fail(Errno::kNOTTY, kNoIoctl);
  }
}

Outcome System::GetStatus(Call& call, const VfioGroup& group, GroupIndex index, uint64_t arg) {
  abi::VfioGroupStatus status;
  if (!call.CopyIn(arg, &status, sizeof(status))) return Fail(Errno::kFAULT, kStatusFault);
  if (status.argsz < sizeof(status)) return Fail(Errno::kINVAL, kStatusArgsz);
  status.flags = 0;
  if (group.HasIommu()) {
    status.flags = abi::kVfioGroupFlagsContainerSet | abi::kVfioGroupFlagsViable;
  } else if (kernel_.groups[index].owner_count == 0) {
    status.flags = abi::kVfioGroupFlagsViable;
  }
  if (!call.CopyOut(arg, &status, sizeof(status))) return Fail(Errno::kFAULT, kStatusFault);
  return Ok();
}

Outcome System::SetContainer(Call& call, GroupIndex group, uint64_t arg) {
  int32_t fd;
  if (!call.CopyIn(arg, &fd, sizeof(fd))) return Fail(Errno::kFAULT, kSetFault);
  const FileIndex index = FileOf(call.task_id, fd);
  if (index == kNoIndex) return Fail(Errno::kBADF, kSetBadFd);
  VfioGroup& g = groups_[group];
  if (g.HasIommu()) return Fail(Errno::kINVAL, kSetTwice);
  const File file = files_[index];
  if (file.kind == FileKind::kContainer) {
    Outcome outcome =
        containers_[file.index].AttachGroup(call, group, OwnerToken(FileKind::kGroup, group));
    if (!outcome.ok()) return outcome;
    g.container = file.index;
    g.container_users = 1;
  } else if (file.kind == FileKind::kIommufd) {
    IommufdContext& iommufd = iommufds_[file.index];
    Outcome outcome = kernel_.groups[group].kind == DeviceKind::kNoIommu
                          ? iommufd.CompatSetNoIommu(call)
                          : iommufd.CompatCreateIoas(call);
    if (!outcome.ok()) return outcome;
    g.iommufd = index;
    GetFile(index);
  } else {
    return Fail(call.profile().vfio.set_container_foreign_fd, kSetForeign);
  }
  files_digest_ += GroupLink(group);
  return Ok();
}

Outcome System::UnsetContainer(Call&, GroupIndex group) {
  VfioGroup& g = groups_[group];
  if (!g.HasIommu()) return Fail(Errno::kINVAL, kUnsetNone);
  if (g.container != kNoIndex) {
    if (g.container_users != 1) return Fail(Errno::kBUSY, kUnsetBusy);
    LeaveContainer(group);
  } else {
    LeaveIommufd(group);  // whether a device is open does not matter here
  }
  return Ok();
}

// vfio_group_detach_container
void System::LeaveContainer(GroupIndex group) {
  VfioGroup& g = groups_[group];
  const uint32_t container = g.container;
  containers_[container].DetachGroup(kernel_, group);
  files_digest_ -= GroupLink(group);
  g.container = kNoIndex;
  g.container_users = 0;
  if (containers_[container].refs == 0) containers_.Remove(container);
}

void System::LeaveIommufd(GroupIndex group) {
  VfioGroup& g = groups_[group];
  const FileIndex iommufd = g.iommufd;
  files_digest_ -= GroupLink(group);
  g.iommufd = kNoIndex;
  PutFile(iommufd);
}

void System::PutContainer(uint32_t container) {
  if (--containers_[container].refs == 0) containers_.Remove(container);
}

Outcome System::GetDeviceFd(Call& call, GroupIndex group, uint64_t arg) {
  std::string name;
  const Errno read = ReadName(call, arg, &name);
  if (read != Errno::kOk) return Fail(read, read == Errno::kFAULT ? kNameFault : kNameLong);
  // vfio_device_get_from_name: the newest device of the group comes first.
  const std::vector<DeviceIndex>& devices = kernel_.groups[group].devices;
  DeviceIndex device = kNoIndex;
  for (auto it = devices.rbegin(); it != devices.rend() && device == kNoIndex; ++it) {
    if (config_->devices[*it].kind == DeviceKind::kKernelDriver) continue;
    // A driver without a match callback: the name as it is.
    if (IsEmulated(*it)) {
      if (config_->devices[*it].bdf == name) device = *it;
      continue;
    }
    switch (MatchDeviceName(config_->devices[*it].bdf, name)) {
      case NameMatch::kNo:
        break;
      case NameMatch::kYes:
        device = *it;
        break;
      case NameMatch::kBadOption:
        return Fail(Errno::kINVAL, kNameOption);
    }
  }
  if (device == kNoIndex) return Fail(Errno::kNODEV, kNameUnknown);
  if (call.AllocFails("alloc:vfio_device_file")) return Fail(Errno::kNOMEM, kNameAlloc);
  DeviceFile file{.device = device, .through_group = true};
  Outcome opened = OpenDevice(call, &file);
  if (!opened.ok()) return opened;
  file.access_granted = true;
  return InstallFile(call.task_id, FileKind::kDevice, device_files_.Add(file));
}

}  // namespace iovalid::compat
