// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_PCI_FUNCTION_H_
#define IOVALID_COMPAT_PCI_PCI_FUNCTION_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/units.h"

namespace iovalid::compat {

// A base address register that the firmware has placed.
struct PciBar {
  uint64_t size = 0;   // bytes, a power of two; 0: the BAR does not exist
  bool memory = true;  // memory space; otherwise I/O ports
  bool prefetchable = false;
  bool is_64bit = false;
  // Where it stands in the memory or I/O space of the bus, in bytes.
  uint64_t bus_address = 0;
  // Memory BARs: the page id of its first page, as a device mapping and DMA to it see it. Ids of
  // device memory are apart from `bus_address` so that no RAM page can have the same.
  sim::PageId first_frame = 0;

  // vfio_pci_probe_mmaps: whether the region can be mapped. A memory BAR of less than a page can if
  // it starts a page (nothing else may then be in that page).
  bool Mappable() const {
    return memory && size != 0 && (size >= sim::kPageSize || bus_address % sim::kPageSize == 0);
  }
  // Pages of the BAR, the last one perhaps in part.
  uint64_t Pages() const { return (size + sim::kPageSize - 1) >> sim::kPageShift; }

  friend bool operator==(const PciBar&, const PciBar&) = default;
};

// One PCI function as vfio-pci shows it to a program: what its configuration space and resources
// say.
struct PciFunction {
  std::string model;  // "e1000e (8086:10d3)"
  std::array<PciBar, 6> bars;
  uint64_t rom_size = 0;       // bytes of the expansion ROM BAR with a valid image; 0: none
  uint32_t config_size = 256;  // bytes of configuration space; 4096 for PCI Express
  bool pcie = false;           // has a PCI Express capability
  // A reset of this function alone works (FLR, or D3hot to D0 without No_Soft_Reset): what
  // pci_try_reset_function found when the device was opened.
  bool function_reset = false;
  bool intx = false;          // has an interrupt pin that is routed
  uint32_t msi_vectors = 0;   // vectors of the MSI capability, a power of two; 0: none
  uint32_t msix_vectors = 0;  // vectors of the MSI-X capability; 0: none
  uint32_t msix_bar = 0;      // of the MSI-X table; meaningful with msix_vectors
  uint32_t msix_offset = 0;   // bytes from the start of that BAR

  // Bytes of the MSI-X table.
  uint32_t msix_size() const { return msix_vectors * 16; }

  friend bool operator==(const PciFunction&, const PciFunction&) = default;
};

// Page ids of device memory start here, above those of any RAM.
inline constexpr sim::PageId kFirstMmioFrame = sim::kFirstMmioPage;
// Each device has room for this many page ids; a BAR for 1/8 of them (512 MiB).
inline constexpr uint64_t kMmioFramesPerDevice = uint64_t{1} << 20;
inline constexpr uint64_t kMmioFramesPerBar = kMmioFramesPerDevice / 8;

// The PCI function that a trace header names: "edu (1234:11e8)" or "" (the golden recordings'
// devices, also edu), or "e1000e (8086:10d3)". `bar0_len`: bytes of BAR 0 where the header gives
// them (a power of two up to 512 MiB), else 0. `device_index` is the device's place in the header,
// up to 65535: it decides the page ids of its BARs. kNotFound for another model, kInvalidArgument
// for another length or index.
absl::StatusOr<PciFunction> PciFunctionForModel(std::string_view model, uint64_t bar0_len,
                                                uint32_t device_index);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_PCI_FUNCTION_H_
