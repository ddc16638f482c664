// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_RULES_H_
#define IOVALID_IOAS_RULES_H_

#include "sim/rule.h"

// The rules of drivers/iommu/iommufd/{io_pagetable,pages}.c that decide outcomes.
namespace iovalid::ioas::rules {

// --- pages.c ---
inline constexpr sim::Rule kVaddrOverflow{"iopt.pages.vaddr_overflow", "iopt_alloc_user_pages",
                                          "address + length passes the end of the 64-bit space"};
inline constexpr sim::Rule kPagesLength{"iopt.pages.length", "iopt_alloc_pages",
                                        "the length is zero, or within a page of 2^64"};
inline constexpr sim::Rule kPagesAlloc{"iopt.pages.alloc", "iopt_alloc_pages",
                                       "no memory for the pages object"};
inline constexpr sim::Rule kFileLength{"iopt.file.length", "iopt_map_file_pages",
                                       "the length is zero"};
inline constexpr sim::Rule kFileOverflow{"iopt.file.overflow", "iopt_map_file_pages",
                                         "start + length - 1 passes the end of the 64-bit space"};
inline constexpr sim::Rule kDmabufRange{"iopt.dmabuf.range", "iopt_alloc_dmabuf_pages",
                                        "the range passes the end of the dma-buf"};
inline constexpr sim::Rule kDmabufAttach{"iopt.dmabuf.attach", "iopt_map_dmabuf",
                                         "no memory for the attachment to the dma-buf"};
inline constexpr sim::Rule kDmabufRevoked{"iopt.dmabuf.revoked", "vfio_pci_dma_buf_attach",
                                          "the device has taken the memory back"};
inline constexpr sim::Rule kDmabufRanges{"iopt.dmabuf.ranges", "vfio_pci_dma_buf_iommufd_map",
                                         "the dma-buf has more than one range"};
inline constexpr sim::Rule kDmabufTrack{"iopt.dmabuf.track", "iopt_dmabuf_track_domain",
                                        "no memory to follow a domain that shows a dma-buf"};
inline constexpr sim::Rule kBatchAlloc{"iopt.pin.batch_alloc", "pfn_reader_init",
                                       "no memory for a batch of frames"};
inline constexpr sim::Rule kPinListAlloc{"iopt.pin.list_alloc", "pfn_reader_user_pin",
                                         "no memory for the list of pinned pages"};
inline constexpr sim::Rule kPinMmGone{"iopt.pin.mm_gone", "pfn_reader_user_pin",
                                      "the address space of the pages is gone"};
inline constexpr sim::Rule kPin{"iopt.pin.fault", "pfn_reader_user_pin", "a page can't be pinned"};
inline constexpr sim::Rule kPinFile{"iopt.pin.file", "pin_memfd_pages",
                                    "the file is no memfd, or too short"};
inline constexpr sim::Rule kMemlockUser{"iopt.account.user", "incr_user_locked_vm",
                                        "RLIMIT_MEMLOCK of the user is exceeded"};
inline constexpr sim::Rule kMemlockMm{"iopt.account.mm", "update_mm_locked_vm",
                                      "RLIMIT_MEMLOCK of the process is exceeded"};
inline constexpr sim::Rule kMmGone{"iopt.account.mm_gone", "update_mm_locked_vm",
                                   "the address space to charge is gone"};
inline constexpr sim::Rule kIommuMap{"iopt.map.iommu", "batch_to_domain",
                                     "the IOMMU driver refuses the mapping"};
inline constexpr sim::Rule kMapWithoutRights{"iommu.map.no_rights", "pt_iommu_map_range",
                                             "a mapping allows neither reading nor writing"};

// --- io_pagetable.c ---
inline constexpr sim::Rule kAreaAlloc{"iopt.area.alloc", "iopt_area_alloc",
                                      "no memory for the area"};
inline constexpr sim::Rule kLengthAlignment{"iopt.map.length", "iopt_alloc_area_pages",
                                            "the length is zero or not aligned"};
inline constexpr sim::Rule kIovaAlignment{"iopt.map.iova_alignment", "iopt_check_iova",
                                          "the IOVA is not aligned"};
inline constexpr sim::Rule kIovaOverflow{"iopt.map.iova_overflow", "iopt_check_iova",
                                         "IOVA + length - 1 passes the end of the 64-bit space"};
inline constexpr sim::Rule kReserved{"iopt.map.reserved", "iopt_check_iova",
                                     "the IOVA range meets a reserved one"};
inline constexpr sim::Rule kOverlap{"iopt.map.overlap", "iopt_check_iova",
                                    "the IOVA range overlaps a mapping"};
inline constexpr sim::Rule kNotWritable{"iopt.map.not_writable", "iopt_insert_area",
                                        "the pages were made without write access"};
inline constexpr sim::Rule kVaddrAlignment{"iopt.map.vaddr_alignment", "iopt_insert_area",
                                           "the address is not aligned"};
inline constexpr sim::Rule kAreaBeyondPages{"iopt.map.beyond_pages", "iopt_insert_area",
                                            "the area passes the end of its pages"};
inline constexpr sim::Rule kAutoIovaLength{"iopt.alloc_iova.length", "iopt_alloc_iova",
                                           "the length is half of the 64-bit space or more"};
inline constexpr sim::Rule kAutoIovaAlignment{"iopt.alloc_iova.alignment", "iopt_alloc_iova",
                                              "the address is less aligned than IOVAs must be"};
inline constexpr sim::Rule kNoRoom{"iopt.alloc_iova.no_room", "iopt_alloc_iova",
                                   "no hole is large enough"};
inline constexpr sim::Rule kUnmapLength{"iopt.unmap.length", "iopt_unmap_iova",
                                        "the length is zero"};
inline constexpr sim::Rule kUnmapOverflow{"iopt.unmap.overflow", "iopt_unmap_iova",
                                          "IOVA + length - 1 passes the end of the 64-bit space"};
inline constexpr sim::Rule kUnmapLocked{"iopt.unmap.locked", "iopt_unmap_iova_range",
                                        "an object holds a lock on the area"};
inline constexpr sim::Rule kUnmapPartial{"iopt.unmap.partial", "iopt_unmap_iova_range",
                                         "the range covers only a part of an area"};
inline constexpr sim::Rule kUnmapAccess{"iopt.unmap.access", "iopt_unmap_iova_range",
                                        "an access does not let go of the area"};
inline constexpr sim::Rule kAccessLength{"iopt.access.length", "iommufd_access_pin_pages",
                                         "the length is zero"};
inline constexpr sim::Rule kAccessOverflow{
    "iopt.access.overflow", "iommufd_access_pin_pages",
    "IOVA + length - 1 passes the end of the 64-bit space"};
inline constexpr sim::Rule kAccessHole{"iopt.access.hole", "iommufd_access_pin_pages",
                                       "areas do not cover the range without a gap"};
inline constexpr sim::Rule kAccessPrevented{"iopt.access.prevented", "iommufd_access_pin_pages",
                                            "the area is being unmapped"};
inline constexpr sim::Rule kAccessAlignment{"iopt.access.alignment", "iopt_area_contig_is_aligned",
                                            "an area does not show whole pages there"};
inline constexpr sim::Rule kAccessRights{"iopt.access.rights", "check_area_prot",
                                         "the area lacks the right that is asked for"};
inline constexpr sim::Rule kAccessNotWritable{"iopt.access.not_writable", "iopt_area_add_access",
                                              "the pages were mapped without the right to write"};
inline constexpr sim::Rule kAccessDmabuf{"iopt.access.dmabuf", "iopt_area_add_access",
                                         "a dma-buf can't be pinned or copied"};
inline constexpr sim::Rule kAccessAlloc{"iopt.access.alloc", "iopt_area_add_access",
                                        "no memory for the access"};
inline constexpr sim::Rule kAccessFault{"iopt.access.fault", "iopt_pages_rw_access",
                                        "the memory can't be read or written"};
inline constexpr sim::Rule kUnpinRange{"iopt.unpin.range", "iommufd_access_unpin_pages",
                                       "WARN: an empty range, or one beyond the end"};
inline constexpr sim::Rule kUnpinInexact{"iopt.unpin.inexact", "iopt_area_remove_access",
                                         "WARN: no pin of exactly this range"};
inline constexpr sim::Rule kUnpinHole{"iopt.unpin.hole", "iommufd_access_unpin_pages",
                                      "WARN: areas do not cover the range"};
inline constexpr sim::Rule kGetPagesLength{"iopt.copy.length", "iopt_get_pages",
                                           "the length is zero"};
inline constexpr sim::Rule kGetPagesOverflow{
    "iopt.copy.overflow", "iopt_get_pages", "IOVA + length - 1 passes the end of the 64-bit space"};
inline constexpr sim::Rule kGetPagesHole{"iopt.copy.hole", "iopt_get_pages",
                                         "areas do not cover the source range without a gap"};
inline constexpr sim::Rule kGetPagesAlloc{"iopt.copy.alloc", "iopt_get_pages",
                                          "no memory for the list of pages"};
inline constexpr sim::Rule kAllowedReserved{"iopt.allow.reserved", "iopt_set_allow_iova",
                                            "an allowed range meets a reserved one"};
inline constexpr sim::Rule kReserveInUse{"iopt.reserve.in_use", "iopt_reserve_iova",
                                         "what must be reserved is mapped or explicitly allowed"};
inline constexpr sim::Rule kReserveAlloc{"iopt.reserve.alloc", "iopt_reserve_iova",
                                         "no memory for the reserved range"};
inline constexpr sim::Rule kDomainPageSize{"iopt.domain.page_size", "iopt_table_add_domain",
                                           "the smallest IOMMU page is larger than a CPU page"};
inline constexpr sim::Rule kAreasMisaligned{"iopt.alignment.areas", "iopt_check_iova_alignment",
                                            "an area is less aligned than would be needed"};
inline constexpr sim::Rule kLargePagesInUse{"iopt.large_pages.in_use", "iopt_disable_large_pages",
                                            "there are both domains and mappings"};
inline constexpr sim::Rule kSplitBusy{"iopt.split.busy", "iopt_area_split",
                                      "the area is being torn down"};
inline constexpr sim::Rule kSplitDmabuf{"iopt.split.dmabuf", "iopt_area_split",
                                        "an area of a dma-buf is never split"};
inline constexpr sim::Rule kSplitAlignment{"iopt.split.alignment", "iopt_area_split",
                                           "the cut is not aligned"};
inline constexpr sim::Rule kSplitAccess{"iopt.split.access", "iopt_area_split",
                                        "an access uses the area"};
inline constexpr sim::Rule kSplitLargePages{"iopt.split.large_pages", "iopt_area_split",
                                            "a domain may map the area with large pages"};

}  // namespace iovalid::ioas::rules

#endif  // IOVALID_IOAS_RULES_H_
