// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite/container.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "conformance/search/call_builder.h"

namespace iovalid::conformance::suite {
namespace {

namespace abi = compat::abi;

// Room for the bitmap where there is any: the scratch page, with no bit set.
traces::Event WithBitmap(traces::Event call, const BitmapArgs& bitmap) {
  if (bitmap.data != search::kScratch) return call;
  return search::WithBuffer(std::move(call), search::kScratch, 16);
}

}  // namespace

CallResult File::Close() { return Run(search::CloseCall(name_)); }

CallResult File::Ioctl(std::string_view command, int64_t argument) {
  return Run(search::IntegerCall(name_, command, argument));
}

CallResult File::IoctlWithBadPointer(std::string_view command) {
  return Run(search::BadPointerCall(name_, command));
}

CallResult Container::Open() { return Run(search::OpenCall("/dev/vfio/vfio", name_)); }

CallResult Container::CheckExtension(int64_t extension) {
  return Ioctl("VFIO_CHECK_EXTENSION", extension);
}

CallResult Container::SetIommu(int64_t type) { return Ioctl("VFIO_SET_IOMMU", type); }

CallResult Container::GetInfo(uint32_t argsz) {
  // The bytes after argsz are not zero, so that what is not written shows.
  std::string in(std::max(argsz, 24u), '\xaa');
  std::memcpy(in.data(), &argsz, sizeof(argsz));
  return Run(search::StructCall(name_, "VFIO_IOMMU_GET_INFO", in));
}

CallResult Container::MapDma(const MapArgs& map) {
  return Run(search::MapCall(name_, map.iova, map.vaddr, map.size, map.flags, map.argsz));
}

CallResult Container::UnmapDma(const UnmapArgs& unmap) {
  return Run(search::UnmapCall(name_, unmap.iova, unmap.size, unmap.flags, unmap.argsz));
}

CallResult Container::UnmapDmaDirty(const BitmapArgs& bitmap) {
  const struct {
    abi::VfioIommuType1DmaUnmap unmap;
    abi::VfioBitmap bitmap;
  } call = {{bitmap.argsz, bitmap.flags, bitmap.iova, bitmap.size},
            {bitmap.page_size, bitmap.bitmap_bytes, bitmap.data}};
  return Run(WithBitmap(search::StructCall(name_, "VFIO_IOMMU_UNMAP_DMA", call), bitmap));
}

CallResult Container::DirtyPages(uint32_t flags, uint32_t argsz) {
  return Run(search::StructCall(name_, "VFIO_IOMMU_DIRTY_PAGES",
                                abi::VfioIommuType1DirtyBitmap{argsz, flags}));
}

CallResult Container::GetDirtyBitmap(const BitmapArgs& bitmap) {
  const struct {
    abi::VfioIommuType1DirtyBitmap head;
    abi::VfioIommuType1DirtyBitmapGet get;
  } call = {{bitmap.argsz, bitmap.flags},
            {bitmap.iova, bitmap.size, {bitmap.page_size, bitmap.bitmap_bytes, bitmap.data}}};
  return Run(WithBitmap(search::StructCall(name_, "VFIO_IOMMU_DIRTY_PAGES", call), bitmap));
}

CallResult Group::Open() { return Run(search::OpenCall("@" + name_.substr(0, 2), name_)); }

CallResult Group::GetStatus(uint32_t argsz) {
  return Run(search::StructCall(name_, "VFIO_GROUP_GET_STATUS", abi::VfioGroupStatus{argsz, 0}));
}

CallResult Group::SetContainer(const File& container) {
  return Run(search::SetContainerCall(name_, container.name()));
}

CallResult Group::UnsetContainer() { return Ioctl("VFIO_GROUP_UNSET_CONTAINER"); }

CallResult Group::GetDevice(uint32_t device) { return Run(search::GetDeviceCall(name_, device)); }

}  // namespace iovalid::conformance::suite
