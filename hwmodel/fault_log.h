// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_FAULT_LOG_H_
#define IOVALID_HWMODEL_FAULT_LOG_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "hwmodel/access.h"

namespace iovalid::hwmodel {

// Why a DMA request was blocked, in terms of no architecture; FaultCode (fault_code.h) gives each
// architecture's number. The values are the fault reason codes of the Intel VT-d specification
// (revision 4, appendix A "Non-Recoverable Fault Reason Encodings") where it has one; the kernel
// names them in drivers/iommu/intel/dmar.c. In VT-d second-stage tables a not-present entry has no
// code of its own: it permits neither reading nor writing.
enum class FaultReason : uint8_t {
  kNone = 0,
  kContextNotPresent = 0x2,   // nothing is known of the source
  kAddressBeyondWidth = 0x4,  // above what the tables can translate, or not canonical
  kWriteNotPermitted = 0x5,   // no right to write in an entry of the walk
  kReadNotPermitted = 0x6,    // no right to read in an entry of the walk
  kTableAccessError = 0x7,    // an entry, or the root, refers to a frame that does not exist
  kReservedBit = 0xc,         // a reserved bit or an illegal combination in an entry
  kAtsBlocked = 0xd,          // a translation or translated request, and no ATS for this source
  kPasidNotEnabled = 0x45,    // a request with PASID, and none are enabled for this source
  kPasidNotPresent = 0x59,    // nothing is known of the PASID
  kNotPresent = 0x71,         // an entry of the walk is not present
  // Those that VT-d has no code for.
  kBlocked = 0xe0,      // the source is in a blocked domain
  kAddressSize = 0xe1,  // Arm: an output address beyond the width
  kAccessFlag = 0xe2,   // Arm, RISC-V: the accessed bit is clear and hardware does not set it
  kDirtyFlag = 0xe3,    // RISC-V: the dirty bit is clear on a write and hardware does not set it
};

// "write not permitted" and the like.
std::string_view FaultReasonName(FaultReason reason);

// One fault recording register (section 11.4.7.6 "Fault Recording Registers").
struct FaultRecord {
  SourceId source = 0;
  uint64_t page = 0;    // IOVA / 4096 of the request
  unsigned access = 0;  // Rights asked for
  FaultReason reason = FaultReason::kNone;
  // Level of the table in which the walk ended (1 = the last); 0: before the walk. Not in the
  // register: for reports.
  uint8_t level = 0;
  uint8_t stage = 0;  // 1 or 2: the tables that the walk ended in; 0: before the walk
  Pasid pasid = kNoPasid;

  friend bool operator==(const FaultRecord&, const FaultRecord&) = default;
};

// The primary fault log: a ring of recording registers (section 7.2 "Non-Recoverable Faults",
// 7.2.1 "Primary Fault Logging"). A fault that finds its register still full sets the overflow flag
// (PFO) and is lost, as is each one after it until software clears PFO.
class FaultLog {
 public:
  // `registers`: NFR + 1 of the capability register, at least 1.
  explicit FaultLog(unsigned registers) : ring_(registers == 0 ? 1 : registers) {}

  // Inline as far as a log that has overflowed goes: a device that faults does so in a storm.
  void Record(const FaultRecord& record) {
    ++total_;
    if (!overflow_) Fill(record);
  }

  // Software reads the oldest full register and clears its F bit. False where none is full.
  bool Take(FaultRecord* record);

  unsigned pending() const { return pending_; }
  bool overflow() const { return overflow_; }  // PFO
  void ClearOverflow() { overflow_ = false; }
  // All faults so far, recorded or lost: not a register, for reports and tests.
  uint64_t total() const { return total_; }

 private:
  // Takes the next register, or sets the overflow flag.
  void Fill(const FaultRecord& record);

  std::vector<FaultRecord> ring_;
  unsigned next_ = 0;     // the register that the next fault goes to
  unsigned pending_ = 0;  // registers that are full
  bool overflow_ = false;
  uint64_t total_ = 0;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_FAULT_LOG_H_
