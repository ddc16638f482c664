// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_VFIO_PCI_H_
#define IOVALID_COMPAT_PCI_VFIO_PCI_H_

#include <cstdint>
#include <vector>

#include "compat/abi/vfio.h"
#include "compat/file.h"
#include "compat/kernel.h"
#include "compat/outcome.h"
#include "compat/pci/vfio_pci_state.h"
#include "compat/system_config.h"
#include "sim/units.h"

namespace iovalid::compat {

// Ranges of a device's BAR that a VFIO dma-buf gives away.
struct DmabufExport {
  DeviceIndex device = kNoIndex;   // kNoIndex: the device was closed
  bool revoked = false;            // nobody may map it now (vfio_pci_dma_buf::revoked)
  uint32_t region = 0;             // BAR number
  uint64_t size = 0;               // bytes, the sum of the runs
  std::vector<sim::PageRun> runs;  // device memory, in the order the program asked for
};

// What the calls of a device file need from the file layer around them.
class DeviceCallEnvironment {
 public:
  virtual ~DeviceCallEnvironment() = default;

  // The kind of file behind a descriptor of the calling task; kNone where the descriptor is not
  // open.
  virtual FileKind KindOfFd(int fd) const = 0;
  // Makes a dma-buf of the open device and a descriptor for it. Returns the descriptor, or -1 if
  // the task has no room for one (EMFILE). `close_on_exec` as the program asked.
  virtual int InstallDmabuf(DmabufExport dmabuf, bool close_on_exec) = 0;
  // vfio_pci_dma_buf_move: the dma-bufs of `device` are revoked, which takes them out of all page
  // tables for good, or may be mapped again, if the device is open and decodes memory.
  virtual void MoveDmabufs(DeviceIndex device, bool revoked) = 0;
  // Whether the device was opened through its character device rather than its group.
  virtual bool OpenedAsCdev() const = 0;

  // All functions of the machine, for resets that take several along.
  virtual const std::vector<DeviceConfig>& Devices() const = 0;
  // Whether `fd` is a group file and its group has device `device` (vfio_file_has_dev).
  virtual bool GroupFdHasDevice(int fd, DeviceIndex device) const = 0;
  // What GET_PCI_HOT_RESET_INFO calls `device`: the number of its IOMMU group (iommu_group_id).
  virtual uint32_t GroupNumber(DeviceIndex device) const = 0;
  // The same for a caller with a cdev: the device's id in the caller's iommufd, kVfioPciDevidOwned
  // if it has none but its group is that iommufd's, else kVfioPciDevidNotOwned
  // (vfio_iommufd_get_dev_id).
  virtual uint32_t HotResetDevId(DeviceIndex device) const = 0;
};

// ioctl(2) on a device fd whose access is granted (vfio_device_fops_unl_ioctl and
// vfio_pci_core_ioctl). `arg` is the third argument. `device` is one of `environment.Devices()`.
// BIND_IOMMUFD is answered as for a file opened through a group, and so are ATTACH and DETACH
// (ENOTTY): the caller serves them where the file is a cdev.
Outcome VfioPciIoctl(Call& call, const DeviceConfig& device, VfioPciState& state,
                     DeviceCallEnvironment& environment, uint32_t cmd, uint64_t arg);

// pwrite(2) of `count` bytes, from user address `addr`, at file offset `offset` of a device file
// whose access is granted. Only writes of 1, 2 or 4 bytes at the command register are modelled, and
// of that only what memory decoding does to dma-bufs (vfio_basic_config_write). ret: the bytes
// written.
Outcome VfioPciWrite(Call& call, const DeviceConfig& device, VfioPciState& state,
                     DeviceCallEnvironment& environment, uint64_t addr, uint64_t count,
                     uint64_t offset);

// What closing the device's last file does to its state (vfio_pci_core_close_device): interrupts
// are torn down, eventfds let go.
void VfioPciClose(VfioPciState& state);

// Offset of region `index` in a device fd, in bytes (VFIO_PCI_INDEX_TO_OFFSET).
constexpr uint64_t RegionOffset(uint32_t index) { return uint64_t{index} << 40; }

// mmap(2), MAP_SHARED, of `len` bytes at file offset `offset` (vfio_pci_core_mmap). `offset` and
// `len` need not be whole pages: as mmap(2) does, an offset inside a page is EINVAL, and so is a
// length of zero; a length is rounded up. On success `*first` is the page id at `offset`; the
// following pages have the following ids. Rights do not matter: device files are open for reading
// and writing.
Outcome ResolveMmap(Call& call, const PciFunction& function, uint64_t offset, uint64_t len,
                    bool write, sim::PageId* first);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_VFIO_PCI_H_
