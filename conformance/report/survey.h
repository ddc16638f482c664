// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_SURVEY_H_
#define IOVALID_CONFORMANCE_REPORT_SURVEY_H_

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/columns.h"
#include "traces/event_source.h"

namespace iovalid::conformance::report {

// A step of a trace.
struct Place {
  uint32_t file = 0;      // of the report's files
  uint32_t sequence = 0;  // counted from 0 in the file
  uint32_t event = 0;     // counted from 0 in the sequence
  uint32_t calls = 0;     // of the sequence, up to and with this step

  // Fewer calls first: the shortest trace that leads there.
  bool Before(const Place& other) const {
    return std::tie(calls, file, sequence, event) <
           std::tie(other.calls, other.file, other.sequence, other.event);
  }
};

// What one column answered. `rule` is the id of what decided; empty for a plain success.
struct Verdict {
  bool ran = false;
  std::string result;  // "0", "EINVAL", "fd"; "1" of CHECK_EXTENSION
  std::string rule;
  auto operator<=>(const Verdict&) const = default;
};

// A row of the errno matrix: a call and a condition, told apart by what every column answers and by
// why they differ.
struct MatrixKey {
  uint32_t order = 0;  // the ioctl's number; others come after all ioctls
  std::string call;    // "VFIO_IOMMU_MAP_DMA"
  std::array<Verdict, kColumns.size()> verdicts;
  // Rows of the catalogue that are shown by two columns of the same kernel (or, native, of two
  // kernels): index, or kUnexplained.
  std::set<int> labels;
  // What stood before it is why: the call itself is answered alike.
  bool consequence = false;
  auto operator<=>(const MatrixKey&) const = default;
  static constexpr int kUnexplained = -1;
};

struct MatrixEntry {
  uint64_t count = 0;
  Place shortest;
};

// One sequence of a trace.
struct SequenceInfo {
  int64_t seq = 0;
  std::string name;  // printable
  uint32_t events = 0, calls = 0;
  // Of the first pair: steps that differ, and those that no row accounts for.
  uint32_t differing = 0, unexplained = 0;
  // Events at which a row shows for the first time in the sequence.
  std::vector<uint32_t> marks;
};

struct RowSeen {
  uint64_t steps = 0;
  Place first;  // the shortest
};

// What was found in one trace, or added up over several.
struct Survey {
  std::map<MatrixKey, MatrixEntry> matrix;
  // By index of the catalogue's row: steps that it accounts for directly, in any pair.
  std::map<int, RowSeen> rows;
  // {rule, errno name} by column: how often a call was decided so.
  std::map<std::pair<std::string, std::string>, std::array<uint64_t, kColumns.size()>> rules;
  // {function, text} of the rules that decided.
  std::map<std::string, std::pair<std::string, std::string>> rule_texts;

  void Merge(const Survey& other);
};

struct FileInfo {
  std::string path;    // as given, printable
  std::string origin;  // "edges script", "qemu 11.1"
  std::string kernel;  // of the recording, printable
  std::string left, right;
  bool capture = false, native = false;
  uint64_t events = 0, calls = 0, differing = 0, unexplained = 0, skipped = 0;
  std::map<int, uint64_t> rows;  // of the catalogue, in the first pair
  std::vector<SequenceInfo> sequences;
};

// Runs a trace in all columns. `file` is the number that places get.
absl::Status SurveyTrace(traces::EventSource& source, uint32_t file, Columns columns,
                         FileInfo* info, Survey* survey);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_SURVEY_H_
