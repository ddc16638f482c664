// SPDX-License-Identifier: Apache-2.0
// Files, descriptors and tasks of a System.
#include <algorithm>

#include "compat/system.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kNoPath{"open.no_path", "do_sys_openat2", "there is no such device node"};
constexpr Rule kCdevRawio{"open.cdev_rawio", "vfio_device_fops_cdev_open",
                          "a no-IOMMU device needs CAP_SYS_RAWIO"};
constexpr Rule kNoFd{"fd.limit", "alloc_fd", "the task has no free descriptor"};
constexpr Rule kOpenAlloc{"open.alloc", "misc_open", "no memory for the file"};

// Containers and iommufds are one kind to a program, which asks either for the same.
constexpr uint64_t ComparedKind(FileKind kind) {
  return static_cast<uint64_t>(kind == FileKind::kIommufd ? FileKind::kContainer : kind);
}

}  // namespace

FileIndex System::FileOf(sim::TaskId task, int fd) const {
  const auto file = kernel_.tasks[task].fds.Get(fd);
  return file ? *file : kNoIndex;
}

void System::CountFile(sim::TaskId task, int fd, FileIndex index, bool added) {
  const File& file = files_[index];
  uint64_t target = 0;
  if (file.kind == FileKind::kGroup) target = file.index;
  if (file.kind == FileKind::kDevice) target = device_files_[file.index].device;
  const sim::Digest digest =
      sim::HashWords('f', task, static_cast<uint64_t>(fd), ComparedKind(file.kind), target);
  if (added) {
    files_digest_ += digest;
  } else {
    files_digest_ -= digest;
  }
}

Outcome System::InstallFile(sim::TaskId task, FileKind kind, uint32_t index) {
  const FileIndex file = files_.Alloc(File{kind, index, 1});
  const int fd = kernel_.tasks[task].fds.Install(file);
  if (fd < 0) {
    PutFile(file);
    return Fail(Errno::kMFILE, kNoFd);
  }
  CountFile(task, fd, file, true);
  return Ok(fd);
}

Outcome System::InstallForeignFile(sim::TaskId task, ForeignFile kind, uint32_t object) {
  switch (kind) {
    case ForeignFile::kMemfd:
      return InstallFile(task, FileKind::kMemfd, object);
    case ForeignFile::kEventfd:
      return InstallFile(task, FileKind::kEventfd, object);
    case ForeignFile::kOther:
      break;
  }
  return InstallFile(task, FileKind::kOther, object);
}

void System::PutFile(FileIndex index) {
  if (--files_[index].refs != 0) return;
  const File file = files_[index];
  // The slot is free before the release runs: it may drop the last reference on other files.
  files_.Free(index);
  switch (file.kind) {
    case FileKind::kContainer:
      PutContainer(file.index);
      break;
    case FileKind::kIommufd:
      ReleaseIommufd(file.index);
      break;
    case FileKind::kFaultQueue:
      ReleaseFaultQueue(file.index);
      break;
    case FileKind::kGroup:
      ReleaseGroupFile(file.index);
      break;
    case FileKind::kDevice:
      ReleaseDeviceFile(file.index);
      break;
    case FileKind::kDmabuf:
      dmabufs_.Remove(file.index);
      break;
    case FileKind::kMemfd:
    case FileKind::kEventfd:
    case FileKind::kOther:
    case FileKind::kNone:
      break;
  }
}

Outcome System::Open(sim::TaskId task, std::string_view path) {
  Call call = Begin(task);
  const bool own_node = config_->container_node == ContainerNode::kIommufd;
  if (path == "/dev/vfio/vfio" && !own_node) {
    if (call.AllocFails("alloc:vfio_container")) return Fail(Errno::kNOMEM, kOpenAlloc);
    const uint32_t container = containers_.Add();
    NumberSpace(container, &container_numbers_);
    containers_[container].refs = 1;
    return InstallFile(task, FileKind::kContainer, container);
  }
  const bool iommu_node = path == "/dev/iommu";
  if ((iommu_node || path == "/dev/vfio/vfio") && call.profile().vfio.has_iommufd) {
    if (call.AllocFails("alloc:iommufd_ctx")) return Fail(Errno::kNOMEM, kOpenAlloc);
    const uint32_t iommufd = iommufds_.Add(/*mm_accounting=*/!iommu_node);
    NumberSpace(iommufd, &iommufd_numbers_);
    return InstallFile(task, FileKind::kIommufd, iommufd);
  }
  for (DeviceIndex device = 0; device < config_->devices.size(); ++device) {
    const DeviceConfig& config = config_->devices[device];
    if (config.kind == DeviceKind::kKernelDriver) continue;
    if (path == config.group_path) return OpenGroup(call, config.group);
    if (call.profile().vfio.has_cdev && !path.empty() && path == config.cdev_path) {
      if (config.kind == DeviceKind::kNoIommu && !call.task().Capable(sim::kCapSysRawio)) {
        return Fail(Errno::kPERM, kCdevRawio);
      }
      return InstallFile(task, FileKind::kDevice, device_files_.Add(DeviceFile{.device = device}));
    }
  }
  return Fail(Errno::kNOENT, kNoPath);
}

Outcome System::Close(sim::TaskId task, int fd) {
  Begin(task);
  const FileIndex file = FileOf(task, fd);
  if (file == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  CountFile(task, fd, file, false);
  kernel_.tasks[task].fds.Remove(fd);
  PutFile(file);
  return Ok();
}

Outcome System::Dup(sim::TaskId task, int fd) {
  Begin(task);
  const FileIndex file = FileOf(task, fd);
  if (file == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  const int copy = kernel_.tasks[task].fds.Install(file);
  if (copy < 0) return Fail(Errno::kMFILE, kNoFd);
  GetFile(file);
  CountFile(task, copy, file, true);
  return Ok(copy);
}

sim::TaskId System::Fork(sim::TaskId parent, sim::MmId mm) {
  const auto child = static_cast<sim::TaskId>(kernel_.tasks.size());
  sim::Task task = kernel_.tasks[parent];
  task.mm = mm;
  task.group_leader = child;
  kernel_.tasks.push_back(std::move(task));
  kernel_.tasks[child].fds.ForEach([&](int fd, FileIndex file) {
    GetFile(file);
    CountFile(child, fd, file, true);
  });
  return child;
}

void System::Exit(sim::TaskId task) {
  std::vector<int> open;
  kernel_.tasks[task].fds.ForEach([&](int fd, FileIndex) { open.push_back(fd); });
  for (int fd : open) (void)Close(task, fd);
}

void System::Exec(sim::TaskId task, sim::MmId mm, const std::vector<int>& kept) {
  kernel_.tasks[task].mm = mm;
  std::vector<int> closed;
  kernel_.tasks[task].fds.ForEach([&](int fd, FileIndex) {
    if (!std::binary_search(kept.begin(), kept.end(), fd)) closed.push_back(fd);
  });
  for (int fd : closed) (void)Close(task, fd);
}

}  // namespace iovalid::compat
