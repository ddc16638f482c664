// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_TASK_H_
#define IOVALID_SIM_TASK_H_

#include <cstdint>

#include "sim/fd_table.h"
#include "sim/units.h"

namespace iovalid::sim {

// Capability numbers (capability.h of the kernel's uapi).
inline constexpr int kCapIpcLock = 14;
inline constexpr int kCapSysRawio = 17;
inline constexpr int kCapSysAdmin = 21;
inline constexpr int kCapSysResource = 24;

// RLIM_INFINITY.
inline constexpr uint64_t kUnlimited = ~uint64_t{0};

// In place of a task: a kernel thread, without an address space.
inline constexpr TaskId kKernelThread = ~TaskId{0};

// A process as the kernel under test sees it: credentials, limits, address space and open files. A
// value; a fork is a copy with another `mm` (its files then have one more reference each).
struct Task {
  // The address space. Two tasks of one address space are threads, or came from vfork.
  MmId mm = 0;
  // The real user, and the index of that user's account.
  uint32_t uid = 0;
  UserId user = 0;
  // Whose RLIMIT_MEMLOCK counts where the kernel asks the thread group's (itself for a process of
  // one thread).
  TaskId group_leader = 0;
  // Effective capabilities, bit n is capability n. A new task has all.
  uint64_t capabilities = ~uint64_t{0};
  // Soft RLIMIT_MEMLOCK in bytes, or kUnlimited.
  uint64_t rlimit_memlock = kUnlimited;
  // A program of 32 bits: its ioctls go to compat_ioctl of struct file_operations.
  bool bits32 = false;
  FdTable fds;

  bool Capable(int capability) const { return (capabilities >> capability & 1) != 0; }
  void DropCapability(int capability) { capabilities &= ~(uint64_t{1} << capability); }

  // RLIMIT_MEMLOCK in whole pages, as rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT. An unlimited one stays
  // larger than any number of pages.
  uint64_t MemlockPages() const { return rlimit_memlock >> kPageShift; }
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_TASK_H_
