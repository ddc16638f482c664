// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ABI_IOCTL_H_
#define IOVALID_COMPAT_ABI_IOCTL_H_

#include <cstdint>

namespace iovalid::compat::abi {

// VFIO and iommufd share the ioctl type byte ';' and put neither direction nor size into the
// command word (_IO): the word is the type and a number, and the structs carry their own size
// (argsz, size).
inline constexpr uint32_t kIoctlType = 0x3b;

constexpr uint32_t Ioctl(uint32_t number) { return kIoctlType << 8 | number; }

}  // namespace iovalid::compat::abi

#endif  // IOVALID_COMPAT_ABI_IOCTL_H_
