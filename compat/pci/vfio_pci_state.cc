// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/vfio_pci_state.h"

namespace iovalid::compat {

sim::Digest IdentityDigest(const VfioPciState& state, uint64_t device) {
  uint64_t flags = 0;
  for (bool flag :
       {state.intx_masked, state.intx_unmask_eventfd, state.err_trigger, state.req_trigger,
        state.low_power, state.low_power_wakeup, state.memory_decoding}) {
    flags = flags << 1 | uint64_t{flag};
  }
  sim::Digest digest = sim::HashWords('P', device, state.irq_type, state.triggers.size(), flags);
  for (size_t i = 0; i < state.triggers.size(); ++i) {
    if (state.triggers[i]) digest += sim::HashWords('V', device, i);
  }
  for (const VfioPciIoeventfd& e : state.ioeventfds) {
    digest += sim::HashWords('W', device, uint64_t{e.bar} << 32 | e.width, e.offset, e.data);
  }
  return digest;
}

}  // namespace iovalid::compat
