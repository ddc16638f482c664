// SPDX-License-Identifier: Apache-2.0
// What iommufd, its fault queues and vfio-pci's dma-bufs do to each other's files.
#include "compat/system.h"

namespace iovalid::compat {

// The files of the calling task, for a command of one iommufd.
class System::IommufdFiles final : public ContextFiles {
 public:
  IommufdFiles(System& system, sim::TaskId task, FileIndex iommufd)
      : system_(system), task_(task), iommufd_(iommufd) {}

  File FileOfFd(int fd) const override {
    const FileIndex file = system_.FileOf(task_, fd);
    return file == kNoIndex ? File{} : system_.files_[file];
  }
  DmabufView Dmabuf(uint32_t index) const override {
    const DmabufExport& dmabuf = system_.dmabufs_[index];
    return {dmabuf.size, static_cast<uint32_t>(dmabuf.runs.size()), dmabuf.runs.front(),
            dmabuf.revoked};
  }
  ioas::FileToken HoldFile(int fd) override {
    const FileIndex file = system_.FileOf(task_, fd);
    system_.GetFile(file);
    return file;
  }
  int InstallFaultQueue(uint32_t object) override {
    system_.GetFile(iommufd_);
    const Outcome outcome = system_.InstallFile(
        task_, FileKind::kFaultQueue, system_.fault_queues_.Add(FaultQueueFile{iommufd_, object}));
    return outcome.ok() ? static_cast<int>(outcome.ret) : -1;
  }
  void RemoveFaultQueue(int fd) override {
    const FileIndex file = system_.FileOf(task_, fd);
    system_.CountFile(task_, fd, file, false);
    system_.kernel_.tasks[task_].fds.Remove(fd);
    system_.PutFile(file);
  }

 private:
  System& system_;
  sim::TaskId task_;
  FileIndex iommufd_;
};

Outcome System::IommufdIoctl(Call& call, FileIndex iommufd, uint32_t cmd, uint64_t arg) {
  IommufdFiles files(*this, call.task_id, iommufd);
  Outcome outcome = context(iommufd).Ioctl(call, cmd, arg, files);
  PutFiles(context(iommufd).TakeReleasedFiles());
  return outcome;
}

void System::ReleaseIommufd(uint32_t index) {
  iommufds_[index].Release(kernel_);
  const std::vector<FileIndex> released = iommufds_[index].TakeReleasedFiles();
  iommufds_.Remove(index);
  PutFiles(released);
}

void System::ReleaseFaultQueue(uint32_t index) {
  const FaultQueueFile queue = fault_queues_[index];
  fault_queues_.Remove(index);
  context(queue.iommufd).ReleaseFaultQueue(queue.object);
  PutFile(queue.iommufd);
}

void System::PutFiles(const std::vector<FileIndex>& files) {
  for (FileIndex file : files) PutFile(file);
}

// vfio_pci_dma_buf_move. Who imports a dma-buf that may be mapped again has to import it anew.
void System::MoveDmabufs(DeviceIndex device, bool revoked) {
  const VfioDevice& vdev = devices_[device];
  if (!revoked && (vdev.open_count == 0 || !vdev.pci.memory_decoding)) return;
  std::vector<uint32_t> moved;
  dmabufs_.ForEach([&](uint32_t index, const DmabufExport& dmabuf) {
    if (dmabuf.device == device && dmabuf.revoked != revoked) moved.push_back(index);
  });
  for (uint32_t index : moved) {
    dmabufs_[index].revoked = revoked;
    if (!revoked) continue;
    iommufds_.ForEachMutable(
        [&](uint32_t, IommufdContext& context) { context.RevokeDmabuf(kernel_, index); });
  }
}

// vfio_pci_dma_buf_cleanup: the last file of the device is closed. Its dma-bufs are of no use any
// more, although their files may stay open.
void System::CloseDmabufs(DeviceIndex device) {
  MoveDmabufs(device, /*revoked=*/true);
  dmabufs_.ForEachMutable([&](uint32_t, DmabufExport& dmabuf) {
    if (dmabuf.device == device) dmabuf.device = kNoIndex;
  });
}

}  // namespace iovalid::compat
