// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_VERIFY_H_
#define IOVALID_CONFORMANCE_VERIFY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/run_digest.h"
#include "conformance/side.h"
#include "conformance/verifier.h"
#include "traces/event_source.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// One call that is not as recorded, in full.
struct Mismatch {
  int64_t seq;
  std::string sequence_name;
  uint64_t step;
  uint32_t bits;  // MismatchBits
  traces::Event event;
  std::string call;                   // decoded
  std::vector<std::string> expected;  // lines
  std::vector<std::string> actual;
  std::string rule;  // "function: text (id)" of what the model decided by; may be empty
};

struct VerifyResult {
  Side side;
  VerifyCounts counts;
  RunDigest digest;
  uint64_t skipped = 0;  // events that are not modelled
};

// Runs a recorded trace on the model of the recorded kernel and mode, in constant memory.
// `on_mismatch` gets each call that is not as recorded. Errors are one line with the file and the
// place in it: the file is broken, or its kernel is not modelled.
absl::StatusOr<VerifyResult> Verify(traces::EventSource& source, const std::string& file,
                                    const std::function<void(const Mismatch&)>& on_mismatch,
                                    const std::function<void(uint64_t)>& progress);

// "ret, errno, out".
std::string MismatchText(uint32_t bits);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_VERIFY_H_
