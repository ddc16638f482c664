// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.ioeventfd.copy_in", "vfio_pci_ioctl_ioeventfd",
                       "the argument cannot be read"};
constexpr Rule kArgsz{"pci.ioeventfd.argsz", "vfio_pci_ioctl_ioeventfd",
                      "argsz does not reach the end of fd"};
constexpr Rule kFlags{"pci.ioeventfd.flags", "vfio_pci_ioctl_ioeventfd",
                      "not exactly one width is set, or another flag is"};
constexpr Rule kFd{"pci.ioeventfd.fd", "vfio_pci_ioctl_ioeventfd", "the descriptor is below -1"};
constexpr Rule kRegion{"pci.ioeventfd.region", "vfio_pci_ioeventfd", "the region is not a BAR"};
constexpr Rule kNegativeRegion{"pci.ioeventfd.negative_region", "vfio_pci_ioeventfd",
                               "the region index is negative and the BAR is read out of bounds"};
constexpr Rule kRange{"pci.ioeventfd.range", "vfio_pci_ioeventfd",
                      "the write passes the end of the BAR"};
constexpr Rule kMsixTable{"pci.ioeventfd.msix_table", "vfio_pci_ioeventfd",
                          "the write touches the MSI-X table"};
constexpr Rule kExists{"pci.ioeventfd.exists", "vfio_pci_ioeventfd",
                       "the same write has an eventfd already"};
constexpr Rule kAbsent{"pci.ioeventfd.absent", "vfio_pci_ioeventfd",
                       "the write to be removed has no eventfd"};
constexpr Rule kLimit{"pci.ioeventfd.limit", "vfio_pci_ioeventfd", "there are 1000 already"};
constexpr Rule kNoMemory{"pci.ioeventfd.no_memory", "vfio_pci_ioeventfd",
                         "no memory for the ioeventfd"};

constexpr size_t kMaxIoeventfds = 1000;  // VFIO_PCI_IOEVENTFD_MAX

}  // namespace

Outcome Ioeventfd(DeviceCall& c) {
  constexpr uint32_t kMinSize = offsetof(abi::VfioDeviceIoeventfd, reserved);
  abi::VfioDeviceIoeventfd request{};
  if (!c.call.CopyIn(c.arg, &request, kMinSize)) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (request.argsz < kMinSize) return Fail(sim::Errno::kINVAL, kArgsz);
  if ((request.flags & ~abi::kVfioDeviceIoeventfdSizeMask) != 0 ||
      !std::has_single_bit(request.flags)) {
    return Fail(sim::Errno::kINVAL, kFlags);
  }
  if (request.fd < -1) return Fail(sim::Errno::kINVAL, kFd);

  // The flag's value is the width.
  const uint32_t width = request.flags;
  const uint64_t index = request.offset >> 40;
  const uint64_t position = request.offset & (RegionOffset(1) - 1);
  if (c.profile().signed_region_index && static_cast<int64_t>(request.offset) < 0) {
    // A real kernel reads what stands before its array of BARs, and may stop there.
    c.call.kernel.Warn(kNegativeRegion);
    return Fail(sim::Errno::kINVAL, kNegativeRegion);
  }
  if (index > abi::kVfioPciBar5RegionIndex) return Fail(sim::Errno::kINVAL, kRegion);
  const PciFunction& f = c.function();
  const PciBar& bar = f.bars[index];
  if (position + width > bar.size) return Fail(sim::Errno::kINVAL, kRange);
  if (f.msix_vectors != 0 && index == f.msix_bar &&
      !(position + width <= f.msix_offset || position >= f.msix_offset + f.msix_size())) {
    return Fail(sim::Errno::kINVAL, kMsixTable);
  }

  const VfioPciIoeventfd write{static_cast<uint32_t>(index), position, request.data, width};
  std::vector<VfioPciIoeventfd>& all = c.state.ioeventfds;
  const auto found = std::find(all.begin(), all.end(), write);
  if (found != all.end()) {
    if (request.fd != -1) return Fail(sim::Errno::kEXIST, kExists);
    all.erase(found);
    return Ok();
  }
  if (request.fd < 0) return Fail(sim::Errno::kNODEV, kAbsent);
  if (all.size() >= kMaxIoeventfds) return Fail(sim::Errno::kNOSPC, kLimit);
  if (c.call.AllocFails("alloc:vfio_pci_ioeventfd")) return Fail(sim::Errno::kNOMEM, kNoMemory);
  if (sim::Errno e = EventfdError(c.environment, request.fd); e != sim::Errno::kOk) {
    return Fail(e, EventfdRule(e));
  }
  all.push_back(write);
  return Ok();
}

}  // namespace iovalid::compat::pci
