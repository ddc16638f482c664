// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.irq_info.copy_in", "vfio_pci_ioctl_get_irq_info",
                       "the argument cannot be read"};
constexpr Rule kArgsz{"pci.irq_info.argsz", "vfio_pci_ioctl_get_irq_info",
                      "argsz is below the size of vfio_irq_info"};
constexpr Rule kIndex{"pci.irq_info.index", "vfio_pci_ioctl_get_irq_info",
                      "no interrupt has this index"};
constexpr Rule kErrNeedsPcie{"pci.irq_info.err_pcie", "vfio_pci_ioctl_get_irq_info",
                             "only PCI Express functions have the error interrupt"};
constexpr Rule kCopyOut{"pci.irq_info.copy_out", "vfio_pci_ioctl_get_irq_info",
                        "the answer cannot be written"};

}  // namespace

uint32_t IrqCount(const PciFunction& function, const PciProfile& profile, uint32_t index) {
  switch (index) {
    case abi::kVfioPciIntxIrqIndex:
      return function.intx ? 1 : 0;
    case abi::kVfioPciMsiIrqIndex:
      return function.msi_vectors;
    case abi::kVfioPciMsixIrqIndex:
      return function.msix_vectors;
    case abi::kVfioPciErrIrqIndex:
      return function.pcie || !profile.err_irq_needs_pcie ? 1 : 0;
    case abi::kVfioPciReqIrqIndex:
      return 1;
    default:
      return 0;
  }
}

Outcome GetIrqInfo(DeviceCall& c) {
  abi::VfioIrqInfo info{};
  if (!c.call.CopyIn(c.arg, &info, sizeof(info))) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (info.argsz < sizeof(info)) return Fail(sim::Errno::kINVAL, kArgsz);
  if (info.index >= abi::kVfioPciNumIrqs) return Fail(sim::Errno::kINVAL, kIndex);
  info.count = IrqCount(c.function(), c.profile(), info.index);
  if (info.index == abi::kVfioPciErrIrqIndex && info.count == 0) {
    return Fail(sim::Errno::kINVAL, kErrNeedsPcie);
  }
  info.flags = abi::kVfioIrqInfoEventfd;
  if (info.index == abi::kVfioPciIntxIrqIndex) {
    info.flags |= abi::kVfioIrqInfoMaskable | abi::kVfioIrqInfoAutomasked;
  } else if (info.index != abi::kVfioPciMsixIrqIndex || info.count == 0 ||
             !c.profile().dynamic_msix) {
    info.flags |= abi::kVfioIrqInfoNoresize;
  }
  if (!c.call.CopyOut(c.arg, &info, sizeof(info))) return Fail(sim::Errno::kFAULT, kCopyOut);
  return Ok();
}

}  // namespace iovalid::compat::pci
