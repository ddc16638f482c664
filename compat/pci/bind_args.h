// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_BIND_ARGS_H_
#define IOVALID_COMPAT_PCI_BIND_ARGS_H_

#include <cstdint>

#include "compat/abi/vfio.h"
#include "compat/kernel.h"
#include "compat/outcome.h"

namespace iovalid::compat {

// The argument of VFIO_DEVICE_BIND_IOMMUFD at user address `arg`, with all that is checked before it
// matters which file the call was made on (vfio_df_ioctl_bind_iommufd): ENOTTY without cdevs, EFAULT,
// EINVAL for a small argsz, a negative descriptor or an unknown flag, E2BIG.
Outcome ReadBindArgs(Call& call, uint64_t arg, abi::VfioDeviceBindIommufd* bind);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_BIND_ARGS_H_
