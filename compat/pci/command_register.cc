// SPDX-License-Identifier: Apache-2.0
// The command register in configuration space: vfio_pci_config.c.
#include "compat/pci/device_call.h"

namespace iovalid::compat {
namespace {

constexpr Rule kUnmodelled{"unmodelled.pci.write", "vfio_pci_rw",
                           "only writes to the command register are modelled"};
constexpr Rule kFault{"pci.write.fault", "vfio_config_do_rw", "the bytes can't be read"};

constexpr uint64_t kCommand = 4;            // PCI_COMMAND
constexpr uint8_t kCommandMemory = 1 << 1;  // PCI_COMMAND_MEMORY

}  // namespace

Outcome VfioPciWrite(Call& call, const DeviceConfig& device, VfioPciState& state,
                     DeviceCallEnvironment& environment, uint64_t addr, uint64_t count,
                     uint64_t offset) {
  if (count == 0) return Ok();
  const bool whole = count == 1 || count == 2 || count == 4;
  if (offset != RegionOffset(abi::kVfioPciConfigRegionIndex) + kCommand || !whole) {
    return Fail(sim::Errno::kNOSYS, kUnmodelled);
  }
  uint8_t bytes[4] = {};
  if (!call.CopyIn(addr, bytes, count)) return Fail(sim::Errno::kFAULT, kFault);
  const pci::DeviceCall c{call, device, state, environment, 0};
  const bool memory = (bytes[0] & kCommandMemory) != 0;
  if (!memory) environment.MoveDmabufs(c.index(), /*revoked=*/true);
  state.memory_decoding = memory;
  environment.MoveDmabufs(c.index(), /*revoked=*/false);
  return Ok(static_cast<int64_t>(count));
}

}  // namespace iovalid::compat
