// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_GATE_GATE_FORMATS_H_
#define IOVALID_CONFORMANCE_GATE_GATE_FORMATS_H_

#include <ostream>
#include <string_view>

#include "conformance/gate/gate.h"

namespace iovalid::conformance {

// The result of a gate as a machine wants it. Every trace is one test case.
void WriteGateText(const GateResult& result, std::ostream& out);
// {"passed", "traces": [{file, left, right, calls, differing, rows, findings}]}
void WriteGateJson(const GateResult& result, std::ostream& out);
// JUnit XML: one test suite, a failure with all findings for a trace that does not pass.
void WriteGateJunit(const GateResult& result, std::ostream& out);
// KTAP version 1, as the kernel's kselftest prints and parses it.
void WriteGateKtap(const GateResult& result, std::ostream& out);
// Workflow commands of GitHub Actions: ::error file=..,title=..::message.
void WriteGateGithub(const GateResult& result, std::ostream& out);
// SARIF 2.1.0: the catalogue's rows and "unexplained" are the rules.
void WriteGateSarif(const GateResult& result, std::ostream& out);

// "text", "json", "junit", "ktap", "github", "sarif"; false for any other.
bool WriteGate(std::string_view format, const GateResult& result, std::ostream& out);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_GATE_GATE_FORMATS_H_
