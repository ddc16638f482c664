// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/vfio_pci.h"

#include "compat/pci/device_call.h"

namespace iovalid::compat {
namespace {

constexpr Rule kUnknownCommand{"pci.ioctl.unknown", "vfio_pci_core_ioctl",
                               "vfio-pci does not know the command"};

}  // namespace

Outcome VfioPciIoctl(Call& call, const DeviceConfig& device, VfioPciState& state,
                     DeviceCallEnvironment& environment, uint32_t cmd, uint64_t arg) {
  pci::DeviceCall c{call, device, state, environment, arg};
  if (cmd == abi::kVfioDeviceBindIommufd) return pci::BindIommufdOfGroupFile(c);
  // vfio_device_pm_runtime_get: every other call finds the device resumed.
  if (state.low_power_wakeup && c.profile().runtime_suspends) {
    state.low_power = false;
    state.low_power_wakeup = false;
  }
  switch (cmd) {
    case abi::kVfioDeviceGetInfo:
      return pci::GetInfo(c);
    case abi::kVfioDeviceGetRegionInfo:
      return pci::GetRegionInfo(c);
    case abi::kVfioDeviceGetIrqInfo:
      return pci::GetIrqInfo(c);
    case abi::kVfioDeviceSetIrqs:
      return pci::SetIrqs(c);
    case abi::kVfioDeviceReset:
      return pci::Reset(c);
    case abi::kVfioDeviceGetPciHotResetInfo:
      return pci::GetPciHotResetInfo(c);
    case abi::kVfioDevicePciHotReset:
      return pci::PciHotReset(c);
    case abi::kVfioDeviceIoeventfd:
      return pci::Ioeventfd(c);
    case abi::kVfioDeviceFeature:
      return pci::Feature(c);
    default:
      return Fail(sim::Errno::kNOTTY, kUnknownCommand);
  }
}

void VfioPciClose(VfioPciState& state) { state = VfioPciState{}; }

}  // namespace iovalid::compat
