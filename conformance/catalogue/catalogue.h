// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_CATALOGUE_H_
#define IOVALID_CONFORMANCE_CATALOGUE_CATALOGUE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/catalogue/catalogue.pb.h"
#include "conformance/catalogue/expression.h"
#include "conformance/catalogue/facets.h"
#include "conformance/side.h"

namespace iovalid::conformance {

// An answer that a row asks for.
struct AnswerPattern {
  std::vector<uint32_t> errors;    // errno numbers; empty: any
  std::vector<std::string> rules;  // ids, "x.*", "" for none; empty: any

  bool AdmitsError(uint32_t error) const;
  bool AdmitsRule(const char* id) const;  // null: no rule
};

// A row or a consequence, made ready for one of its calls.
struct Condition {
  uint32_t call = 0;
  AnswerPattern left, right;
  std::vector<Expression> tests;
  Facets explains = 0, requires_state = 0;
  // The number of things that it asks for: of two that hold, the one with more is preferred.
  int specificity = 0;
  int row = -1;          // of the row, or
  int consequence = -1;  // of the consequence
  // Consequences: what must stand: a state facet, a mark (bits as Row::sets below), or that the
  // name of a descriptor which the call uses stands for an open one on one side only.
  Facets follows = 0;
  uint32_t follows_mark = 0;
  bool follows_descriptor = false;
};

// The divergence catalogue: immutable once loaded, shared by all that label with it.
class Catalogue {
 public:
  // Parses files: {name, text}. Names that end in "consequences.textproto" and "errnos.textproto"
  // are those, all others are rows. InvalidArgument names the file and what is wrong.
  static absl::StatusOr<Catalogue> Parse(
      const std::vector<std::pair<std::string, std::string>>& files);
  // The catalogue that the program was built with.
  static const Catalogue& BuiltIn();

  const std::vector<catalogue::Row>& rows() const { return rows_; }
  const std::vector<catalogue::Consequence>& consequences() const { return consequences_; }
  // -1 where there is none.
  int FindRow(std::string_view id) const;

  // Most specific first.
  const std::vector<Condition>& conditions() const { return conditions_; }
  // Bits of the names that rows and consequences set.
  uint32_t SetsOf(int row) const { return sets_[row]; }
  uint32_t ConsequenceSetsOf(int consequence) const { return consequence_sets_[consequence]; }
  uint32_t ClearsOf(int row) const { return clears_[row]; }
  static constexpr size_t kMaxMarks = 16;

  // Whether a model's rule answers with this errno; rules that errnos.textproto does not name are
  // unknown and answer with none.
  bool RuleAnswers(std::string_view rule, uint32_t error) const;
  // Every rule that errnos.textproto names, and the errnos it answers with.
  const std::map<std::string, std::vector<uint32_t>, std::less<>>& rule_errnos() const {
    return errnos_;
  }

  enum class Orientation : uint8_t { kNo, kStraight, kSwapped };
  // Whether a row is about these two sides, and which is which.
  static Orientation Orient(const catalogue::Side& row_left, const catalogue::Side& row_right,
                            const Side& left, const Side& right);

 private:
  absl::Status Add(const std::string& file, const catalogue::Row& row);
  absl::Status Add(const std::string& file, const catalogue::Consequence& consequence);
  absl::Status AddConditions(const catalogue::When& when,
                             const google::protobuf::RepeatedPtrField<std::string>& explains,
                             const google::protobuf::RepeatedPtrField<std::string>& requires_state,
                             const Condition& base);
  uint32_t MarkOf(const std::string& name);

  std::vector<catalogue::Row> rows_;
  std::vector<catalogue::Consequence> consequences_;
  std::vector<Condition> conditions_;
  std::vector<uint32_t> sets_, clears_, consequence_sets_;
  std::vector<std::string> marks_;
  std::map<std::string, std::vector<uint32_t>, std::less<>> errnos_;
};

// "intended", "undocumented", "bug".
std::string_view ClassName(catalogue::Class value);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_CATALOGUE_H_
