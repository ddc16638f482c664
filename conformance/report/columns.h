// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_COLUMNS_H_
#define IOVALID_CONFORMANCE_REPORT_COLUMNS_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/catalogue/labeller.h"
#include "conformance/differ.h"
#include "conformance/side.h"
#include "conformance/step.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance::report {

// The kernels that the report compares, in the order of the matrix.
inline constexpr std::array<std::string_view, 7> kColumns = {
    "type1@6.1",   "type1@6.12", "type1@7.3", "compat@6.12",
    "compat@7.3", "native@6.12", "native@7.3"};
inline constexpr size_t kNoColumn = ~size_t{0};

// Two columns side by side; a difference between them is labelled.
struct ColumnPair {
  Differ differ;
  Labeller labeller;
  // Where the sides stand in kColumns; kNoColumn: another pair shows the column already.
  std::array<size_t, 2> columns;
  Label label{};  // of the last step

  absl::Status Run(const Step& step);
};

// Every column that a trace can be run in, in lock step. The first pair is that of the timeline.
class Columns {
 public:
  // The header's kernel says which pair comes first: that of the recording where it is known to
  // have iommufd, else 7.3. A native trace runs in the native columns alone.
  static absl::StatusOr<Columns> Create(const traces::Header& header);
  // Only these two sides, as the first pair.
  static absl::StatusOr<Columns> CreatePair(const traces::Header& header, const Side& left,
                                            const Side& right);
  // The first pair alone.
  static absl::StatusOr<Columns> CreateFirst(const traces::Header& header);

  // Runs the step in all columns. InvalidArgument where it cannot be replayed.
  absl::Status Run(const Step& step);

  ColumnPair& first() { return pairs_[0]; }
  std::vector<ColumnPair>& pairs() { return pairs_; }

 private:
  static absl::StatusOr<Columns> CreateSome(const traces::Header& header, size_t most);
  absl::Status Add(const traces::Header& header, Side left, Side right, size_t left_column,
                   size_t right_column);

  std::vector<ColumnPair> pairs_;
};

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_COLUMNS_H_
