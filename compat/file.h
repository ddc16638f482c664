// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_FILE_H_
#define IOVALID_COMPAT_FILE_H_

#include <cstdint>

#include "compat/rule.h"

namespace iovalid::compat {

// EBADF: of whichever call.
inline constexpr Rule kBadFd{"fd.bad", "fdget", "the descriptor is not open"};

enum class FileKind : uint8_t {
  kNone,       // free slot
  kContainer,  // vfio's /dev/vfio/vfio; index = container
  kIommufd,    // /dev/iommu, or iommufd's own /dev/vfio/vfio; index = iommufd context
  kGroup,      // /dev/vfio/N; index = group
  kDevice,     // a VFIO device fd; index = device file (vfio_device_file)
  kMemfd,      // index = memory object
  kEventfd,
  kDmabuf,      // a VFIO dma-buf; index = dma-buf
  kFaultQueue,  // of iommufd; index = fault queue file
  kOther,
};

// Files of the process that VFIO and iommufd only get handed.
enum class ForeignFile : uint8_t { kMemfd, kEventfd, kOther };

// struct file: what descriptors, groups, devices and device mappings hold references on.
struct File {
  FileKind kind = FileKind::kNone;
  uint32_t index = 0;
  uint32_t refs = 0;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_FILE_H_
