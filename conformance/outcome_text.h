// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_OUTCOME_TEXT_H_
#define IOVALID_CONFORMANCE_OUTCOME_TEXT_H_

#include <string>
#include <vector>

#include "conformance/decode.h"
#include "conformance/machine.h"
#include "conformance/step.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// One answer, from a model or from a recording, in a form that can be shown and compared.
struct Answer {
  std::string result;     // "0", "-1 EFAULT", "fd d0"
  DecodedStruct changed;  // fields of the struct that the call changed, with their new values
  DecodedStruct after;    // the whole struct afterwards
  std::vector<std::string> memory;  // other memory that the call wrote: "0x70010000: 0100"

  // "= 0 {argsz=120}" on the first line; capabilities and memory below, one a line.
  std::vector<std::string> Lines() const;
};

Answer AnswerOf(const traces::Event& event, const StepResult& result);
Answer AnswerOf(const traces::Event& event, const Expectation& expected);

// What two answers do not have in common: "out: argsz, iova_pgsizes, capabilities", "errno", "mem".
std::string DifferingParts(const Answer& left, const Answer& right);

std::string HexBytes(const Bytes& bytes);
// "[0x100000, 0x101fff] rw -> 0x100000000" and the like.
std::string RunText(const ViewRun& run, const HandleTable& names, const traces::Header& header);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_OUTCOME_TEXT_H_
