// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_C_PROGRAM_H_
#define IOVALID_CONFORMANCE_C_PROGRAM_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "conformance/side.h"
#include "traces/event_source.h"

namespace iovalid::conformance {

// Writes a trace of one sequence as a self-contained C program (C library and Linux headers only)
// that makes the same calls on a real kernel:
//
//   PROGRAM [type1|compat BDF...]
//
// Without arguments it runs both modes, each in a process of its own, with all devices that are
// bound to vfio-pci. The node of the container is that of the first argument, the devices those that follow, in the
// order of the header. It prints a line a call, as recorded traces show it, and beside it "as
// left", "as right", "as both" or "OTHER", against what the models of the two sides answer; the
// last line counts the calls that are as the side of its own mode says. Exit code 0 if all are.
//
// InvalidArgument names an event that cannot be said in the program: memory of a kind that depends
// on the recorder, several processes, or transfers of a device.
absl::Status WriteCProgram(traces::EventSource& source, const Side& left, const Side& right,
                           std::ostream& out);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_C_PROGRAM_H_
