// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_MACHINE_H_
#define IOVALID_IOAS_MACHINE_H_

#include <cstdint>
#include <vector>

#include "hwmodel/iommu.h"
#include "sim/fault_point.h"
#include "sim/mm.h"
#include "sim/mm_account.h"
#include "sim/rule.h"
#include "sim/task.h"
#include "sim/units.h"

namespace iovalid::ioas {

// A user of IOVAs in the kernel (struct iommufd_access), by a number that is its context's.
using AccessToken = uint32_t;
inline constexpr AccessToken kNoAccess = 0;

// Who is told that memory is about to be unmapped (iommufd_access_ops::unmap): all that the access
// has pinned in [iova, iova + length) is to be unpinned before the call returns.
class AccessUsers {
 public:
  virtual ~AccessUsers() = default;
  virtual void Unmap(AccessToken access, uint64_t iova, uint64_t length) = 0;
};

// What the core needs of the machine, for the duration of one call. Pages outlive the call that
// made them, so they name address space, task and user by index, resolved here at each use.
struct Machine {
  hwmodel::Iommu& iommu;
  const std::vector<sim::Task>& tasks;       // by TaskId
  std::vector<sim::MmAccount>& mm_accounts;  // by MmId
  std::vector<sim::UserAccount>& users;      // by UserId
  const std::vector<sim::Mm*>& mms;          // by MmId; null: the address space is gone
  const std::vector<sim::Mm*>& releasers;    // the same, but never null: for what is still pinned
  sim::PointHook* hook = nullptr;
  sim::TaskId current = 0;  // the task in whose context the call runs; or sim::kKernelThread
  bool thp = true;          // CONFIG_TRANSPARENT_HUGEPAGE: automatic IOVAs align to up to 2 MiB
  bool warns_without_rights = false;  // the IOMMU driver WARNs about a mapping without rights

  AccessUsers* access_users = nullptr;  // null: nobody is told

  // WARNs of the kernel that the call set off.
  std::vector<const sim::Rule*> warnings = {};

  // The address space `mm`; null where it is gone (mmget_not_zero).
  sim::Mm* LiveMm(sim::MmId mm) const { return mm < mms.size() ? mms[mm] : nullptr; }
  // Some way to memory for who releases a page of `mm`, or pins one of a file: the address space
  // may be gone. Null where there never was one.
  sim::Mm* AnyMm(sim::MmId mm) const {
    if (mm < releasers.size()) return releasers[mm];
    return releasers.empty() ? nullptr : releasers.front();
  }

  // True if the step at the named point is to fail.
  bool Fails(const char* point) const { return sim::Point(hook, point); }
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_MACHINE_H_
