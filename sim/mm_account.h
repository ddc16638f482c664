// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_MM_ACCOUNT_H_
#define IOVALID_SIM_MM_ACCOUNT_H_

#include <cstdint>

namespace iovalid::sim {

// The counters of an mm_struct that pinning touches, in pages. /proc/PID/status shows them in kB.
struct MmAccount {
  uint64_t locked_vm = 0;  // VmLck: charged against RLIMIT_MEMLOCK by type1
  uint64_t pinned_vm = 0;  // VmPin: counted by iommufd

  friend bool operator==(const MmAccount&, const MmAccount&) = default;
};

// The counter of a user_struct, in pages: what iommufd charges against RLIMIT_MEMLOCK unless it
// charges the address space.
struct UserAccount {
  uint32_t uid = 0;
  uint64_t locked_vm = 0;

  friend bool operator==(const UserAccount&, const UserAccount&) = default;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_MM_ACCOUNT_H_
