// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.info.copy_in", "vfio_pci_ioctl_get_info",
                       "the argument cannot be read"};
constexpr Rule kArgsz{"pci.info.argsz", "vfio_pci_ioctl_get_info",
                      "argsz does not reach the end of num_irqs"};
constexpr Rule kCopyOut{"pci.info.copy_out", "vfio_pci_ioctl_get_info",
                        "the answer cannot be written"};

}  // namespace

Outcome GetInfo(DeviceCall& c) {
  constexpr uint32_t kMinSize = offsetof(abi::VfioDeviceInfo, cap_offset);
  abi::VfioDeviceInfo info{};
  if (!c.call.CopyIn(c.arg, &info, kMinSize)) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (info.argsz < kMinSize) return Fail(sim::Errno::kINVAL, kArgsz);

  // Kernels with a 20-byte struct write cap_offset as a whole or not at all.
  uint32_t size = std::min(info.argsz, c.profile().device_info_size);
  if (c.profile().device_info_size < sizeof(info) && size < c.profile().device_info_size) {
    size = kMinSize;
  }
  info.flags = abi::kVfioDeviceFlagsPci;
  if (c.function().function_reset) info.flags |= abi::kVfioDeviceFlagsReset;
  info.num_regions = abi::kVfioPciNumRegions;
  info.num_irqs = abi::kVfioPciNumIrqs;
  // No capability: AtomicOps need a root port that completes them, which no modelled function has.
  if (!c.call.CopyOut(c.arg, &info, size)) return Fail(sim::Errno::kFAULT, kCopyOut);
  return Ok();
}

}  // namespace iovalid::compat::pci
