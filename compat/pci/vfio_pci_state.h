// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_VFIO_PCI_STATE_H_
#define IOVALID_COMPAT_PCI_VFIO_PCI_STATE_H_

#include <cstdint>
#include <vector>

#include "compat/abi/vfio_device.h"
#include "sim/digest.h"

namespace iovalid::compat {

// A write to a BAR that signals an eventfd in place of the program doing it (IOEVENTFD).
struct VfioPciIoeventfd {
  uint32_t bar = 0;
  uint64_t offset = 0;  // bytes in the BAR
  uint64_t data = 0;
  uint32_t width = 0;  // bytes

  friend bool operator==(const VfioPciIoeventfd&, const VfioPciIoeventfd&) = default;
};

// What an open device remembers between calls (struct vfio_pci_core_device): which interrupts a
// program set up. A value. Which eventfd an interrupt signals is not kept: only whether there is
// one decides later calls, and delivery is not modelled.
struct VfioPciState {
  // Index whose vectors are set up: INTx, MSI or MSI-X; kVfioPciNumIrqs: none (vdev->irq_type).
  uint32_t irq_type = abi::kVfioPciNumIrqs;
  // One element a vector of irq_type: whether an eventfd is attached. Its size is the number of
  // vectors first enabled; with dynamic MSI-X it grows.
  std::vector<bool> triggers;
  bool intx_masked = false;
  bool intx_unmask_eventfd = false;
  bool err_trigger = false;
  bool req_trigger = false;
  // LOW_POWER_ENTRY is in force (pm_runtime_engaged).
  bool low_power = false;
  // It has a wake-up eventfd (pm_wake_eventfd_ctx).
  bool low_power_wakeup = false;
  // PCI_COMMAND_MEMORY as the program sees it (__vfio_pci_memory_enabled). On when a device is
  // opened (pci_enable_device).
  bool memory_decoding = true;
  std::vector<VfioPciIoeventfd> ioeventfds;

  friend bool operator==(const VfioPciState&, const VfioPciState&) = default;
};

// Everything in the state of device `device` that can influence later calls. The order in which
// ioeventfds were added can't.
sim::Digest IdentityDigest(const VfioPciState& state, uint64_t device);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_VFIO_PCI_STATE_H_
