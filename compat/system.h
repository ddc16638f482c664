// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_SYSTEM_H_
#define IOVALID_COMPAT_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "compat/container.h"
#include "compat/file.h"
#include "compat/group.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/kernel.h"
#include "compat/observation.h"
#include "compat/outcome.h"
#include "compat/pci/vfio_pci.h"
#include "compat/slots.h"
#include "compat/system_config.h"
#include "compat/vfio_device.h"
#include "sim/mm.h"
#include "sim/page_data.h"

namespace iovalid::compat {

// Credentials and limits of a new task. It has every other capability.
struct TaskConfig {
  uint32_t uid = 0;
  bool cap_ipc_lock = true;
  uint64_t rlimit_memlock = sim::kUnlimited;  // soft RLIMIT_MEMLOCK in bytes
  bool bits32 = false;                        // a program of 32 bits
};

// One simulated kernel instance with its devices, driven by calls that a process could make and
// observed through outcomes and the state. Deterministic; one thread at a time.
//
// A System is a value: a copy is an independent machine. The address spaces are attached, not
// contained, so a copy shares them with its original until its own are attached.
class System {
 public:
  explicit System(SystemConfig config);

  const SystemConfig& config() const { return *config_; }

  // Registers an address space, which must outlive its use. Returns its id.
  sim::MmId AttachMm(sim::Mm* mm);
  // Replaces the address space `id` (in a copy, or before its first use). One that is gone stays
  // so.
  void AttachMm(sim::MmId id, sim::Mm* mm);
  // exit_mmap: the process no longer has the address space. Its `Mm` stays attached for what is
  // still pinned.
  void DropMm(sim::MmId id) { kernel_.mms[id] = nullptr; }
  // `hook` may be null; it must outlive its use.
  void SetHook(sim::PointHook* hook) { kernel_.hook = hook; }

  // A new task in address space `mm`, without open files.
  sim::TaskId AddTask(sim::MmId mm, const TaskConfig& config);
  // fork(2): the child has the parent's credentials, limits and descriptors, and runs in `mm`.
  sim::TaskId Fork(sim::TaskId parent, sim::MmId mm);
  // exit(2), files: closes the task's descriptors, lowest first. What its address space held goes
  // before that (exit_mm, exit_files of do_exit): DropMm and ReleaseMapping.
  void Exit(sim::TaskId task);
  // execve(2): the task runs in `mm` from now on, and only the descriptors in `kept` (ascending)
  // are still open; the rest had O_CLOEXEC.
  void Exec(sim::TaskId task, sim::MmId mm, const std::vector<int>& kept);

  // openat(2) with O_RDWR | O_CLOEXEC of /dev/vfio/vfio, /dev/iommu, a group's or a cdev's path.
  // ret = the new descriptor. ENOENT for any other path.
  Outcome Open(sim::TaskId task, std::string_view path);
  Outcome Close(sim::TaskId task, int fd);
  Outcome Dup(sim::TaskId task, int fd);
  // ioctl(2). `arg` is the third argument: an integer or a user address.
  Outcome Ioctl(sim::TaskId task, int fd, uint32_t cmd, uint64_t arg);

  // mmap(2), MAP_SHARED | MAP_FIXED, of `len` bytes of a VFIO device fd from file offset `offset`
  // (compat::RegionOffset of the region, plus the offset in it). The mapping holds a reference on
  // the file, under a cookie that comes back from the munmap of its last piece and that
  // ReleaseMapping takes.
  Outcome MmapDevice(sim::TaskId task, int fd, uint64_t addr, uint64_t len, bool read, bool write,
                     uint64_t offset);
  void ReleaseMapping(uint32_t cookie);
  // A fork inherited the mapping of the cookie: one more ReleaseMapping will come.
  void RetainMapping(uint32_t cookie);

  // A descriptor of a file that VFIO and iommufd do not serve: a memfd (`object` is its memory
  // object, see sim::Mm::PinFile), an eventfd, any other file. ret = the new descriptor.
  Outcome InstallForeignFile(sim::TaskId task, ForeignFile kind, uint32_t object);

  // --- for the driver of a device (device_driver.cc) ---
  // `task`: in whose context the driver runs, or sim::kKernelThread. What the driver pins is kept
  // (Kernel::drivers): it gives back what it has where VFIO asks for it, and when the device is
  // closed, as SystemConfig says of it.

