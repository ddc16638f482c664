// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/fault_log.h"

namespace iovalid::hwmodel {

std::string_view FaultReasonName(FaultReason reason) {
  switch (reason) {
    case FaultReason::kNone:
      return "none";
    case FaultReason::kContextNotPresent:
      return "context entry not present";
    case FaultReason::kAddressBeyondWidth:
      return "address beyond width";
    case FaultReason::kWriteNotPermitted:
      return "write not permitted";
    case FaultReason::kReadNotPermitted:
      return "read not permitted";
    case FaultReason::kTableAccessError:
      return "table access error";
    case FaultReason::kReservedBit:
      return "reserved bit set";
    case FaultReason::kAtsBlocked:
      return "ATS blocked";
    case FaultReason::kPasidNotEnabled:
      return "PASID not enabled";
    case FaultReason::kPasidNotPresent:
      return "PASID entry not present";
    case FaultReason::kNotPresent:
      return "entry not present";
    case FaultReason::kBlocked:
      return "blocked domain";
    case FaultReason::kAddressSize:
      return "output address beyond width";
    case FaultReason::kAccessFlag:
      return "access flag clear";
    case FaultReason::kDirtyFlag:
      return "dirty flag clear";
  }
  return "unknown";
}

void FaultLog::Fill(const FaultRecord& record) {
  // The registers are filled and emptied in order, so the next one is full only if all are.
  if (pending_ == ring_.size()) {
    overflow_ = true;
    return;
  }
  ring_[next_] = record;
  next_ = next_ + 1 == ring_.size() ? 0 : next_ + 1;
  ++pending_;
}

bool FaultLog::Take(FaultRecord* record) {
  if (pending_ == 0) return false;
  const unsigned size = static_cast<unsigned>(ring_.size());
  *record = ring_[(next_ + size - pending_) % size];
  --pending_;
  return true;
}

}  // namespace iovalid::hwmodel
