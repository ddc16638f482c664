// SPDX-License-Identifier: Apache-2.0
// The layouts and numbers against the headers of the build machine's kernel: an independent copy of
// the ABI. It may be older than ours; then it has fewer structs, but those it has must agree.

#include <gtest/gtest.h>
#include <linux/vfio.h>

#include <cstddef>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#endif

namespace iovalid::compat::abi {
namespace {

#define SAME_FIELD(ours, our_field, theirs, their_field)                      \
  EXPECT_EQ(offsetof(ours, our_field), offsetof(struct theirs, their_field)); \
  EXPECT_EQ(sizeof(ours::our_field), sizeof(theirs::their_field))

TEST(VfioAbi, CommandNumbers) {
  EXPECT_EQ(kVfioGetApiVersion, uint32_t{VFIO_GET_API_VERSION});
  EXPECT_EQ(kVfioCheckExtension, uint32_t{VFIO_CHECK_EXTENSION});
  EXPECT_EQ(kVfioSetIommu, uint32_t{VFIO_SET_IOMMU});
  EXPECT_EQ(kVfioGroupGetStatus, uint32_t{VFIO_GROUP_GET_STATUS});
  EXPECT_EQ(kVfioGroupSetContainer, uint32_t{VFIO_GROUP_SET_CONTAINER});
  EXPECT_EQ(kVfioGroupUnsetContainer, uint32_t{VFIO_GROUP_UNSET_CONTAINER});
  EXPECT_EQ(kVfioGroupGetDeviceFd, uint32_t{VFIO_GROUP_GET_DEVICE_FD});
  EXPECT_EQ(kVfioIommuGetInfo, uint32_t{VFIO_IOMMU_GET_INFO});
  EXPECT_EQ(kVfioIommuMapDma, uint32_t{VFIO_IOMMU_MAP_DMA});
  EXPECT_EQ(kVfioIommuUnmapDma, uint32_t{VFIO_IOMMU_UNMAP_DMA});
  EXPECT_EQ(kVfioIommuEnable, uint32_t{VFIO_IOMMU_ENABLE});
  EXPECT_EQ(kVfioIommuDisable, uint32_t{VFIO_IOMMU_DISABLE});
  EXPECT_EQ(kVfioIommuDirtyPages, uint32_t{VFIO_IOMMU_DIRTY_PAGES});
  EXPECT_EQ(kVfioDeviceGetInfo, uint32_t{VFIO_DEVICE_GET_INFO});
  EXPECT_EQ(kVfioDeviceGetRegionInfo, uint32_t{VFIO_DEVICE_GET_REGION_INFO});
  EXPECT_EQ(kVfioDeviceGetIrqInfo, uint32_t{VFIO_DEVICE_GET_IRQ_INFO});
  EXPECT_EQ(kVfioDeviceSetIrqs, uint32_t{VFIO_DEVICE_SET_IRQS});
  EXPECT_EQ(kVfioDeviceReset, uint32_t{VFIO_DEVICE_RESET});
  EXPECT_EQ(kVfioDeviceGetPciHotResetInfo, uint32_t{VFIO_DEVICE_GET_PCI_HOT_RESET_INFO});
  EXPECT_EQ(kVfioDevicePciHotReset, uint32_t{VFIO_DEVICE_PCI_HOT_RESET});
  EXPECT_EQ(kVfioDeviceQueryGfxPlane, uint32_t{VFIO_DEVICE_QUERY_GFX_PLANE});
  EXPECT_EQ(kVfioDeviceGetGfxDmabuf, uint32_t{VFIO_DEVICE_GET_GFX_DMABUF});
  EXPECT_EQ(kVfioDeviceIoeventfd, uint32_t{VFIO_DEVICE_IOEVENTFD});
  EXPECT_EQ(kVfioDeviceFeature, uint32_t{VFIO_DEVICE_FEATURE});
}

TEST(VfioAbi, ContainerStructs) {
  SAME_FIELD(VfioInfoCapHeader, next, vfio_info_cap_header, next);
  SAME_FIELD(VfioGroupStatus, flags, vfio_group_status, flags);
  SAME_FIELD(VfioIommuType1Info, iova_pgsizes, vfio_iommu_type1_info, iova_pgsizes);
  SAME_FIELD(VfioIommuType1Info, cap_offset, vfio_iommu_type1_info, cap_offset);
  SAME_FIELD(VfioIommuType1InfoCapIovaRange, nr_iovas, vfio_iommu_type1_info_cap_iova_range,
             nr_iovas);
  SAME_FIELD(VfioIovaRange, end, vfio_iova_range, end);
  SAME_FIELD(VfioIommuType1InfoCapMigration, pgsize_bitmap, vfio_iommu_type1_info_cap_migration,
             pgsize_bitmap);
  SAME_FIELD(VfioIommuType1InfoCapMigration, max_dirty_bitmap_size,
             vfio_iommu_type1_info_cap_migration, max_dirty_bitmap_size);
  SAME_FIELD(VfioIommuType1InfoDmaAvail, avail, vfio_iommu_type1_info_dma_avail, avail);
  SAME_FIELD(VfioIommuType1DmaMap, vaddr, vfio_iommu_type1_dma_map, vaddr);
  SAME_FIELD(VfioIommuType1DmaMap, iova, vfio_iommu_type1_dma_map, iova);
  SAME_FIELD(VfioIommuType1DmaMap, size, vfio_iommu_type1_dma_map, size);
  SAME_FIELD(VfioBitmap, pgsize, vfio_bitmap, pgsize);
  SAME_FIELD(VfioBitmap, data, vfio_bitmap, data);
  SAME_FIELD(VfioIommuType1DmaUnmap, iova, vfio_iommu_type1_dma_unmap, iova);
  SAME_FIELD(VfioIommuType1DmaUnmap, size, vfio_iommu_type1_dma_unmap, size);
  EXPECT_EQ(sizeof(VfioIommuType1DmaUnmap), offsetof(struct vfio_iommu_type1_dma_unmap, data));
  EXPECT_EQ(sizeof(VfioIommuType1DirtyBitmap),
            offsetof(struct vfio_iommu_type1_dirty_bitmap, data));
  SAME_FIELD(VfioIommuType1DirtyBitmapGet, size, vfio_iommu_type1_dirty_bitmap_get, size);
  EXPECT_EQ(sizeof(VfioIommuType1DirtyBitmapGet), sizeof(vfio_iommu_type1_dirty_bitmap_get));
}

TEST(VfioAbi, DeviceStructs) {
  SAME_FIELD(VfioDeviceInfo, num_irqs, vfio_device_info, num_irqs);
  SAME_FIELD(VfioDeviceInfo, cap_offset, vfio_device_info, cap_offset);
  SAME_FIELD(VfioRegionInfo, cap_offset, vfio_region_info, cap_offset);
  SAME_FIELD(VfioRegionInfo, size, vfio_region_info, size);
  SAME_FIELD(VfioRegionInfo, offset, vfio_region_info, offset);
  SAME_FIELD(VfioIrqInfo, count, vfio_irq_info, count);
  SAME_FIELD(VfioIrqSet, start, vfio_irq_set, start);
  EXPECT_EQ(sizeof(VfioIrqSet), offsetof(struct vfio_irq_set, data));
  SAME_FIELD(VfioPciDependentDevice, devfn, vfio_pci_dependent_device, devfn);
  EXPECT_EQ(sizeof(VfioPciHotResetInfo), offsetof(struct vfio_pci_hot_reset_info, devices));
  EXPECT_EQ(sizeof(VfioPciHotReset), offsetof(struct vfio_pci_hot_reset, group_fds));
  SAME_FIELD(VfioDeviceIoeventfd, offset, vfio_device_ioeventfd, offset);
  SAME_FIELD(VfioDeviceIoeventfd, fd, vfio_device_ioeventfd, fd);
  EXPECT_EQ(sizeof(VfioDeviceFeature), offsetof(struct vfio_device_feature, data));
  SAME_FIELD(VfioDeviceFeatureDmaLoggingControl, ranges, vfio_device_feature_dma_logging_control,
             ranges);
  SAME_FIELD(VfioDeviceFeatureDmaLoggingReport, bitmap, vfio_device_feature_dma_logging_report,
             bitmap);
}

TEST(VfioAbi, Flags) {
  EXPECT_EQ(kVfioDmaMapFlagVaddr, uint32_t{VFIO_DMA_MAP_FLAG_VADDR});
  EXPECT_EQ(kVfioDmaUnmapFlagGetDirtyBitmap, uint32_t{VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP});
  EXPECT_EQ(kVfioDmaUnmapFlagAll, uint32_t{VFIO_DMA_UNMAP_FLAG_ALL});
  EXPECT_EQ(kVfioDmaUnmapFlagVaddr, uint32_t{VFIO_DMA_UNMAP_FLAG_VADDR});
  EXPECT_EQ(kVfioIommuDirtyPagesFlagGetBitmap, uint32_t{VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP});
  EXPECT_EQ(kVfioIommuInfoCaps, uint32_t{VFIO_IOMMU_INFO_CAPS});
  EXPECT_EQ(kVfioRegionInfoFlagCaps, uint32_t{VFIO_REGION_INFO_FLAG_CAPS});
  EXPECT_EQ(kVfioIrqInfoNoresize, uint32_t{VFIO_IRQ_INFO_NORESIZE});
  EXPECT_EQ(kVfioIrqSetActionTypeMask, uint32_t{VFIO_IRQ_SET_ACTION_TYPE_MASK});
  EXPECT_EQ(kVfioIrqSetDataTypeMask, uint32_t{VFIO_IRQ_SET_DATA_TYPE_MASK});
  EXPECT_EQ(kVfioPciVgaRegionIndex, uint32_t{VFIO_PCI_VGA_REGION_INDEX});
  EXPECT_EQ(kVfioPciNumRegions, uint32_t{VFIO_PCI_NUM_REGIONS});
  EXPECT_EQ(kVfioPciNumIrqs, uint32_t{VFIO_PCI_NUM_IRQS});
  EXPECT_EQ(kVfioDeviceFeatureProbe, uint32_t{VFIO_DEVICE_FEATURE_PROBE});
  EXPECT_EQ(kVfioUpdateVaddr, uint64_t{VFIO_UPDATE_VADDR});
  EXPECT_EQ(kVfioUnmapAll, uint64_t{VFIO_UNMAP_ALL});
  EXPECT_EQ(kVfioNoiommuIommu, uint64_t{VFIO_NOIOMMU_IOMMU});
}

#ifdef IOMMU_IOAS_MAP
TEST(IommufdAbi, StructsAndNumbers) {
  EXPECT_EQ(kIommuDestroy, uint32_t{IOMMU_DESTROY});
  EXPECT_EQ(kIommuIoasMap, uint32_t{IOMMU_IOAS_MAP});
  EXPECT_EQ(kIommuVfioIoas, uint32_t{IOMMU_VFIO_IOAS});
  SAME_FIELD(IommuIoasMap, iova, iommu_ioas_map, iova);
  SAME_FIELD(IommuIoasIovaRanges, out_iova_alignment, iommu_ioas_iova_ranges, out_iova_alignment);
  SAME_FIELD(IommuIoasCopy, src_iova, iommu_ioas_copy, src_iova);
  SAME_FIELD(IommuOption, val64, iommu_option, val64);
  SAME_FIELD(IommuVfioIoas, op, iommu_vfio_ioas, op);
}
#endif

}  // namespace
}  // namespace iovalid::compat::abi
