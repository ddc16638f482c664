// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>

#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kNoCdev{"pci.bind.no_cdev", "vfio_df_ioctl_bind_iommufd",
                       "the kernel is built without VFIO character devices"};
constexpr Rule kCopyIn{"pci.bind.copy_in", "vfio_df_ioctl_bind_iommufd",
                       "the argument cannot be read"};
constexpr Rule kArgsz{"pci.bind.argsz", "vfio_df_ioctl_bind_iommufd",
                      "argsz does not reach the end of out_devid"};
constexpr Rule kTail{"pci.bind.tail", "vfio_df_ioctl_bind_iommufd",
                     "bytes beyond the struct that the kernel knows are not zero"};
constexpr Rule kArguments{"pci.bind.arguments", "vfio_df_ioctl_bind_iommufd",
                          "the descriptor is negative or an unknown flag is set"};
constexpr Rule kGroupFile{"pci.bind.group_file", "vfio_df_ioctl_bind_iommufd",
                          "the device was opened through its group"};

constexpr uint32_t kMinSize = offsetof(abi::VfioDeviceBindIommufd, token_uuid_ptr);

// copy_struct_from_user's look at the bytes [from, to) of the argument: zeros, something else, or a
// fault before anything else was seen.
enum class Tail { kZero, kNonZero, kFault };

Tail CheckTail(const Call& call, uint64_t from, uint64_t to) {
  std::array<uint8_t, sim::kPageSize> chunk;
  while (from < to) {
    // Up to the next page end: a fault then concerns the whole chunk.
    const uint64_t len = std::min(to - from, sim::kPageSize - from % sim::kPageSize);
    if (!call.CopyIn(from, chunk.data(), len)) return Tail::kFault;
    if (std::any_of(chunk.begin(), chunk.begin() + len, [](uint8_t b) { return b != 0; })) {
      return Tail::kNonZero;
    }
    from += len;
  }
  return Tail::kZero;
}

}  // namespace

Outcome BindIommufdOfGroupFile(DeviceCall& c) {
  if (!c.call.profile().vfio.has_cdev) return Fail(sim::Errno::kNOTTY, kNoCdev);
  abi::VfioDeviceBindIommufd bind{};
  uint32_t known_flags = 0;
  if (c.profile().bind_is_extensible) {
    if (!c.call.CopyIn(c.arg, &bind.argsz, sizeof(bind.argsz))) {
      return Fail(sim::Errno::kFAULT, kCopyIn);
    }
    const uint32_t size = bind.argsz;
    if (size < kMinSize) return Fail(sim::Errno::kINVAL, kArgsz);
    if (size > sizeof(bind)) {
      const Tail tail = CheckTail(c.call, c.arg + sizeof(bind), c.arg + size);
      if (tail == Tail::kFault) return Fail(sim::Errno::kFAULT, kCopyIn);
      if (tail == Tail::kNonZero) return Fail(sim::Errno::kE2BIG, kTail);
    }
    if (!c.call.CopyIn(c.arg, &bind, std::min<size_t>(size, sizeof(bind)))) {
      return Fail(sim::Errno::kFAULT, kCopyIn);
    }
    known_flags = abi::kVfioDeviceBindFlagToken;
  } else {
    if (!c.call.CopyIn(c.arg, &bind, kMinSize)) return Fail(sim::Errno::kFAULT, kCopyIn);
    if (bind.argsz < kMinSize) return Fail(sim::Errno::kINVAL, kArgsz);
  }
  if (bind.iommufd < 0 || (bind.flags & ~known_flags) != 0) {
    return Fail(sim::Errno::kINVAL, kArguments);
  }
  return Fail(sim::Errno::kINVAL, kGroupFile);
}

}  // namespace iovalid::compat::pci
