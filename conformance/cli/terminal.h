// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CLI_TERMINAL_H_
#define IOVALID_CONFORMANCE_CLI_TERMINAL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "conformance/style.h"
#include "traces/event_source.h"

namespace iovalid::conformance::cli {

// Colour where standard output is a terminal and NO_COLOR is not set.
Style StdoutStyle();

// A line on standard error that shows how far a command is, rewritten in place. Silent where
// standard error is not a terminal. Cleared when it goes.
class Progress {
 public:
  // `with_output`: as well where standard output is a terminal, for what prints at its end only.
  explicit Progress(bool with_output = false);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // "what: 12345 events".
  void Show(const std::string& what, uint64_t events);
  // "what [####------]  40% more", `fraction` from 0 to 1.
  void ShowBar(const std::string& what, double fraction, const std::string& more);
  // "[3/42] what: 12345 events" from here on.
  void SetFile(size_t index, size_t count);
  void Clear();

 private:
  bool enabled_;
  bool shown_ = false;
  std::string prefix_;
};

// "iovalid: error: <message>" on standard error, one line. Returns the exit code for it.
int Fail(const absl::Status& status);
// A trace's warnings, one line each, on standard error.
void PrintWarnings(const traces::EventSource& source);

}  // namespace iovalid::conformance::cli

#endif  // IOVALID_CONFORMANCE_CLI_TERMINAL_H_
