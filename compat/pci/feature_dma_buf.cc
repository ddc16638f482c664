// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.dma_buf.copy_in", "vfio_pci_core_feature_dma_buf",
                       "the data cannot be read"};
constexpr Rule kHeader{"pci.dma_buf.header", "vfio_pci_core_feature_dma_buf",
                       "there are no ranges, or flags are set"};
constexpr Rule kRegion{"pci.dma_buf.region", "vfio_pci_core_feature_dma_buf",
                       "the region is not a BAR that exists"};
constexpr Rule kNoMemory{"pci.dma_buf.no_memory", "vfio_pci_core_feature_dma_buf",
                         "no memory for the ranges"};
constexpr Rule kCopyRanges{"pci.dma_buf.copy_ranges", "vfio_pci_core_feature_dma_buf",
                           "the ranges cannot be read"};
constexpr Rule kAlignment{"pci.dma_buf.alignment", "validate_dmabuf_input",
                          "a range is empty or not of whole pages"};
constexpr Rule kTotal{"pci.dma_buf.total", "validate_dmabuf_input",
                      "the ranges together reach 2^63 bytes"};
constexpr Rule kNotMemory{"pci.dma_buf.not_memory", "vfio_pci_core_get_dmabuf_phys",
                          "the BAR is not memory"};
constexpr Rule kWraps{"pci.dma_buf.wraps", "vfio_pci_core_fill_phys_vec",
                      "a range passes the top of the address space"};
constexpr Rule kBeyond{"pci.dma_buf.beyond", "vfio_pci_core_fill_phys_vec",
                       "a range lies beyond the end of the BAR"};
constexpr Rule kNoFd{"pci.dma_buf.no_fd", "dma_buf_fd", "no descriptor is free"};

constexpr uint32_t kOpenCloseOnExec = 02000000;  // O_CLOEXEC
// memdup_user asks kmalloc, which has no more than this (KMALLOC_MAX_SIZE), in bytes.
constexpr uint64_t kMaxCopy = uint64_t{4} << 20;
constexpr uint64_t kTopBit = uint64_t{1} << 63;  // DMA_IOVA_USE_SWIOTLB

// Sums the lengths into *size; null, or the rule that the ranges break.
const Rule* CheckRanges(const std::vector<abi::VfioRegionDmaRange>& ranges, uint64_t* size) {
  uint64_t total = 0;
  for (const abi::VfioRegionDmaRange& r : ranges) {
    if (r.length == 0 || r.offset % sim::kPageSize != 0 || r.length % sim::kPageSize != 0) {
      return &kAlignment;
    }
    if (__builtin_add_overflow(total, r.length, &total)) return &kTotal;
  }
  if ((total & kTopBit) != 0) return &kTotal;
  *size = total;
  return nullptr;
}

}  // namespace

Outcome FeatureDmaBuf(DeviceCall& c, uint32_t flags, uint64_t data, uint32_t data_size) {
  abi::VfioDeviceFeatureDmaBuf request{};
  Outcome o;
  if (!CheckFeature(flags, data_size, abi::kVfioDeviceFeatureGet, sizeof(request), &o)) return o;
  if (!c.call.CopyIn(data, &request, sizeof(request))) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (request.nr_ranges == 0 || request.flags != 0) return Fail(sim::Errno::kINVAL, kHeader);
  if (request.region_index > abi::kVfioPciBar5RegionIndex ||
      c.function().bars[request.region_index].size == 0) {
    return Fail(sim::Errno::kNODEV, kRegion);
  }
  const PciBar& bar = c.function().bars[request.region_index];

  // The ranges follow the struct; argsz is not asked whether it holds them.
  const uint64_t bytes = uint64_t{request.nr_ranges} * sizeof(abi::VfioRegionDmaRange);
  if (bytes > kMaxCopy || c.call.AllocFails("alloc:dma_buf_ranges")) {
    return Fail(sim::Errno::kNOMEM, kNoMemory);
  }
  std::vector<abi::VfioRegionDmaRange> ranges(request.nr_ranges);
  if (!c.call.CopyIn(data + sizeof(request), ranges.data(), bytes)) {
    return Fail(sim::Errno::kFAULT, kCopyRanges);
  }
  DmabufExport dmabuf;
  dmabuf.device = c.index();
  dmabuf.revoked = !c.state.memory_decoding;
  dmabuf.region = request.region_index;
  if (const Rule* rule = CheckRanges(ranges, &dmabuf.size); rule != nullptr) {
    return Fail(sim::Errno::kINVAL, *rule);
  }
  if (!bar.memory) return Fail(sim::Errno::kINVAL, kNotMemory);
  for (const abi::VfioRegionDmaRange& r : ranges) {
    uint64_t first = 0, end = 0;
    if (__builtin_add_overflow(bar.bus_address, r.offset, &first) ||
        __builtin_add_overflow(first, r.length, &end)) {
      return Fail(sim::Errno::kOVERFLOW, kWraps);
    }
    if (end > bar.bus_address + bar.size) return Fail(sim::Errno::kINVAL, kBeyond);
    dmabuf.runs.push_back({bar.first_frame + (r.offset >> sim::kPageShift),
                           r.length >> sim::kPageShift, sim::PageClass::kMmio});
  }
  const int fd =
      c.environment.InstallDmabuf(std::move(dmabuf), (request.open_flags & kOpenCloseOnExec) != 0);
  if (fd < 0) return Fail(sim::Errno::kMFILE, kNoFd);
  return Ok(fd);
}

}  // namespace iovalid::compat::pci
