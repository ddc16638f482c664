// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_IRQ_HANDLERS_H_
#define IOVALID_COMPAT_PCI_IRQ_HANDLERS_H_

#include <cstdint>
#include <vector>

#include "compat/pci/device_call.h"

// What SET_IRQS does for each interrupt index (vfio_pci_intrs.c); internal to compat/pci.
namespace iovalid::compat::pci {

// A SET_IRQS whose header is valid: start + count lies within the vectors of the index.
struct IrqRequest {
  uint32_t index = 0;
  uint32_t start = 0;
  uint32_t count = 0;
  uint32_t flags = 0;
  std::vector<int32_t> fds;    // `count` elements with DATA_EVENTFD
  std::vector<uint8_t> bools;  // `count` elements with DATA_BOOL

  bool Has(uint32_t flag) const { return (flags & flag) != 0; }
};

Outcome SetIntxMask(DeviceCall& c, const IrqRequest& request);
Outcome SetIntxUnmask(DeviceCall& c, const IrqRequest& request);
Outcome SetIntxTrigger(DeviceCall& c, const IrqRequest& request);
// MSI and MSI-X.
Outcome SetMsiTrigger(DeviceCall& c, const IrqRequest& request);
// The error and the request interrupt; `*trigger` tells whether it has an eventfd.
Outcome SetSingleTrigger(DeviceCall& c, const IrqRequest& request, bool* trigger);

}  // namespace iovalid::compat::pci

#endif  // IOVALID_COMPAT_PCI_IRQ_HANDLERS_H_
