// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_PCI_PROFILES_H_
#define IOVALID_COMPAT_PCI_PCI_PROFILES_H_

#include "compat/pci/pci_profile.h"

namespace iovalid::compat {

// Debian 6.1: drivers/vfio/pci of 6.1.176.
inline constexpr PciProfile kPciProfile61 = {
    .device_info_size = 20,                 // vfio_pci_ioctl_get_info
    .dynamic_msix = false,                  // vfio_pci_ioctl_get_irq_info
    .bounds_irqs_by_context = true,         // vfio_msi_set_block, vfio_pci_set_msi_trigger
    .err_irq_needs_pcie = true,             // vfio_pci_get_irq_count
    .ignores_negative_eventfd = true,       // vfio_pci_set_ctx_trigger_single
    .feature_dma_buf = false,               // vfio_pci_core_ioctl_feature
    .feature_precopy_info_v2 = false,       // vfio_ioctl_device_feature
    .runtime_suspends = true,               // Debian's configuration
    .hot_reset_info_header_first = true,    // vfio_pci_ioctl_get_pci_hot_reset_info
    .hot_reset_checks_count_first = false,  // vfio_pci_ioctl_pci_hot_reset
    .signed_region_index = true,            // VFIO_PCI_OFFSET_TO_INDEX
    .bind_is_extensible = false,            // no such command
};

// 6.12.95 (Debian's configuration differs in runtime_suspends).
inline constexpr PciProfile kPciProfile612 = {
    .device_info_size = 24,
    .dynamic_msix = true,
    .bounds_irqs_by_context = false,
    .err_irq_needs_pcie = true,
    .ignores_negative_eventfd = false,
    .feature_dma_buf = false,
    .feature_precopy_info_v2 = false,
    .runtime_suspends = false,  // the recorded kernel is built without CONFIG_PM
    .hot_reset_info_header_first = false,
    .hot_reset_checks_count_first = true,
    .signed_region_index = true,
    .bind_is_extensible = false,  // vfio_df_ioctl_bind_iommufd
};

// 7.3.4 with CONFIG_VFIO_PCI_DMABUF (Debian's configuration differs in runtime_suspends).
inline constexpr PciProfile kPciProfile73 = {
    .device_info_size = 24,
    .dynamic_msix = true,
    .bounds_irqs_by_context = false,
    .err_irq_needs_pcie = false,
    .ignores_negative_eventfd = false,
    .feature_dma_buf = true,          // vfio_pci_core_feature_dma_buf
    .feature_precopy_info_v2 = true,  // vfio_ioctl_device_feature_migration_precopy_info_v2
    .runtime_suspends = false,        // the recorded kernel is built without CONFIG_PM
    .hot_reset_info_header_first = false,
    .hot_reset_checks_count_first = true,
    .signed_region_index = false,
    .bind_is_extensible = true,
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_PCI_PROFILES_H_
