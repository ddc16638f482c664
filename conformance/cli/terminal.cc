// SPDX-License-Identifier: Apache-2.0
#include "conformance/cli/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "conformance/cli/command.h"

namespace iovalid::conformance::cli {

Style StdoutStyle() {
  const char* no_colour = std::getenv("NO_COLOR");
  return Style(isatty(STDOUT_FILENO) && (no_colour == nullptr || *no_colour == '\0'));
}

Progress::Progress(bool with_output)
    : enabled_(isatty(STDERR_FILENO) && (with_output || isatty(STDOUT_FILENO) == 0)) {}

void Progress::ShowBar(const std::string& what, double fraction, const std::string& more) {
  if (!enabled_) return;
  constexpr size_t kWidth = 30;
  const double part = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
  const auto full = static_cast<size_t>(part * kWidth);
  std::cerr << "\r\x1b[K" << what << " [" << std::string(full, '#')
            << std::string(kWidth - full, '-') << "] " << static_cast<int>(part * 100) << "% "
            << more << std::flush;
  shown_ = true;
}

void Progress::SetFile(size_t index, size_t count) {
  prefix_ = count < 2 ? "" : "[" + std::to_string(index) + "/" + std::to_string(count) + "] ";
}

void Progress::Show(const std::string& what, uint64_t events) {
  if (!enabled_) return;
  std::cerr << "\r\x1b[K" << prefix_ << what << ": " << events << " events" << std::flush;
  shown_ = true;
}

void Progress::Clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

int Fail(const absl::Status& status) {
  std::string message(status.message());
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::cout.flush();
  std::cerr << "iovalid: error: " << message << '\n';
  return kUnusable;
}

void PrintWarnings(const traces::EventSource& source) {
  for (const std::string& warning : source.warnings()) {
    std::cerr << "iovalid: warning: " << warning << '\n';
  }
}

}  // namespace iovalid::conformance::cli
