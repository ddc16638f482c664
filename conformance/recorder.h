// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_RECORDER_H_
#define IOVALID_CONFORMANCE_RECORDER_H_

#include <vector>

#include "conformance/machine.h"
#include "conformance/step.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// Writes what a machine answered into the events of a trace, as a recorder on a real kernel does: a
// trace recorded so verifies against the machine that it comes from.

// Appends `event` with the result as its outcome, and an `observe` event for each process whose
// charges changed with it. `step` is the event, compiled; tasks are the numbers of processes.
void Record(const traces::Event& event, const Step& step, const StepResult& result,
            std::vector<traces::Event>* trace);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_RECORDER_H_
