// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/columns.h"

#include <utility>

namespace iovalid::conformance::report {
namespace {

size_t ColumnOf(std::string_view name) {
  for (size_t i = 0; i < kColumns.size(); ++i) {
    if (kColumns[i] == name) return i;
  }
  return kNoColumn;
}

}  // namespace

absl::Status ColumnPair::Run(const Step& step) {
  const absl::Status status = differ.Run(step);
  if (status.ok()) label = labeller.Observe(step, differ);
  return status;
}

absl::Status Columns::Add(const traces::Header& header, Side left, Side right, size_t left_column,
                          size_t right_column) {
  FitToTrace(header, &left, &right);
  const Machine::Options options{.views = false};
  auto left_machine = Machine::Create(header, left, options);
  if (!left_machine.ok()) return left_machine.status();
  auto right_machine = Machine::Create(header, right, options);
  if (!right_machine.ok()) return right_machine.status();
  pairs_.push_back({Differ(*std::move(left_machine), *std::move(right_machine)),
                    Labeller(Catalogue::BuiltIn(), left, right),
                    {left_column, right_column}});
  return absl::OkStatus();
}

absl::StatusOr<Columns> Columns::CreateSome(const traces::Header& header, size_t most) {
  const auto recorded = RecordedSide(header);
  const bool new_kernel = !recorded.ok() || recorded->profile->name != "6.12";
  const bool native = header.mode() == traces::NATIVE;
  // Each column is shown once; what else a pair compares is for the labels.
  struct Names {
    std::string_view left, right;
    bool shows_left, shows_right;
  };
  const Names compat_new{"type1@7.3", "compat@7.3", true, true};
  const Names compat_old{"type1@6.12", "compat@6.12", true, true};
  std::vector<Names> names;
  if (native) {
    names = {{"native@6.12", "native@7.3", true, true}};
  } else {
    names = {new_kernel ? compat_new : compat_old,
             new_kernel ? compat_old : compat_new,
             {"type1@6.1", "type1@7.3", true, false},
             {"compat@6.12", "compat@7.3", false, false}};
  }
  Columns columns;
  for (const Names& pair : names) {
    if (columns.pairs_.size() == most) break;
    const auto left = ParseSide(pair.left), right = ParseSide(pair.right);
    if (!left.ok()) return left.status();
    if (!right.ok()) return right.status();
    const absl::Status status =
        columns.Add(header, *left, *right, pair.shows_left ? ColumnOf(pair.left) : kNoColumn,
                    pair.shows_right ? ColumnOf(pair.right) : kNoColumn);
    if (!status.ok()) return status;
  }
  return columns;
}

absl::StatusOr<Columns> Columns::Create(const traces::Header& header) {
  return CreateSome(header, ~size_t{0});
}

absl::StatusOr<Columns> Columns::CreateFirst(const traces::Header& header) {
  return CreateSome(header, 1);
}

absl::StatusOr<Columns> Columns::CreatePair(const traces::Header& header, const Side& left,
                                            const Side& right) {
  Columns columns;
  const absl::Status status =
      columns.Add(header, left, right, ColumnOf(left.Name()), ColumnOf(right.Name()));
  if (!status.ok()) return status;
  return columns;
}

absl::Status Columns::Run(const Step& step) {
  for (ColumnPair& pair : pairs_) {
    if (const absl::Status status = pair.Run(step); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::report
