// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/pci_function.h"

#include <bit>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace iovalid::compat {
namespace {

constexpr uint32_t kMaxDevices = 65536;

PciBar MemoryBar(uint64_t size, uint64_t bus_address) {
  PciBar bar;
  bar.size = size;
  bar.bus_address = bus_address;
  return bar;
}

// QEMU's teaching device: one register BAR, a pin, one MSI vector; conventional PCI without power
// management, so that no reset of the function works. (Regions, counts and flags as GET_INFO,
// GET_REGION_INFO and GET_IRQ_INFO of the recordings.)
PciFunction Edu() {
  PciFunction f;
  f.model = "edu (1234:11e8)";
  f.bars[0] = MemoryBar(0x100000, 0xfe400000);
  f.config_size = 256;
  f.intx = true;
  f.msi_vectors = 1;
  return f;
}

// QEMU's Intel 82574L: registers, flash, I/O ports, an MSI-X table with pending bits in BAR 3, and
// an option ROM (PXE).
PciFunction E1000e() {
  PciFunction f;
  f.model = "e1000e (8086:10d3)";
  f.bars[0] = MemoryBar(0x20000, 0xfe640000);
  f.bars[1] = MemoryBar(0x20000, 0xfe660000);
  f.bars[2].memory = false;
  f.bars[2].size = 0x20;
  f.bars[2].bus_address = 0xd060;
  f.bars[3] = MemoryBar(0x4000, 0xfe680000);
  f.rom_size = 0x40000;
  f.config_size = 4096;
  f.pcie = true;
  f.function_reset = true;
  f.intx = true;
  f.msi_vectors = 1;
  f.msix_vectors = 5;
  f.msix_bar = 3;
  f.msix_offset = 0;
  return f;
}

}  // namespace

absl::StatusOr<PciFunction> PciFunctionForModel(std::string_view model, uint64_t bar0_len,
                                                uint32_t device_index) {
  if (device_index >= kMaxDevices) {
    return absl::InvalidArgumentError(
        absl::StrCat("device ", device_index, ": at most ", kMaxDevices, " devices"));
  }
  PciFunction f;
  if (model.empty() || model == "edu" || model == "edu (1234:11e8)") {
    f = Edu();
  } else if (model == "e1000e" || model == "e1000e (8086:10d3)") {
    f = E1000e();
  } else {
    return absl::NotFoundError(
        absl::StrCat("unknown device model \"", std::string(model.substr(0, 80)),
                     "\" (known: \"edu (1234:11e8)\", \"e1000e (8086:10d3)\")"));
  }
  if (bar0_len != 0) {
    if (!std::has_single_bit(bar0_len) || bar0_len < 16 ||
        bar0_len > kMmioFramesPerBar << sim::kPageShift) {
      return absl::InvalidArgumentError(absl::StrCat("BAR 0 of ", bar0_len,
                                                     " bytes: a power of two from 16 to ",
                                                     kMmioFramesPerBar << sim::kPageShift));
    }
    f.bars[0].size = bar0_len;
  }
  for (size_t i = 0; i < f.bars.size(); ++i) {
    if (f.bars[i].memory && f.bars[i].size != 0) {
      f.bars[i].first_frame =
          kFirstMmioFrame + device_index * kMmioFramesPerDevice + i * kMmioFramesPerBar;
    }
  }
  return f;
}

}  // namespace iovalid::compat
