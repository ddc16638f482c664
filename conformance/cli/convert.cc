// SPDX-License-Identifier: Apache-2.0
#include "conformance/cli/convert.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "conformance/c_program.h"
#include "conformance/cli/terminal.h"
#include "conformance/side.h"
#include "traces/golden.h"
#include "traces/open_any.h"
#include "traces/text.h"
#include "traces/writer.h"

namespace iovalid::conformance::cli {
namespace {

bool EndsIn(const std::string& name, const std::string& end) {
  return name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

absl::Status Write(traces::EventSource& source, const std::string& format,
                   const std::string& kernel, std::ostream& out) {
  if (format == "c") {
    const auto left = ParseSide("type1@" + kernel), right = ParseSide("compat@" + kernel);
    if (!left.ok()) return left.status();
    if (!right.ok()) return right.status();
    return WriteCProgram(source, *left, *right, out);
  }
  return format == "textproto" ? traces::WriteText(source, out) : traces::ExportGolden(source, out);
}

// Text forms appear under their name only when they are complete.
absl::Status WriteFile(traces::EventSource& source, const std::string& format,
                       const std::string& kernel, const std::string& path) {
  const std::string part = path + ".part";
  {
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    if (!out) return absl::UnavailableError(part + ": cannot be written");
    absl::Status status = Write(source, format, kernel, out);
    out.flush();
    if (status.ok() && !out) status = absl::UnavailableError(part + ": write error");
    if (!status.ok()) {
      std::remove(part.c_str());
      return status;
    }
  }
  if (std::rename(part.c_str(), path.c_str()) != 0) {
    std::remove(part.c_str());
    return absl::UnavailableError(path + ": cannot be replaced");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Convert(const std::string& from, const std::string& to, const std::string& format,
                     bool archive, const std::string& kernel) {
  auto source = traces::OpenAny(from);
  if (!source.ok()) return source.status();
  absl::Status status;
  if (to == "-") {
    status = Write(**source, format, kernel, std::cout);
  } else if (EndsIn(to, ".jsonl")) {
    status = WriteFile(**source, "jsonl", kernel, to);
  } else if (EndsIn(to, ".textproto")) {
    status = WriteFile(**source, "textproto", kernel, to);
  } else if (EndsIn(to, ".c")) {
    status = WriteFile(**source, "c", kernel, to);
  } else if (EndsIn(to, ".iovt")) {
    status = traces::WriteTrace(**source, to,
                                archive ? traces::ArchiveOptions() : traces::WriterOptions());
  } else {
    return absl::InvalidArgumentError(to +
                                      ": the name must end in .iovt, .jsonl, .textproto or .c");
  }
  PrintWarnings(**source);
  return status;
}

}  // namespace iovalid::conformance::cli
