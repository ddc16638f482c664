// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_PCI_PROFILE_H_
#define IOVALID_COMPAT_PCI_PCI_PROFILE_H_

#include <cstdint>

namespace iovalid::compat {

// Behaviour of drivers/vfio/pci, and of the device calls of vfio_main.c, that differs between
// kernels or configurations.
struct PciProfile {
  // Largest part of vfio_device_info that GET_INFO writes, in bytes: with `pad` or up to
  // cap_offset.
  uint32_t device_info_size;
  // CONFIG_PCI_MSI with an irq domain that allocates MSI-X vectors one by one
  // (pci_msix_can_alloc_dyn): GET_IRQ_INFO does not say NORESIZE, and SET_IRQS takes vectors beyond
  // those first enabled.
  bool dynamic_msix;
  // SET_IRQS checks start and count against the vectors enabled first (vdev->num_ctx).
  bool bounds_irqs_by_context;
  // The error interrupt exists on PCI Express functions only (pci_is_pcie).
  bool err_irq_needs_pcie;
  // SET_IRQS on the error or request interrupt ignores an eventfd below -1.
  bool ignores_negative_eventfd;
  // CONFIG_VFIO_PCI_DMABUF: VFIO_DEVICE_FEATURE_DMA_BUF.
  bool feature_dma_buf;
  // VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, which answers EINVAL where there is no pre-copy.
  bool feature_precopy_info_v2;
  // CONFIG_PM: an unused device is suspended between calls, and a call that finds it so resumes it,
  // which ends a low power state that has a wake-up eventfd (vfio_pci_core_runtime_resume).
  bool runtime_suspends;
  // GET_PCI_HOT_RESET_INFO writes its header before the devices.
  bool hot_reset_info_header_first;
  // PCI_HOT_RESET knows cdev: a count of zero is checked before the reset is looked for.
  bool hot_reset_checks_count_first;
  // IOEVENTFD takes the region index from a signed offset: from 2^63 on the kernel reads out of
  // bounds.
  bool signed_region_index;
  // BIND_IOMMUFD takes a struct of any size not below 16, with zeros beyond what it knows.
  bool bind_is_extensible;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_PCI_PROFILE_H_
