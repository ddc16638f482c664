// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/vfio_pci.h"

namespace iovalid::compat {
namespace {

constexpr Rule kOffset{"pci.mmap.offset", "mmap", "the offset is not a multiple of the page size"};
constexpr Rule kLength{"pci.mmap.length", "do_mmap", "the length is zero or passes 64 bits"};
constexpr Rule kRegion{"pci.mmap.region", "vfio_pci_core_mmap", "the region is not a BAR"};
constexpr Rule kNotMappable{"pci.mmap.not_mappable", "vfio_pci_core_mmap",
                            "the BAR does not exist, is I/O ports or does not start a page"};
constexpr Rule kRange{"pci.mmap.range", "vfio_pci_core_mmap",
                      "the range passes the end of the BAR"};

}  // namespace

Outcome ResolveMmap(Call& /*call*/, const PciFunction& function, uint64_t offset, uint64_t len,
                    bool /*write*/, sim::PageId* first) {
  if (offset % sim::kPageSize != 0) return Fail(sim::Errno::kINVAL, kOffset);
  if (len == 0 || len > sim::kPageMask) return Fail(sim::Errno::kINVAL, kLength);
  const uint64_t pages = (len + sim::kPageSize - 1) >> sim::kPageShift;
  const uint64_t index = offset / RegionOffset(1);
  const uint64_t first_page = offset % RegionOffset(1) >> sim::kPageShift;
  if (index > abi::kVfioPciBar5RegionIndex) return Fail(sim::Errno::kINVAL, kRegion);
  const PciBar& bar = function.bars[index];
  if (!bar.Mappable()) return Fail(sim::Errno::kINVAL, kNotMappable);
  if (first_page + pages > bar.Pages()) return Fail(sim::Errno::kINVAL, kRange);
  *first = bar.first_frame + first_page;
  return Ok();
}

}  // namespace iovalid::compat
