// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/irq_handlers.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kNoTrigger{"pci.single.no_trigger", "vfio_pci_set_ctx_trigger_single",
                          "the interrupt has no eventfd"};
constexpr Rule kNoCount{"pci.single.no_count", "vfio_pci_set_ctx_trigger_single",
                        "data needs a count of one"};
constexpr Rule kNegative{"pci.single.negative_fd", "vfio_pci_set_ctx_trigger_single",
                         "the descriptor is below -1"};

}  // namespace

Outcome SetSingleTrigger(DeviceCall& c, const IrqRequest& request, bool* trigger) {
  // start is 0 and count at most 1: the index has one vector.
  if (request.Has(abi::kVfioIrqSetDataNone)) {
    if (!*trigger) return Fail(sim::Errno::kINVAL, kNoTrigger);
    if (request.count == 0) *trigger = false;
    return Ok();
  }
  if (request.count == 0) return Fail(sim::Errno::kINVAL, kNoCount);
  if (request.Has(abi::kVfioIrqSetDataBool)) return Ok();

  const int fd = request.fds[0];
  if (fd == -1) {
    *trigger = false;
    return Ok();
  }
  if (fd < 0) {
    return c.profile().ignores_negative_eventfd ? Ok() : Fail(sim::Errno::kINVAL, kNegative);
  }
  if (sim::Errno e = EventfdError(c.environment, fd); e != sim::Errno::kOk) {
    return Fail(e, EventfdRule(e));
  }
  *trigger = true;
  return Ok();
}

}  // namespace iovalid::compat::pci
