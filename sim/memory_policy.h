// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_MEMORY_POLICY_H_
#define IOVALID_SIM_MEMORY_POLICY_H_

namespace iovalid::sim {

// How the memory management of one kernel behaves where kernels differ. Part of a kernel profile.
struct MemoryPolicy {
  // Transparent huge pages are built in and enabled=always: a fault in an aligned 2 MiB block of
  // private anonymous memory that mappings of one kind cover wholly and of which no page is present
  // populates the whole block (do_huge_pmd_anonymous_page).
  bool thp = true;

  // Breaking the sharing of the huge zero page copies the whole 2 MiB block
  // (do_huge_zero_wp_pmd, 6.13). Otherwise the block is split and only one page is copied.
  bool huge_zero_copied_whole = true;

  // A read-only FOLL_LONGTERM pin in a private mapping of a page that is not anonymous (the zero
  // page, a page of the file) first gives the process its own copy (gup_must_unshare, 6.2).
  // Otherwise the pin gets the page that is there (6.1).
  bool longterm_ro_pin_unshares = true;

  // A FOLL_LONGTERM pin for writing in a shared writable mapping of a file whose file system tracks
  // dirty pages fails with EFAULT (writable_file_mapping_allowed, 6.5). Shared memory, tmpfs and
  // hugetlbfs do not track them.
  bool longterm_write_needs_shmem = true;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_MEMORY_POLICY_H_
