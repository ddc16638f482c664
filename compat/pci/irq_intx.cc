// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/irq_handlers.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kMaskState{"pci.intx.mask", "vfio_pci_set_intx_mask",
                          "INTx is not set up, or start and count are not 0 and 1"};
constexpr Rule kMaskEventfd{"pci.intx.mask_eventfd", "vfio_pci_set_intx_mask",
                            "masking by eventfd does not exist"};
constexpr Rule kUnmaskState{"pci.intx.unmask", "vfio_pci_set_intx_unmask",
                            "INTx is not set up, or start and count are not 0 and 1"};
constexpr Rule kUnmaskBusy{"pci.intx.unmask_busy", "vfio_virqfd_enable",
                           "INTx has an unmask eventfd already"};
constexpr Rule kTriggerState{"pci.intx.trigger", "vfio_pci_set_intx_trigger",
                             "MSI or MSI-X is set up, or start and count are not 0 and 1"};
constexpr Rule kNotEnabled{"pci.intx.not_enabled", "vfio_pci_set_intx_trigger",
                           "INTx is not set up"};
constexpr Rule kNoMemory{"pci.intx.no_memory", "vfio_intx_enable", "no memory for the interrupt"};

bool IsIntx(const DeviceCall& c) { return c.state.irq_type == abi::kVfioPciIntxIrqIndex; }

bool One(const IrqRequest& request) { return request.start == 0 && request.count == 1; }

// Whether a DATA_NONE or DATA_BOOL request asks for the action.
bool Asks(const IrqRequest& request) {
  return request.Has(abi::kVfioIrqSetDataNone) ||
         (request.Has(abi::kVfioIrqSetDataBool) && request.bools[0] != 0);
}

}  // namespace

Outcome SetIntxMask(DeviceCall& c, const IrqRequest& request) {
  if (!IsIntx(c) || !One(request)) return Fail(sim::Errno::kINVAL, kMaskState);
  if (request.Has(abi::kVfioIrqSetDataEventfd)) return Fail(sim::Errno::kNOTTY, kMaskEventfd);
  if (Asks(request)) c.state.intx_masked = true;
  return Ok();
}

Outcome SetIntxUnmask(DeviceCall& c, const IrqRequest& request) {
  if (!IsIntx(c) || !One(request)) return Fail(sim::Errno::kINVAL, kUnmaskState);
  if (!request.Has(abi::kVfioIrqSetDataEventfd)) {
    if (Asks(request)) c.state.intx_masked = false;
    return Ok();
  }
  if (request.fds[0] < 0) {
    c.state.intx_unmask_eventfd = false;
    return Ok();
  }
  if (c.call.AllocFails("alloc:virqfd")) return Fail(sim::Errno::kNOMEM, kNoMemory);
  if (sim::Errno e = EventfdError(c.environment, request.fds[0]); e != sim::Errno::kOk) {
    return Fail(e, EventfdRule(e));
  }
  if (c.state.intx_unmask_eventfd) return Fail(sim::Errno::kBUSY, kUnmaskBusy);
  c.state.intx_unmask_eventfd = true;
  return Ok();
}

Outcome SetIntxTrigger(DeviceCall& c, const IrqRequest& request) {
  if (IsIntx(c) && request.count == 0 && request.Has(abi::kVfioIrqSetDataNone)) {
    c.state.irq_type = abi::kVfioPciNumIrqs;
    c.state.triggers.clear();
    c.state.intx_masked = false;
    c.state.intx_unmask_eventfd = false;
    return Ok();
  }
  const bool none = c.state.irq_type == abi::kVfioPciNumIrqs;
  if (!(IsIntx(c) || none) || !One(request)) return Fail(sim::Errno::kINVAL, kTriggerState);

  if (request.Has(abi::kVfioIrqSetDataEventfd)) {
    const int fd = request.fds[0];
    if (fd >= 0) {
      if (sim::Errno e = EventfdError(c.environment, fd); e != sim::Errno::kOk) {
        return Fail(e, EventfdRule(e));
      }
    }
    if (none && c.call.AllocFails("alloc:vfio_pci_irq_ctx")) {
      return Fail(sim::Errno::kNOMEM, kNoMemory);
    }
    // Without an eventfd INTx is set up all the same.
    c.state.irq_type = abi::kVfioPciIntxIrqIndex;
    c.state.triggers.assign(1, fd >= 0);
    return Ok();
  }
  // Raising the interrupt by hand.
  if (!IsIntx(c)) return Fail(sim::Errno::kINVAL, kNotEnabled);
  return Ok();
}

}  // namespace iovalid::compat::pci
