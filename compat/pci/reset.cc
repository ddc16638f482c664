// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kNoReset{"pci.reset.unsupported", "vfio_pci_ioctl_reset",
                        "the function has no reset of its own"};

}  // namespace

Outcome Reset(DeviceCall& c) {
  if (!c.function().function_reset) return Fail(sim::Errno::kINVAL, kNoReset);
  c.environment.MoveDmabufs(c.index(), /*revoked=*/true);
  c.environment.MoveDmabufs(c.index(), /*revoked=*/false);
  // Interrupts stay set up; mappings are faulted in again at the same frames.
  return Ok();
}

}  // namespace iovalid::compat::pci
