// SPDX-License-Identifier: Apache-2.0
// The kernels, as data. Sources are functions of drivers/vfio/vfio_iommu_type1.c (T1), group.c (GR)
// and mm/gup.c, and recordings ("goldens").
#include <array>
#include <string_view>

#include "compat/iommufd/iommufd_profiles.h"
#include "compat/pci/pci_profiles.h"
#include "compat/profile.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

// T1 vfio_dma_do_map: the rights first, under the lock sizes and alignment together, then the wrap.
constexpr std::array<MapCheck, 4> kMapChecksOld = {MapCheck::kRights, MapCheck::kSizeZero,
                                                   MapCheck::kAligned, MapCheck::kWrap};
// The same in 7.3: size and wrap come first.
constexpr std::array<MapCheck, 4> kMapChecksNew = {MapCheck::kSizeZero, MapCheck::kWrap,
                                                   MapCheck::kRights, MapCheck::kAligned};

const KernelProfile kProfiles[] = {
    {
        .name = "6.1",
        .release = "6.1.192",
        .vfio =
            {
                .set_container_foreign_fd = Errno::kINVAL,  // GR; goldens edges getd-order
                .has_iommufd = false,
                .has_cdev = false,
                .has_noiommu = true,  // as if configured, which Debian's is not; the parameter tells
                .has_noiommu_cdev = false,
                .pin_needs_dma_unmap = false,     // container.c vfio_pin_pages
                .noiommu_rawio_each_open = true,  // vfio_main.c vfio_device_open
                .cdev_knows_pasid = false,
            },
        .type1 =
            {
                .map_checks = kMapChecksOld,
                .wrap_errno = Errno::kINVAL,
                .exclusive_ends = true,           // T1 vfio_find_dma
                .dirty_get_exclusive_end = true,  // T1 vfio_iommu_type1_dirty_pages
                .pin_checks_range = false,        // T1 vfio_iommu_type1_pin_pages
                .counts_unaligned_pins = false,   // T1 vfio_pin_pages_remote: vfio_find_vpfn
                .claims_nesting = true,           // T1 vfio_iommu_type1_check_extension
                .caps_aligned = false,            // vfio_main.c vfio_info_cap_add
                .info_bytes = 20,                 // T1 vfio_iommu_type1_get_info
            },
        .iommufd = kIommufdProfile61,
        .memory = {.thp = true,
                   .huge_zero_copied_whole = false,
                   .longterm_ro_pin_unshares = false,
                   .longterm_write_needs_shmem = false},
        .pci = kPciProfile61,
        .iommu = hwmodel::LegacyDriverRules(),
    },
    {
        .name = "6.12",
        .release = "6.12.95",
        .vfio =
            {
                .set_container_foreign_fd = Errno::kBADFD,
                .has_iommufd = true,
                .has_cdev = true,
                .has_noiommu = true,
                .has_noiommu_cdev = false,
                .pin_needs_dma_unmap = true,       // vfio_main.c vfio_pin_pages
                .noiommu_rawio_each_open = false,  // GR vfio_df_group_open
                .cdev_knows_pasid = false,
            },
        .type1 =
            {
                .map_checks = kMapChecksOld,
                .wrap_errno = Errno::kINVAL,
                .exclusive_ends = true,
                .dirty_get_exclusive_end = true,
                .pin_checks_range = false,
                .counts_unaligned_pins = false,
                .claims_nesting = true,
                .caps_aligned = true,
                .info_bytes = 24,
            },
        .iommufd = kIommufdProfile612,
        .memory = {.thp = false,  // the self-built kernel of the recordings has none
                   .huge_zero_copied_whole = false,
                   .longterm_ro_pin_unshares = true,
                   .longterm_write_needs_shmem = true},
        .pci = kPciProfile612,
        .iommu = hwmodel::LegacyDriverRules(),
    },
    {
        .name = "7.3",
        .release = "7.3.4",
        .vfio =
            {
                .set_container_foreign_fd = Errno::kBADFD,
                .has_iommufd = true,
                .has_cdev = true,
                .has_noiommu = true,
                .has_noiommu_cdev = true,  // vfio_main.c vfio_device_set_noiommu_and_name
                .pin_needs_dma_unmap = true,       // vfio_main.c vfio_pin_pages
                .noiommu_rawio_each_open = false,  // GR vfio_df_group_open
                .cdev_knows_pasid = true,
            },
        .type1 =
            {
                .map_checks = kMapChecksNew,
                .wrap_errno = Errno::kOVERFLOW,
                .exclusive_ends = false,
                .dirty_get_exclusive_end = false,
                .pin_checks_range = true,       // T1 vfio_iommu_type1_pin_pages
                .counts_unaligned_pins = true,  // T1 vpfn_pages
                .claims_nesting = false,
                .caps_aligned = true,
                .info_bytes = 24,
            },
        .iommufd = kIommufdProfile73,
        .memory = {.thp = true,
                   .huge_zero_copied_whole = true,
                   .longterm_ro_pin_unshares = true,
                   .longterm_write_needs_shmem = true},
        .pci = kPciProfile73,
        .iommu = hwmodel::DriverRules(),
    },
};

// What Debian's configuration leaves out or adds.
KernelProfile Stock(KernelProfile profile) {
  profile.vfio.has_iommufd = false;  // CONFIG_IOMMUFD is not set
  profile.vfio.has_cdev = false;
  profile.iommufd = kIommufdProfile61;
  profile.memory.thp = true;
  return profile;
}

}  // namespace

const KernelProfile* FindProfile(std::string_view name, bool stock) {
  static const std::array<KernelProfile, 2> kStock = {Stock(kProfiles[1]), Stock(kProfiles[2])};
  const auto is = [&](const KernelProfile& profile) {
    const size_t length = profile.name.size();
    return name.substr(0, length) == profile.name && (name.size() == length || name[length] == '.');
  };
  if (stock) {
    for (const KernelProfile& profile : kStock) {
      if (is(profile)) return &profile;
    }
  }
  for (const KernelProfile& profile : kProfiles) {
    if (is(profile)) return &profile;
  }
  return nullptr;
}

}  // namespace iovalid::compat
