// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPLAY_H_
#define IOVALID_CONFORMANCE_REPLAY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "conformance/catalogue/labeller.h"
#include "conformance/differ.h"
#include "conformance/run_digest.h"
#include "conformance/side.h"
#include "conformance/step.h"
#include "traces/event_source.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

struct ReplayCounts {
  uint64_t events = 0;       // of the trace
  uint64_t calls = 0;        // open, close, dup, ioctl
  uint64_t outcome = 0;      // steps whose outcome differs
  uint64_t state = 0;        // steps whose outcome is the same, and whose state differs
  uint64_t skipped = 0;      // events that are not modelled
  uint64_t unexplained = 0;  // differing steps that the catalogue does not account for
  RunDigest digest;

  uint64_t differing() const { return outcome + state; }
};

// Where the replay is in the trace.
struct Position {
  int64_t seq = 0;  // number of the sequence; 0 before the first
  std::string sequence_name;
  uint64_t step = 0;  // the script's step in the sequence
};

// Gets to see every step of a replay.
class ReplayReporter {
 public:
  virtual ~ReplayReporter() = default;
  virtual void Begin(const std::string& file, const traces::Header& header, const Side& left,
                     const Side& right) = 0;
  // After the step has run on both sides. `label` says why it differs, if it does; its rows
  // are those of the built-in catalogue.
  virtual void Step(const Position& at, const traces::Event& event, Differ& differ,
                    const Label& label) = 0;
  virtual void End(const ReplayCounts& counts) = 0;
};

// Replays a trace on both sides in constant memory, and labels the differences with the built-in
// catalogue. `progress` (may be empty) is called now and
// then with the number of events. Errors are one line with the file and the place in it.
absl::StatusOr<ReplayCounts> Replay(traces::EventSource& source, const std::string& file,
                                    const Side& left, const Side& right, ReplayReporter* reporter,
                                    const std::function<void(uint64_t)>& progress);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_REPLAY_H_
