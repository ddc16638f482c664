// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite/matchers.h"

#include <charconv>
#include <ostream>
#include <utility>

namespace iovalid::conformance::suite {
namespace {

// "6.12" as 6 and 12.
std::pair<int, int> VersionOf(std::string_view text) {
  std::pair<int, int> version;
  const size_t dot = text.find('.');
  std::from_chars(text.data(), text.data() + std::min(dot, text.size()), version.first);
  if (dot != std::string_view::npos) {
    std::from_chars(text.data() + dot + 1, text.data() + text.size(), version.second);
  }
  return version;
}

class ByRow {
 public:
  using is_gtest_matcher = void;

  explicit ByRow(std::vector<ExpectationRow> rows) : rows_(std::move(rows)) {}

  bool MatchAndExplain(const CallResult& result, testing::MatchResultListener* listener) const {
    for (const ExpectationRow& row : rows_) {
      if (!row.kernels.Include(result.side)) continue;
      if (row.expected.MatchAndExplain(result, listener)) return true;
      *listener << "and " << result.side.Name() << " is to be one that ";
      if (listener->IsInterested()) row.expected.DescribeTo(listener->stream());
      return false;
    }
    *listener << "and no row is for " << result.side.Name();
    return false;
  }

  void DescribeTo(std::ostream* os) const {
    const char* separator = "";
    for (const ExpectationRow& row : rows_) {
      *os << separator << "on " << row.kernels.Text() << ' ';
      row.expected.DescribeTo(os);
      separator = "; ";
    }
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "not: ";
    DescribeTo(os);
  }

 private:
  std::vector<ExpectationRow> rows_;
};

MATCHER_P2(IsField, name, value, "has " + name + "=" + value + " after the call") {
  for (const DecodedStruct::Field& field : arg.argument.fields) {
    if (field.name != name) continue;
    if (field.value == value) return true;
    *result_listener << "whose " << name << " is " << field.value;
    return false;
  }
  *result_listener << "whose argument has no " << name;
  return false;
}

MATCHER_P(StartsWithBits, bits,
          "has a bitmap that starts with the bits " + Hex(bits) + " after the call") {
  if (arg.memory.empty()) return false;
  uint64_t first = 0;
  for (size_t i = 0; i < 8 && i < arg.memory[0].size(); ++i) {
    first |= uint64_t{arg.memory[0][i]} << (8 * i);
  }
  return first == bits;
}

constexpr uint64_t kKbPerPage = 4;

}  // namespace

bool Kernels::Include(const Side& side) const {
  const auto version = VersionOf(side.profile->name);
  return side.mode == mode_ && (since_.empty() || version >= VersionOf(since_)) &&
         (before_.empty() || version < VersionOf(before_));
}

std::string Kernels::Text() const {
  std::string text(ModeName(mode_));
  if (!since_.empty()) text += " since " + std::string(since_);
  if (!before_.empty()) text += " before " + std::string(before_);
  return text;
}

ResultMatcher AnswersByRow(std::vector<ExpectationRow> rows) { return ByRow(std::move(rows)); }

ResultMatcher HasField(std::string_view name, std::string_view value) {
  return IsField(std::string(name), std::string(value));
}

ResultMatcher Locks(uint64_t pages) {
  return testing::Field("locked_kb", &CallResult::locked_kb, pages * kKbPerPage);
}

ResultMatcher Pins(uint64_t pages) {
  return testing::Field("pinned_kb", &CallResult::pinned_kb, pages * kKbPerPage);
}

ResultMatcher HasDirtyBits(uint64_t bits) { return StartsWithBits(bits); }

}  // namespace iovalid::conformance::suite
