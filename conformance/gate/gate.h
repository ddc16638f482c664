// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_GATE_GATE_H_
#define IOVALID_CONFORMANCE_GATE_GATE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/side.h"

namespace iovalid::conformance {

// The rows that each trace shows, as they were accepted: file -> ids. As text, one "ROW FILE" a
// line, sorted; lines that begin with # are comments.
using Baseline = std::map<std::string, std::set<std::string>>;
// InvalidArgument with the line's number.
absl::StatusOr<Baseline> ParseBaseline(std::string_view text, const std::string& file);
std::string BaselineToText(const Baseline& baseline);

// Something that the gate does not let pass.
struct GateFinding {
  enum class Kind : uint8_t {
    kUnexplained,  // no row accounts for a difference
    kWrongErrno,   // an answer that the rule which decided it does not give
    kNewRow,       // the trace shows a row that the baseline does not have
    kMissingRow,   // the trace no longer shows a row of the baseline
  };
  Kind kind;
  // Where: for kUnexplained, kWrongErrno and kNewRow the first place, else 0.
  int64_t seq = 0;
  uint64_t step = 0;
  std::string row;      // kNewRow, kMissingRow
  std::string message;  // one line
};
// "unexplained", "new-row", "missing-row".
std::string_view KindName(GateFinding::Kind kind);

// One trace.
struct GateTrace {
  std::string file;
  std::string left, right;  // "type1@7.3"
  uint64_t calls = 0, differing = 0;
  std::map<std::string, uint64_t> rows;  // and how many steps each accounts for
  std::vector<GateFinding> findings;
};

struct GateResult {
  std::vector<GateTrace> traces;
  bool passed() const;
  Baseline ToBaseline() const;
};

// The traces below the paths (files as they are; in directories *.iovt, *.jsonl and *.textproto, but
// nothing in a fuzz_corpus), sorted. NotFound where a path does not exist or holds none.
absl::StatusOr<std::vector<std::string>> FindTraces(const std::vector<std::string>& paths);

// Replays one trace on both sides.
absl::StatusOr<GateTrace> RunGate(const std::string& file, const Side& left, const Side& right);
// Adds what is new and what is missing against a baseline.
void CompareWithBaseline(const Baseline& baseline, GateResult* result);

// The kernel of the sides where the user names none: that of the recording if it has iommufd, else
// 7.3.
absl::StatusOr<std::string> GateKernel(const std::string& file);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_GATE_GATE_H_
