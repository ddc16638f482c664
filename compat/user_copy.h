// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_USER_COPY_H_
#define IOVALID_COMPAT_USER_COPY_H_

#include <cstdint>

#include "compat/kernel.h"
#include "sim/errno.h"

namespace iovalid::compat {

// check_zeroed_user, with which copy_struct_from_user looks at what lies beyond the kernel's struct:
// kOk if all `len` bytes at `addr` are zero, kE2BIG if one is not, kFAULT if one can't be read. Bytes
// are looked at in ascending order: one that is not zero before a page that can't be read decides.
sim::Errno CheckZeroedUser(const Call& call, uint64_t addr, uint64_t len);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_USER_COPY_H_
