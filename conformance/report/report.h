// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_REPORT_H_
#define IOVALID_CONFORMANCE_REPORT_REPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/report/search_output.h"
#include "conformance/report/survey.h"

namespace iovalid::conformance::report {

struct ReportOptions {
  std::vector<std::string> files;      // traces
  std::vector<SearchFigures> searches;  // none: the report says nothing of a search
  uint64_t steps = 800;                // drawn of one trace, about
  unsigned jobs = 1;                   // traces at a time; the result does not depend on it
};

// What a report is made of: traces, and what they showed.
struct ReportData {
  enum class Kind : uint8_t { kCorpus, kMinimal, kNear };
  struct File {
    Kind kind = Kind::kCorpus;
    FileInfo info;
    int row = -1;  // kMinimal, kNear: whose
    std::string timeline;  // JSON
    uint64_t drawn = 0;    // events in it
    std::map<uint32_t, uint32_t> drawn_of;  // sequence -> events in the timeline
  };
  std::vector<File> files;  // the corpus first
  Survey survey;            // of the corpus alone
  Survey all;               // and the catalogue's minimal traces
  std::vector<SearchFigures> searches;
};

// Runs everything. `progress` gets the number of traces done and of all, from any thread but one at
// a time. Errors are one line with the file and the place in it.
absl::StatusOr<ReportData> CollectReport(const ReportOptions& options,
                                         const std::function<void(size_t, size_t)>& progress);

// The files of the report, {path below its directory, contents}: the pages and their data. The same
// data gives the same bytes.
std::vector<std::pair<std::string, std::string>> ReportFiles(const ReportData& data);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_REPORT_H_
