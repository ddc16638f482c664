// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SUITE_CONTAINER_H_
#define IOVALID_CONFORMANCE_SUITE_CONTAINER_H_

#include <cstdint>
#include <string>

#include "compat/abi/vfio.h"
#include "conformance/suite/kernel.h"

namespace iovalid::conformance::suite {

// The files of VFIO as a test holds them. A handle is the name of a descriptor of the kernel's
// process; it does not close it, and may name one that is not open (calls then give EBADF).

inline constexpr uint32_t kRead = compat::abi::kVfioDmaMapFlagRead;
inline constexpr uint32_t kWrite = compat::abi::kVfioDmaMapFlagWrite;
inline constexpr uint32_t kReadWrite = kRead | kWrite;

// Arguments, with what a plain program passes. Sizes are bytes.
struct MapArgs {
  uint64_t iova = 0, vaddr = 0, size = 0;
  uint32_t flags = kReadWrite;
  uint32_t argsz = 32;
};
struct UnmapArgs {
  uint64_t iova = 0, size = 0;
  uint32_t flags = 0;
  uint32_t argsz = 24;
};
// VFIO_IOMMU_DIRTY_PAGES with GET_BITMAP, and UNMAP_DMA that returns a bitmap. `bitmap_bytes` may
// say more than the `room` that is really there, `data` is the user's address of it.
struct BitmapArgs {
  uint64_t iova = 0, size = 0;
  uint64_t page_size = 4096;
  uint64_t bitmap_bytes = 8;
  uint32_t argsz = 48;
  uint64_t data = 0x70010000;
  uint32_t flags = compat::abi::kVfioIommuDirtyPagesFlagGetBitmap;
};

// A descriptor of any kind.
class File {
 public:
  File(Kernel* kernel, std::string name) : kernel_(kernel), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  CallResult Close();
  // An ioctl whose argument is a number, and one whose argument points to no memory.
  CallResult Ioctl(std::string_view command, int64_t argument = 0);
  CallResult IoctlWithBadPointer(std::string_view command);

 protected:
  CallResult Run(traces::Event event) { return kernel_->Run(std::move(event)); }

  Kernel* kernel_;
  std::string name_;
};

// A container, or the iommufd that stands for one.
class Container : public File {
 public:
  using File::File;

  CallResult Open();
  CallResult CheckExtension(int64_t extension);
  CallResult SetIommu(int64_t type);
  CallResult GetInfo(uint32_t argsz);
  CallResult MapDma(const MapArgs& map);
  CallResult UnmapDma(const UnmapArgs& unmap);
  // UNMAP_DMA with GET_DIRTY_BITMAP; `bitmap.flags` are those of UNMAP_DMA.
  CallResult UnmapDmaDirty(const BitmapArgs& bitmap);
  CallResult DirtyPages(uint32_t flags, uint32_t argsz = 8);
  CallResult GetDirtyBitmap(const BitmapArgs& bitmap);
};

class Group : public File {
 public:
  // "g0" is /dev/vfio/<number of the group of device 0>; "g0b" is a second descriptor of it.
  using File::File;

  CallResult Open();
  CallResult GetStatus(uint32_t argsz = 8);
  CallResult SetContainer(const File& container);
  CallResult UnsetContainer();
  // The new descriptor is File "d<number>", or "d<number>b" while that is open.
  CallResult GetDevice(uint32_t device);
};

}  // namespace iovalid::conformance::suite

#endif  // IOVALID_CONFORMANCE_SUITE_CONTAINER_H_
