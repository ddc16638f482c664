// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_DIFFER_H_
#define IOVALID_CONFORMANCE_DIFFER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "compat/observation.h"
#include "conformance/machine.h"
#include "conformance/run_digest.h"
#include "conformance/state_diff.h"
#include "conformance/step.h"

namespace iovalid::conformance {

// Runs one program on two machines, step by step, and compares after each step what was answered
// and what state it left. A value: a copy goes on from the same state.
class Differ {
 public:
  // What one step showed. Valid until the next one.
  struct Report {
    StepResult left, right;
    bool outcome_differs = false;
    // State components whose difference is another than before the step.
    std::vector<StateDiff::Change> state;

    // The state differs in a new way (and has not merely become equal again).
    bool state_differs() const {
      for (const StateDiff::Change& change : state) {
        if (!change.resolved) return true;
      }
      return false;
    }
    bool differs() const { return outcome_differs || state_differs(); }
  };

  Differ(Machine left, Machine right);

  // InvalidArgument where the step cannot be replayed.
  absl::Status Run(const Step& step);
  const Report& report() const { return report_; }

  Machine& left() { return left_; }
  Machine& right() { return right_; }
  const Machine& left() const { return left_; }
  const Machine& right() const { return right_; }
  // After the last step.
  const compat::ObservedState& left_state() const { return left_state_; }
  const compat::ObservedState& right_state() const { return right_state_; }
  const StateDiff& state_diff() const { return state_diff_; }
  // Of both sides so far.
  const RunDigest& digest() const { return digest_; }

 private:
  Machine left_, right_;
  StateDiff state_diff_;
  compat::ObservedState left_state_, right_state_;
  Report report_;
  RunDigest digest_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_DIFFER_H_
