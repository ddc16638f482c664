// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_VERIFIER_H_
#define IOVALID_CONFORMANCE_VERIFIER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "compat/observation.h"
#include "conformance/machine.h"
#include "conformance/run_digest.h"
#include "conformance/step.h"

namespace iovalid::conformance {

// What of a call is not as recorded: a set of bits.
enum MismatchBits : uint32_t {
  kMismatchRet = 1,  // return value, or whether it is a descriptor
  kMismatchErrno = 2,
  kMismatchOut = 4,           // the struct after the call
  kMismatchMem = 8,           // other user memory
  kMismatchSpill = 16,        // the argument page outside the struct
  kMismatchView = 32,         // what the device reaches
  kMismatchCharges = 64,      // VmLck or VmPin changed otherwise, or only on one side
  kMismatchUnmodelled = 128,  // the model refused the call
};

// What differs between an answer and its recording; 0 for nothing. Charges are not looked at.
// `compare_spill` is false for captures, which do not record it.
uint32_t CompareOutcome(const Step& step, const Expectation& expected, const StepResult& actual,
                        bool compare_spill);

// True if the runs are the same, where a run that the recorder could not name ("-") stands for any
// page.
bool SameView(const std::vector<ViewRun>& expected, const std::vector<ViewRun>& actual);

// The rule's id says that the model does not know the call.
bool IsUnmodelled(const compat::Rule* rule);

struct VerifyCounts {
  uint64_t calls = 0, match = 0, mismatch = 0;
  uint64_t unmodelled = 0;  // of the mismatches

  VerifyCounts& operator+=(const VerifyCounts& other);
};

// Runs recorded events on the machine that they were recorded on, and compares. Counted are each
// open, close, dup and ioctl with a recorded outcome, and each dma_view that says something. A
// change of VmLck and VmPin, or its absence, belongs to the step before it; where that is not
// counted itself (munmap), to the last counted one before.
class Verifier {
 public:
  Verifier(Machine machine, bool compare_spill)
      : machine_(std::move(machine)), compare_spill_(compare_spill) {}

  // One step with its recorded outcome. Before it runs, the last one is finished.
  absl::Status Run(const Step& step, const Expectation& expected);
  // The recorded `observe` line of a process after the last step, in kB. Returns what the model
  // changed the process's charges to; nothing where it did not change them.
  std::optional<StepResult::Charge> Observe(uint32_t process, uint64_t vm_lck, uint64_t vm_pin);
  // The sequence or trace is over: finishes the last step.
  void Finish();

  // The bits of the last counted call so far; they can grow until the next counted one begins.
  uint32_t pending() const { return pending_bits_; }
  // Bits of the call that the last Run or Finish completed; valid where completed() is true.
  bool completed() const { return completed_; }
  uint32_t completed_bits() const { return completed_bits_; }

  // Charges that changed with the last step, and that no `observe` line has told yet.
  const std::vector<StepResult::Charge>& open_charges() const { return charges_open_; }
  const StepResult& result() const { return result_; }
  const VerifyCounts& counts() const { return counts_; }
  const RunDigest& digest() const { return digest_; }
  Machine& machine() { return machine_; }

 private:
  void FinishStep();
  void FinishCall();

  Machine machine_;
  bool compare_spill_;
  StepResult result_;
  compat::ObservedState state_;
  VerifyCounts counts_;
  RunDigest digest_;
  bool pending_ = false;  // a counted call is not finished yet
  uint32_t pending_bits_ = 0;
  bool completed_ = false;
  uint32_t completed_bits_ = 0;
  // Charges that the model changed, and for which no `observe` has come yet.
  std::vector<StepResult::Charge> charges_open_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_VERIFIER_H_
