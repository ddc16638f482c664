// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "absl/status/statusor.h"
#include "conformance/printable.h"

namespace iovalid::conformance::report {
namespace {

namespace fs = std::filesystem;

constexpr char kList[] = "iovalid-report.txt";
constexpr char kFirstLine[] = "files of this report, written by `iovalid report`:";

absl::Status Refuse(const std::string& path, const std::string& why) {
  return absl::FailedPreconditionError(Printable(path) + ": " + why);
}

// A name that a report can hold: nothing that leads out of the directory.
bool IsOwnName(std::string name) {
  if (name.rfind("data/", 0) == 0) name = name.substr(5);
  return !name.empty() && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
         });
}

// The files of the report that is there; none where there is nothing yet. FailedPrecondition for
// what is not a report.
absl::StatusOr<std::set<std::string>> OldFiles(const std::string& directory) {
  std::set<std::string> files;
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) return files;
  if (status.type() != fs::file_type::directory) return Refuse(directory, "is not a directory");
  const bool empty = fs::is_empty(directory, error);
  if (error) return Refuse(directory, error.message());
  if (empty) return files;
  std::ifstream list(fs::path(directory) / kList);
  std::string line;
  if (!std::getline(list, line) || line != kFirstLine) {
    return Refuse(
        directory,
        "holds other files; a report goes into a new or empty directory, or over a report");
  }
  while (std::getline(list, line)) {
    if (IsOwnName(line)) files.insert(line);
  }
  return files;
}

absl::Status WriteFile(const fs::path& path, const std::string& contents) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << contents;
  out.close();
  if (!out) return absl::UnavailableError(Printable(path.string()) + ": cannot be written");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDirectory(const std::string& directory) { return OldFiles(directory).status(); }

absl::Status WriteDirectory(const std::string& directory,
                            const std::vector<std::pair<std::string, std::string>>& files) {
  const absl::StatusOr<std::set<std::string>> old = OldFiles(directory);
  if (!old.ok()) return old.status();
  std::error_code error;
  fs::create_directories(fs::path(directory) / "data", error);
  if (error) return Refuse(directory, error.message());
  // The list comes first: what an interrupted run leaves is known to be a report.
  std::set<std::string> names;
  for (const auto& [name, contents] : files) names.insert(name);
  std::string list = std::string(kFirstLine) + "\n";
  for (const std::string& name : names) list += name + "\n";
  if (const absl::Status status = WriteFile(fs::path(directory) / kList, list); !status.ok()) {
    return status;
  }
  for (const auto& [name, contents] : files) {
    const absl::Status status = WriteFile(fs::path(directory) / name, contents);
    if (!status.ok()) return status;
  }
  for (const std::string& name : *old) {
    if (names.count(name) == 0) fs::remove(fs::path(directory) / name, error);
  }
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::report
