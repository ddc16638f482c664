// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/bind_args.h"

#include <algorithm>
#include <cstddef>

#include "compat/user_copy.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

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

constexpr uint32_t kMinSize = offsetof(abi::VfioDeviceBindIommufd, token_uuid_ptr);

}  // namespace

Outcome ReadBindArgs(Call& call, uint64_t arg, abi::VfioDeviceBindIommufd* bind) {
  if (!call.profile().vfio.has_cdev) return Fail(Errno::kNOTTY, kNoCdev);
  *bind = {};
  uint32_t known_flags = 0;
  if (call.profile().pci.bind_is_extensible) {
    if (!call.CopyIn(arg, &bind->argsz, sizeof(bind->argsz))) return Fail(Errno::kFAULT, kCopyIn);
    const uint32_t size = bind->argsz;
    if (size < kMinSize) return Fail(Errno::kINVAL, kArgsz);
    if (size > sizeof(*bind)) {
      const Errno tail = CheckZeroedUser(call, arg + sizeof(*bind), size - sizeof(*bind));
      if (tail == Errno::kE2BIG) return Fail(tail, kTail);
      if (tail != Errno::kOk) return Fail(tail, kCopyIn);
    }
    if (!call.CopyIn(arg, bind, std::min<size_t>(size, sizeof(*bind)))) {
      return Fail(Errno::kFAULT, kCopyIn);
    }
    known_flags = abi::kVfioDeviceBindFlagToken;
  } else {
    if (!call.CopyIn(arg, bind, kMinSize)) return Fail(Errno::kFAULT, kCopyIn);
    if (bind->argsz < kMinSize) return Fail(Errno::kINVAL, kArgsz);
  }
  if (bind->iommufd < 0 || (bind->flags & ~known_flags) != 0) {
    return Fail(Errno::kINVAL, kArguments);
  }
  return Ok();
}

}  // namespace iovalid::compat
