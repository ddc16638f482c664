// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/irq_handlers.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kOtherIndex{"pci.msi.other_index", "vfio_pci_set_msi_trigger",
                           "another interrupt index is set up"};
constexpr Rule kNotEnabled{"pci.msi.not_enabled", "vfio_pci_set_msi_trigger",
                           "the index is not set up"};
constexpr Rule kBeyondContext{"pci.msi.beyond_context", "vfio_msi_set_block",
                              "start or count lies beyond the vectors first enabled"};
constexpr Rule kTriggerBeyondContext{"pci.msi.trigger_beyond_context", "vfio_pci_set_msi_trigger",
                                     "start or count lies beyond the vectors first enabled"};
constexpr Rule kNoVectors{"pci.msi.no_vectors", "vfio_msi_enable",
                          "zero vectors are fewer than the one that PCI allocates at least"};
constexpr Rule kNoIrq{"pci.msi.no_irq", "vfio_msi_alloc_irq",
                      "the vector was not among those first enabled"};
constexpr Rule kNoMemory{"pci.msi.no_memory", "vfio_msi_set_vector_signal",
                         "no memory for the vector"};

// vfio_msi_set_vector_signal: attaches `fd` to `vector`, or lets its eventfd go where fd < 0.
Outcome SetVector(DeviceCall& c, uint32_t vector, int fd) {
  std::vector<bool>& triggers = c.state.triggers;
  if (vector < triggers.size()) triggers[vector] = false;
  if (fd < 0) return Ok();
  if (vector >= triggers.size()) {
    if (c.state.irq_type != abi::kVfioPciMsixIrqIndex || !c.profile().dynamic_msix) {
      return Fail(sim::Errno::kINVAL, kNoIrq);
    }
  }
  if (c.call.AllocFails("alloc:vfio_pci_irq_ctx")) return Fail(sim::Errno::kNOMEM, kNoMemory);
  if (sim::Errno e = EventfdError(c.environment, fd); e != sim::Errno::kOk) {
    return Fail(e, EventfdRule(e));
  }
  // The capability bounds `vector`: at most 2048.
  if (vector >= triggers.size()) triggers.resize(vector + 1, false);
  triggers[vector] = true;
  return Ok();
}

// vfio_msi_set_block: on failure the vectors of the block up to the failed one are without eventfd.
Outcome SetBlock(DeviceCall& c, const IrqRequest& request) {
  if (c.profile().bounds_irqs_by_context &&
      (request.start >= c.state.triggers.size() ||
       request.start + request.count > c.state.triggers.size())) {
    return Fail(sim::Errno::kINVAL, kBeyondContext);
  }
  for (uint32_t i = 0; i < request.count; ++i) {
    Outcome o = SetVector(c, request.start + i, request.fds[i]);
    if (o.ok()) continue;
    for (uint32_t j = 0; j <= i; ++j) (void)SetVector(c, request.start + j, -1);
    return o;
  }
  return Ok();
}

void Disable(DeviceCall& c) {
  c.state.irq_type = abi::kVfioPciNumIrqs;
  c.state.triggers.clear();
}

}  // namespace

Outcome SetMsiTrigger(DeviceCall& c, const IrqRequest& request) {
  const bool enabled = c.state.irq_type == request.index;
  if (enabled && request.count == 0 && request.Has(abi::kVfioIrqSetDataNone)) {
    Disable(c);
    return Ok();
  }
  if (!enabled && c.state.irq_type != abi::kVfioPciNumIrqs) {
    return Fail(sim::Errno::kINVAL, kOtherIndex);
  }
  if (request.Has(abi::kVfioIrqSetDataEventfd)) {
    if (enabled) return SetBlock(c, request);
    // pci_alloc_irq_vectors asks for 1 to start + count vectors. It can have all of them: the count
    // was checked against the capability, and several MSI vectors are no matter without a function
    // that has them (with interrupt remapping off it would get one only).
    const uint32_t vectors = request.start + request.count;
    if (vectors == 0) return Fail(sim::Errno::kRANGE, kNoVectors);
    c.state.irq_type = request.index;
    c.state.triggers.assign(vectors, false);
    Outcome o = SetBlock(c, request);
    if (!o.ok()) Disable(c);
    return o;
  }
  // Raising vectors by hand; those without eventfd are passed over.
  if (!enabled) return Fail(sim::Errno::kINVAL, kNotEnabled);
  if (c.profile().bounds_irqs_by_context &&
      request.start + request.count > c.state.triggers.size()) {
    return Fail(sim::Errno::kINVAL, kTriggerBeyondContext);
  }
  return Ok();
}

}  // namespace iovalid::compat::pci
