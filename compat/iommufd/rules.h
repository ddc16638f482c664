// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_RULES_H_
#define IOVALID_COMPAT_IOMMUFD_RULES_H_

#include "compat/rule.h"

// The rules of drivers/iommu/iommufd that decide outcomes above the IOAS core (see ioas/rules.h).
namespace iovalid::compat::rules {

// --- main.c ---
inline constexpr Rule kObjectAlloc{"iommufd.object.alloc", "_iommufd_object_alloc",
                                   "no memory for the object"};
inline constexpr Rule kDestroyUnknown{"iommufd.destroy.unknown", "iommufd_object_remove",
                                      "no object has this id"};
inline constexpr Rule kDestroyBusy{"iommufd.destroy.busy", "iommufd_object_remove",
                                   "the object is in use"};
inline constexpr Rule kUnknownObject{"iommufd.object.unknown", "iommufd_get_object",
                                     "no object of this kind has this id"};
inline constexpr Rule kNativeSizeFault{"iommufd.ioctl.size_fault", "iommufd_fops_ioctl",
                                       "the size can't be read"};
inline constexpr Rule kNativeCommand{"iommufd.ioctl.command", "iommufd_fops_ioctl",
                                     "the command word is not that of the number"};
inline constexpr Rule kNativeTooSmall{"iommufd.ioctl.too_small", "iommufd_fops_ioctl",
                                      "the struct is smaller than the command needs"};
inline constexpr Rule kNativeTail{"iommufd.ioctl.tail", "copy_struct_from_user",
                                  "bytes that the kernel does not know are not zero"};
inline constexpr Rule kNativeFault{"iommufd.ioctl.fault", "copy_struct_from_user",
                                   "the struct can't be read"};
inline constexpr Rule kRespondFault{"iommufd.ioctl.respond_fault", "iommufd_ucmd_respond",
                                    "the struct can't be written"};

// --- device.c, accesses ---
inline constexpr Rule kAccessDetached{"iommufd.access.detached", "iommufd_access_pin_pages",
                                      "the emulated device is attached to no IOAS"};
inline constexpr Rule kUnpinDetached{"iommufd.access.unpin_detached", "iommufd_access_unpin_pages",
                                     "WARN: the emulated device is attached to no IOAS"};

// --- vfio_compat.c ---
inline constexpr Rule kCompatNoIoas{"iommufd.compat.no_ioas", "get_compat_ioas",
                                    "the context has no compatibility IOAS"};
inline constexpr Rule kCompatNoIommuMode{"iommufd.compat.no_iommu_mode",
                                         "iommufd_vfio_compat_ioas_create",
                                         "the context is used without an IOMMU"};
inline constexpr Rule kCompatHasIoas{"iommufd.compat.has_ioas", "iommufd_vfio_compat_set_no_iommu",
                                     "the context has a compatibility IOAS"};
inline constexpr Rule kCompatDirtyPages{"iommufd.compat.dirty_pages", "iommufd_vfio_ioctl",
                                        "dirty tracking is not emulated"};
inline constexpr Rule kCompatUnknown{"iommufd.compat.unknown", "iommufd_vfio_ioctl",
                                     "no such command"};
inline constexpr Rule kSetIommuRawio{"iommufd.compat.set_iommu.rawio", "iommufd_vfio_set_iommu",
                                     "no-iommu needs CAP_SYS_RAWIO"};
inline constexpr Rule kSetIommuType{"iommufd.compat.set_iommu.type", "iommufd_vfio_set_iommu",
                                    "only types 1 and 3, and not without an IOMMU"};
inline constexpr Rule kExtensionModelled{"iommufd.compat.extension.type1",
                                         "iommufd_vfio_check_extension",
                                         "offered unless the context is used without an IOMMU"};
inline constexpr Rule kExtensionNoIommu{"iommufd.compat.extension.no_iommu",
                                        "iommufd_vfio_check_extension",
                                        "offered if the kernel is configured for it"};
inline constexpr Rule kExtensionCoherency{"iommufd.compat.extension.dma_cc",
                                          "iommufd_vfio_cc_iommu",
                                          "whether all HWPTs enforce cache coherency"};
inline constexpr Rule kExtensionUnknown{"iommufd.compat.extension.unknown",
                                        "iommufd_vfio_check_extension", "not offered"};
inline constexpr Rule kMapFault{"iommufd.compat.map.fault", "iommufd_vfio_map_dma",
                                "the struct can't be read"};
inline constexpr Rule kMapArgs{"iommufd.compat.map.args", "iommufd_vfio_map_dma",
                               "argsz is too small, or a flag other than READ and WRITE is set"};
inline constexpr Rule kUnmapFault{"iommufd.compat.unmap.fault", "iommufd_vfio_unmap_dma",
                                  "the struct can't be read or written"};
inline constexpr Rule kUnmapArgs{"iommufd.compat.unmap.args", "iommufd_vfio_unmap_dma",
                                 "argsz is too small, or a flag other than ALL is set"};
inline constexpr Rule kUnmapAllRange{"iommufd.compat.unmap.all_range", "iommufd_vfio_unmap_dma",
                                     "ALL goes with neither an IOVA nor a size"};
inline constexpr Rule kInfoFault{"iommufd.compat.info.fault", "iommufd_vfio_iommu_get_info",
                                 "the struct can't be read, or the answer can't be written"};
inline constexpr Rule kInfoArgs{"iommufd.compat.info.args", "iommufd_vfio_iommu_get_info",
                                "argsz is too small"};

// --- device.c, hw_pagetable.c ---
inline constexpr Rule kBindAlloc{"iommufd.bind.alloc", "iommufd_get_group",
                                 "no memory for the group"};
inline constexpr Rule kBindUnsafeMsi{"iommufd.bind.unsafe_msi", "iommufd_bind_iommu",
                                     "interrupts are not isolated, and may not be unsafe"};
inline constexpr Rule kBindOwner{"iommufd.bind.owner", "iommu_device_claim_dma_owner",
                                 "the DMA of the group is owned by somebody else"};
inline constexpr Rule kAttachAlloc{"iommufd.attach.alloc", "iommufd_hw_pagetable_attach",
                                   "no memory for the attachment"};
inline constexpr Rule kAttachTwice{"iommufd.attach.twice", "iommufd_hw_pagetable_attach",
                                   "the device is attached already"};
inline constexpr Rule kAttachOther{"iommufd.attach.other_hwpt", "iommufd_hw_pagetable_attach",
                                   "another device of the group is attached to another HWPT"};
inline constexpr Rule kAttachNoIommu{"iommufd.attach.noiommu", "__iommu_attach_group",
                                     "the HWPT was made for a device without an IOMMU"};
// iommu_replace_group_handle does not ask whose domain it is, and this one has no attach_dev.
inline constexpr Rule kReplaceNoIommu{"iommufd.replace.noiommu", "__iommu_attach_device",
                                      "the HWPT was made for a device without an IOMMU"};
inline constexpr Rule kAttachFaults{"iommufd.attach.faults", "intel_iommu_enable_iopf",
                                    "the HWPT has a fault queue, and the device can't report "
                                    "recoverable faults (PRI)"};
inline constexpr Rule kAttachKind{"iommufd.attach.kind", "iommufd_device_change_pt",
                                  "the object is neither an IOAS nor a HWPT"};
inline constexpr Rule kReplaceDetached{"iommufd.replace.detached", "iommufd_device_do_replace",
                                       "the device is not attached"};
inline constexpr Rule kDomainAlloc{"iommufd.hwpt.domain_alloc", "iommufd_hwpt_paging_alloc",
                                   "no domain could be made"};

}  // namespace iovalid::compat::rules

#endif  // IOVALID_COMPAT_IOMMUFD_RULES_H_