  // vfio_pin_pages: `npages` pages from byte address `iova`; `rights` (hwmodel::Rights) are what
  // the driver needs. ret = npages, *frames = the pages in order. EINVAL, E2BIG, ENOTTY, and as
  // type1::Type1Iommu::PinPages or ioas::IoPagetable::PinAccess.
  Outcome PinPages(sim::TaskId task, DeviceIndex device, uint64_t iova, int32_t npages,
                   unsigned rights, std::vector<sim::PageId>* frames);
  // vfio_unpin_pages. It answers nothing; what it does not like ends in a WARN.
  Outcome UnpinPages(sim::TaskId task, DeviceIndex device, uint64_t iova, int32_t npages);
  // vfio_dma_rw: copies `bytes` bytes from `data` to the memory at byte address `iova`, or to `data`
  // from there. `memory` has the contents of the pages that the mappings pin.
  Outcome DmaRw(sim::TaskId task, DeviceIndex device, sim::PageData& memory, uint64_t iova,
                void* data, uint64_t bytes, bool write);
  // pread(2), pwrite(2) of `count` bytes at user address `addr`, and poll(2) (ret: its revents). Of
  // a fault queue; of a device file only a write that covers the command register in configuration
  // space, which decides about memory decoding. Others are refused by name.
  Outcome Read(sim::TaskId task, int fd, uint64_t addr, uint64_t count, uint64_t offset = 0);
  Outcome Write(sim::TaskId task, int fd, uint64_t addr, uint64_t count, uint64_t offset = 0);
  Outcome Poll(sim::TaskId task, int fd);

  void SetMemlockLimit(sim::TaskId task, uint64_t bytes);
  void DropCapability(sim::TaskId task, int capability);
  void SetDmaEntryLimit(uint32_t value) { kernel_.parameters.dma_entry_limit = value; }
  void SetUnsafeNoIommu(bool on) { kernel_.parameters.enable_unsafe_noiommu = on; }

  // --- observation ---

  // mm->locked_vm and mm->pinned_vm in pages (VmLck and VmPin of /proc/PID/status, there in kB).
  const sim::MmAccount& account(sim::MmId mm) const { return kernel_.mm_accounts[mm]; }
  // WARNs of the last call.
  const std::vector<KernelWarning>& warnings() const { return kernel_.warnings; }
  // dma_unmap callbacks of the last call, in order.
  const std::vector<UnmapNotice>& unmap_notices() const { return kernel_.unmap_notices; }
  // The compared state as digests, O(devices) unless type1 dirty tracking is on.
  ObservedState Observe() const {
    ObservedState state;
    Observe(&state);
    return state;
  }
  // The same into `*state`, whose memory is reused: what is compared after each call.
  void Observe(ObservedState* state) const;
  // The same state in full, sorted, for a reader.
  StateSnapshot Snapshot() const;
  // Of it only what containers and iommufds hold: mappings (sorted), usable ranges, dirty pages.
  void SnapshotMappings(StateSnapshot* snapshot) const;
  // Which container or iommufd a descriptor is, or the group that it is was set to: its number in the
  // order in which they were opened, from 0. nullopt where there is none.
  std::optional<uint32_t> SpaceNumber(sim::TaskId task, int fd) const;
  // The same of the container behind one descriptor, or of the IOAS that an iommufd takes for one;
  // false where it is neither, a container without an IOMMU type or an iommufd without such an IOAS.
  bool SnapshotOf(sim::TaskId task, int fd, StateSnapshot* snapshot) const;
  // How many devices are attached to domains of that container or IOAS; nullopt where SnapshotOf is
  // false.
  std::optional<uint64_t> AttachedTo(sim::TaskId task, int fd) const;
  // Everything that can influence later behaviour. O(state).
  sim::Digest IdentityDigest() const;
  // For an observer: how many kernel objects are alive. All 0 once every reference is gone.
  struct LiveObjects {
    uint32_t files, containers, iommufds, mappings;
  };
  LiveObjects CountLive() const;

  hwmodel::Iommu& iommu() { return kernel_.iommu; }
  const Kernel& kernel() const { return kernel_; }

 private:
  class DeviceEnvironment;
  class IommufdFiles;
  // struct file of an iommufd fault queue, which holds a reference on the iommufd.
  struct FaultQueueFile {
    FileIndex iommufd = kNoIndex;
    uint32_t object = 0;  // its id there
  };

  // An mmap of a device fd.
  struct DeviceMapping {
    FileIndex file;    // which it holds a reference on
    uint32_t holders;  // address spaces that have a piece of it: more than one after a fork
  };

  Call Begin(sim::TaskId task) {
    kernel_.warnings.clear();
    kernel_.unmap_notices.clear();
    return Call{kernel_, task};
  }

