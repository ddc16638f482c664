// SPDX-License-Identifier: Apache-2.0
// read(2), write(2) and poll(2).
#include "compat/abi/iommufd.h"
#include "compat/system.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kFault{"rw.fault", "vfs_read, vfs_write", "the buffer can't be reached"};
constexpr Rule kNoAccess{"rw.no_access", "vfio_device_fops_read, vfio_device_fops_write",
                         "the device file is not bound to an iommufd yet"};
constexpr Rule kNoCall{"rw.none", "vfs_read, vfs_write", "the file can't be read or written"};
constexpr Rule kUnmodelledRead{"unmodelled.read", "vfs_read", "only fault queues can be read"};
constexpr Rule kUnmodelledWrite{"unmodelled.write", "vfs_write",
                                "the file's writes are not modelled"};
constexpr Rule kUnmodelledPoll{"unmodelled.poll", "vfs_poll", "only fault queues can be polled"};
constexpr Rule kQueueSize{"iommufd.fault_queue.size", "iommufd_fault_fops_read",
                          "not a multiple of the size of a message, or at an offset"};
constexpr Rule kQueueCode{"iommufd.fault_queue.code", "iommufd_fault_fops_write",
                          "the response has no such code"};
constexpr Rule kQueueCookie{"iommufd.fault_queue.cookie", "iommufd_fault_fops_write",
                            "no fault waits for this response"};

constexpr int64_t kPollOut = 4;           // POLLOUT
constexpr uint32_t kMaxResponseCode = 1;  // IOMMUFD_PAGE_RESP_INVALID

bool NoReadOrWrite(FileKind kind) {
  return kind == FileKind::kContainer || kind == FileKind::kIommufd || kind == FileKind::kGroup ||
         kind == FileKind::kDmabuf;
}

}  // namespace

// What read and write check alike: the descriptor, that the file has such calls, the buffer, and
// that a device file is bound.
Outcome System::CheckTransfer(const Call& call, int fd, uint64_t addr, uint64_t count,
                              File* file) const {
  const FileIndex index = FileOf(call.task_id, fd);
  if (index == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  *file = files_[index];
  if (NoReadOrWrite(file->kind)) return Fail(Errno::kINVAL, kNoCall);
  if (!call.mm().AccessOk(addr, count)) return Fail(Errno::kFAULT, kFault);
  if (file->kind == FileKind::kDevice && !device_files_[file->index].access_granted) {
    return Fail(Errno::kINVAL, kNoAccess);
  }
  return Ok();
}

// A fault queue is empty, and that is no error.
Outcome System::Read(sim::TaskId task, int fd, uint64_t addr, uint64_t count, uint64_t offset) {
  Call call = Begin(task);
  File file;
  if (Outcome checked = CheckTransfer(call, fd, addr, count, &file); !checked.ok()) return checked;
  if (file.kind != FileKind::kFaultQueue) return Fail(Errno::kNOSYS, kUnmodelledRead);
  if (offset != 0 || count % sizeof(abi::IommuHwptPgfault) != 0) {
    return Fail(Errno::kSPIPE, kQueueSize);
  }
  return Ok();
}

Outcome System::Write(sim::TaskId task, int fd, uint64_t addr, uint64_t count, uint64_t offset) {
  Call call = Begin(task);
  File file;
  if (Outcome checked = CheckTransfer(call, fd, addr, count, &file); !checked.ok()) return checked;
  if (file.kind == FileKind::kDevice) {
    return WriteDevice(call, device_files_[file.index], addr, count, offset);
  }
  if (file.kind != FileKind::kFaultQueue) return Fail(Errno::kNOSYS, kUnmodelledWrite);
  abi::IommuHwptPageResponse response;
  if (offset != 0 || count % sizeof(response) != 0) return Fail(Errno::kSPIPE, kQueueSize);
  if (count == 0) return Ok();
  if (!call.CopyIn(addr, &response, sizeof(response))) return Fail(Errno::kFAULT, kFault);
  return Fail(Errno::kINVAL, response.code > kMaxResponseCode ? kQueueCode : kQueueCookie);
}

Outcome System::Poll(sim::TaskId task, int fd) {
  Begin(task);
  const FileIndex index = FileOf(task, fd);
  if (index == kNoIndex) return Fail(Errno::kBADF, kBadFd);
  if (files_[index].kind != FileKind::kFaultQueue) return Fail(Errno::kNOSYS, kUnmodelledPoll);
  return Ok(kPollOut);
}

}  // namespace iovalid::compat
