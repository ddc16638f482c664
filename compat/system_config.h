// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_SYSTEM_CONFIG_H_
#define IOVALID_COMPAT_SYSTEM_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compat/pci/pci_function.h"
#include "compat/profile.h"
#include "hwmodel/iommu.h"

namespace iovalid::compat {

// Module parameters of vfio, vfio_iommu_type1 and iommufd. They may change while the system runs.
struct ModuleParameters {
  uint32_t dma_entry_limit = 65535;      // vfio_iommu_type1.dma_entry_limit
  bool disable_hugepages = false;        // vfio_iommu_type1.disable_hugepages
  bool allow_unsafe_interrupts = true;   // vfio_iommu_type1 and iommufd .allow_unsafe_interrupts
  bool enable_unsafe_noiommu = false;    // vfio.enable_unsafe_noiommu_mode
};

// Who serves /dev/vfio/vfio.
enum class ContainerNode : uint8_t {
  kType1,    // vfio's container with vfio_iommu_type1
  kIommufd,  // CONFIG_IOMMUFD_VFIO_CONTAINER: iommufd, with per-mm accounting
};

// How a device does DMA, and with it its group (enum vfio_group_type). All devices of a group that
// VFIO serves are of one kind; a group that is not behind an IOMMU has one device.
enum class DeviceKind : uint8_t {
  kIommu,     // behind an IOMMU (VFIO_IOMMU), bound to vfio-pci
  kEmulated,  // by its driver, which asks VFIO for memory (VFIO_EMULATED_IOMMU): a mediated device
  kNoIommu,   // untranslated (VFIO_NO_IOMMU), bound to vfio-pci in unsafe no-IOMMU mode
  kKernelDriver,  // behind an IOMMU and bound to another driver, which owns its group's DMA
};

// What a driver does when VFIO takes back memory that it may have pinned (dma_unmap of
// struct vfio_device_ops).
enum class DmaUnmap : uint8_t {
  kNone,      // it has no such callback, so it can't pin
  kReleases,  // it gives back what it pinned there, as it should
  kIgnores,   // it does nothing: a broken driver
};

// A device that VFIO serves.
struct DeviceConfig {
  std::string name;        // "dev0"
  DeviceKind kind = DeviceKind::kIommu;
  DmaUnmap dma_unmap = DmaUnmap::kNone;
  std::string bdf;         // "0000:00:05.0"; of an emulated device: its name, a UUID
  uint32_t group = 0;      // index of its IOMMU group
  std::string group_path;  // "/dev/vfio/3", "/dev/vfio/noiommu-0"
  std::string cdev_path;   // "/dev/vfio/devices/vfio1"; empty: no cdev
  PciFunction pci;         // BARs, interrupts; nothing of an emulated device
};

// Everything that a simulated kernel instance is built from.
struct SystemConfig {
  const KernelProfile* profile = nullptr;  // static storage
  ContainerNode container_node = ContainerNode::kType1;
  hwmodel::IommuConfig iommu;
  bool interrupt_remapping = false;  // isolated MSI
  std::vector<DeviceConfig> devices;
  ModuleParameters parameters;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_SYSTEM_CONFIG_H_