  // files.cc: struct file and descriptors.
  Outcome InstallFile(sim::TaskId task, FileKind kind, uint32_t index);
  void GetFile(FileIndex file) { ++files_[file].refs; }
  void PutFile(FileIndex file);
  // read_write.cc
  Outcome CheckTransfer(const Call& call, int fd, uint64_t addr, uint64_t count, File* file) const;
  // The file behind a descriptor; kNoIndex where it is not open.
  FileIndex FileOf(sim::TaskId task, int fd) const;
  // What the VFIO commands on a descriptor work on: one of the two, or neither.
  struct VfioSpace {
    const type1::Type1Iommu* container = nullptr;
    const IommufdContext* context = nullptr;  // has a compatibility IOAS
    explicit operator bool() const { return container != nullptr || context != nullptr; }
  };
  VfioSpace VfioSpaceOf(sim::TaskId task, int fd) const;
  // The number of the container or iommufd that a group was set to, which must be.
  uint32_t SpaceOf(const VfioGroup& group) const {
    return group.container != kNoIndex ? container_numbers_[group.container]
                                       : iommufd_numbers_[files_[group.iommufd].index];
  }
  // A group that was set to one, as an element of files_digest_.
  sim::Digest GroupLink(GroupIndex group) const {
    return sim::HashWords('g', group, SpaceOf(groups_[group]));
  }
  // Of the container or iommufd that made a domain, as DeviceState::space; 0 where none did.
  uint32_t SpaceOfDomain(hwmodel::DomainId domain) const;
  // Gives the container or iommufd at an index of its kind the next number.
  void NumberSpace(uint32_t index, std::vector<uint32_t>* numbers) {
    if (index >= numbers->size()) numbers->resize(index + 1);
    (*numbers)[index] = spaces_opened_++;
  }
  void CountFile(sim::TaskId task, int fd, FileIndex file, bool added);

  // group_calls.cc: drivers/vfio/group.c.
  Outcome OpenGroup(Call& call, GroupIndex group);
  void ReleaseGroupFile(GroupIndex group);
  Outcome GroupIoctl(Call& call, GroupIndex group, uint32_t cmd, uint64_t arg);
  Outcome GetStatus(Call& call, const VfioGroup& group, GroupIndex index, uint64_t arg);
  Outcome SetContainer(Call& call, GroupIndex group, uint64_t arg);
  Outcome UnsetContainer(Call& call, GroupIndex group);
  Outcome GetDeviceFd(Call& call, GroupIndex group, uint64_t arg);
  void LeaveContainer(GroupIndex group);
  void LeaveIommufd(GroupIndex group);
  void PutContainer(uint32_t container);

  // device_open.cc: vfio_df_open, vfio_df_close and what they call.
  Outcome OpenDevice(Call& call, DeviceFile* file);
  Outcome BindIommufd(Call& call, DeviceIndex device, FileIndex iommufd);
  void UnbindIommufd(DeviceIndex device);
  void CloseDriver(DeviceIndex device);
  void CloseDevice(const DeviceFile& file);
  void ReleaseDeviceFile(uint32_t index);
  bool IsEmulated(DeviceIndex device) const {
    return kernel_.groups[kernel_.group_of_device[device]].kind == DeviceKind::kEmulated;
  }
  Outcome WriteDevice(Call& call, const DeviceFile& file, uint64_t addr, uint64_t count,
                      uint64_t offset);
  Outcome DeviceIoctl(Call& call, uint32_t device_file, uint32_t cmd, uint64_t arg);

  // iommufd_files.cc: what iommufd and vfio-pci do to each other's files.
  Outcome IommufdIoctl(Call& call, FileIndex iommufd, uint32_t cmd, uint64_t arg);
  void ReleaseIommufd(uint32_t index);
  void ReleaseFaultQueue(uint32_t index);
  void PutFiles(const std::vector<FileIndex>& files);
  void MoveDmabufs(DeviceIndex device, bool revoked);
  void CloseDmabufs(DeviceIndex device);

  // device_cdev.cc: drivers/vfio/device_cdev.c.
  Outcome CdevBind(Call& call, DeviceFile* file, uint64_t arg);
  Outcome CdevAttach(Call& call, const DeviceFile& file, uint64_t arg);
  Outcome CdevDetach(Call& call, const DeviceFile& file, uint64_t arg);
  void DetachPt(const DeviceFile& file);

  IommufdContext& context(FileIndex file) { return iommufds_[files_[file].index]; }
  // Who owns the DMA of a group: a vfio group, or an iommufd context (by its file).
  static uint64_t OwnerToken(FileKind kind, uint32_t index) {
    return uint64_t{static_cast<uint8_t>(kind)} << 32 | index;
  }

  std::shared_ptr<const SystemConfig> config_;  // shared with copies
  Kernel kernel_;
  sim::Arena<File> files_;
  Slots<Container> containers_;
  Slots<IommufdContext> iommufds_;
  std::vector<uint32_t> container_numbers_, iommufd_numbers_;  // by index; see SpaceNumber
  uint32_t spaces_opened_ = 0;
  std::vector<VfioGroup> groups_;    // by GroupIndex
  std::vector<VfioDevice> devices_;  // by DeviceIndex
  Slots<DeviceFile> device_files_;
  Slots<DmabufExport> dmabufs_;
  Slots<FaultQueueFile> fault_queues_;
  Slots<DeviceMapping> mappings_;  // by cookie
  sim::Digest files_digest_;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_SYSTEM_H_
