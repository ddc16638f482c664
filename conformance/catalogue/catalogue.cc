// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "compat/profile.h"
#include "conformance/catalogue/built_in.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "traces/errno_names.h"

namespace iovalid::conformance {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(std::move(message)); }

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Keeps the first error of a text in protobuf format.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int, const std::string& message) override {
    if (text.empty()) text = std::to_string(line + 1) + ": " + message;
  }
  void AddWarning(int, int, const std::string&) override {}
  std::string text;
};

absl::Status ParseText(const std::string& file, const std::string& text,
                       google::protobuf::Message* message) {
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(text, message)) return absl::OkStatus();
  return Invalid(file + ":" + error.text);
}

// Kernel series in the order of their release; 0 for an unknown one.
int KernelOrder(std::string_view kernel) {
  const compat::KernelProfile* profile = compat::FindProfile(kernel);
  if (profile == nullptr) return 0;
  const size_t dot = profile->name.find('.');
  return std::atoi(std::string(profile->name.substr(0, dot)).c_str()) * 1000 +
         std::atoi(std::string(profile->name.substr(dot + 1)).c_str());
}

bool IsSide(const catalogue::Side& pattern, const Side& side) {
  const std::string& mode = pattern.mode();
  const bool compat = side.mode == Mode::kCompat || side.mode == Mode::kCompatNode;
  const bool is_mode = mode.empty() || (mode == "compat" && compat) ||
                       (mode == "compat-iommu" && side.mode == Mode::kCompat) ||
                       (mode != "compat" && mode == ModeName(side.mode));
  if (!is_mode) return false;
  const int kernel = KernelOrder(side.profile->name);
  return (pattern.first_kernel().empty() || kernel >= KernelOrder(pattern.first_kernel())) &&
         (pattern.last_kernel().empty() || kernel <= KernelOrder(pattern.last_kernel()));
}

absl::Status CheckSide(const catalogue::Side& side) {
  constexpr std::string_view kModes[] = {"",       "type1",        "compat",
                                         "native", "compat-iommu", "compat-node"};
  if (std::find(std::begin(kModes), std::end(kModes), side.mode()) == std::end(kModes)) {
    return Invalid("there is no mode '" + side.mode() + "'");
  }
  for (const std::string& kernel : {side.first_kernel(), side.last_kernel()}) {
    if (!kernel.empty() && KernelOrder(kernel) == 0) {
      return Invalid("there is no kernel '" + kernel + "'");
    }
  }
  return absl::OkStatus();
}

absl::Status CompileAnswer(const catalogue::Answer& answer, AnswerPattern* pattern) {
  for (const std::string& name : answer.error()) {
    const std::optional<uint32_t> error = traces::ErrnoFromName(name);
    if (!error) return Invalid("there is no errno '" + name + "'");
    pattern->errors.push_back(*error);
  }
  pattern->rules.assign(answer.rule().begin(), answer.rule().end());
  return absl::OkStatus();
}

int Weight(const AnswerPattern& pattern) {
  int weight = pattern.errors.empty() ? 0 : 2;
  if (pattern.rules.empty()) return weight;
  const bool exact = std::none_of(pattern.rules.begin(), pattern.rules.end(),
                                  [](const std::string& rule) { return EndsWith(rule, "*"); });
  weight += exact ? 3 : 1;
  return pattern.rules.size() == 1 ? weight + 1 : weight;
}

}  // namespace

bool AnswerPattern::AdmitsError(uint32_t error) const {
  return errors.empty() || std::find(errors.begin(), errors.end(), error) != errors.end();
}

bool AnswerPattern::AdmitsRule(const char* id) const {
  if (rules.empty()) return true;
  const std::string_view name = id == nullptr ? "" : id;
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
    if (!EndsWith(rule, "*")) return name == rule;
    return name.substr(0, rule.size() - 1) == std::string_view(rule).substr(0, rule.size() - 1);
  });
}

std::string_view ClassName(catalogue::Class value) {
  switch (value) {
    case catalogue::INTENDED:
      return "intended";
    case catalogue::UNDOCUMENTED:
      return "undocumented";
    case catalogue::BUG:
      return "bug";
    default:
      return "?";
  }
}

uint32_t Catalogue::MarkOf(const std::string& name) {
  const auto found = std::find(marks_.begin(), marks_.end(), name);
  if (found != marks_.end()) return 1u << (found - marks_.begin());
  if (marks_.size() == kMaxMarks) return 0;
  marks_.push_back(name);
  return 1u << (marks_.size() - 1);
}

absl::Status Catalogue::AddConditions(const catalogue::When& when, const Strings& explains,
                                      const Strings& requires_state, const Condition& base) {
  Condition condition = base;
  absl::Status status = CompileAnswer(when.left(), &condition.left);
  if (status.ok()) status = CompileAnswer(when.right(), &condition.right);
  if (!status.ok()) return status;
  if (explains.empty()) return Invalid("it explains nothing");
  const Strings any_call = [] {
    Strings calls;
    calls.Add("");
    return calls;
  }();
  for (const std::string& name : when.call().empty() ? any_call : when.call()) {
    condition.call = 0;
    condition.explains = condition.requires_state = 0;
    condition.tests.clear();
    if (!name.empty()) {
      const std::optional<uint32_t> call = CallNamed(name);
      if (!call) return Invalid("there is no call '" + name + "'");
      condition.call = *call;
    }
    const StructLayout* layout = LayoutOfCall(condition.call);
    for (const std::string& facet : explains) {
      const std::optional<Facets> facets = FacetsNamed(facet, layout);
      if (!facets) return Invalid("explains: there is no '" + facet + "'");
      condition.explains |= *facets;
    }
    for (const std::string& facet : requires_state) {
      const std::optional<Facets> facets = FacetsNamed(facet, nullptr);
      if (!facets || (*facets & ~kStateFacets) != 0) {
        return Invalid("must_change: there is no component '" + facet + "'");
      }
      condition.requires_state |= *facets;
    }
    for (const std::string& test : when.test()) {
      absl::StatusOr<Expression> expression = Expression::Parse(test, layout);
      if (!expression.ok()) return expression.status();
      condition.tests.push_back(*std::move(expression));
    }
    condition.specificity = base.specificity + Weight(condition.left) + Weight(condition.right) +
                            2 * when.test_size() + (condition.call == 0 ? 0 : 1) +
                            (condition.call == kAnyIoctl ? 0 : 1) + requires_state.size();
    conditions_.push_back(condition);
  }
  return absl::OkStatus();
}

absl::Status Catalogue::Add(const std::string& file, const catalogue::Row& row) {
  if (!EndsWith(file, "/" + row.id() + ".textproto")) return Invalid("id is not the file's name");
  if (FindRow(row.id()) != -1) return Invalid("there is a row with this id already");
  if (row.title().empty() || row.advice().empty() || row.universe().empty() ||
      row.source().empty() || row.class_() == catalogue::CLASS_UNSPECIFIED) {
    return Invalid("title, class, source, universe or advice is missing");
  }
  absl::Status status = CheckSide(row.left());
  if (status.ok()) status = CheckSide(row.right());
  if (!status.ok()) return status;
  uint32_t sets = 0, clears = 0;
  for (const std::string& name : row.sets()) sets |= MarkOf(name);
  for (const std::string& name : row.clears()) clears |= MarkOf(name);
  Condition base;
  base.row = static_cast<int>(rows_.size());
  status = AddConditions(row.when(), row.explains(), row.must_change(), base);
  if (!status.ok()) return status;
  rows_.push_back(row);
  sets_.push_back(sets);
  clears_.push_back(clears);
  return absl::OkStatus();
}

absl::Status Catalogue::Add(const std::string&, const catalogue::Consequence& consequence) {
  Condition base;
  base.consequence = static_cast<int>(consequences_.size());
  const std::optional<Facets> component = FacetsNamed(consequence.follows(), nullptr);
  if (component && (*component & ~kStateFacets) == 0) {
    base.follows = *component;
  } else if (consequence.follows() == "descriptor") {
    base.follows_descriptor = true;
  } else {
    base.follows_mark = MarkOf(consequence.follows());
  }
  absl::Status status = CheckSide(consequence.left());
  if (status.ok()) status = CheckSide(consequence.right());
  if (status.ok()) {
    status = AddConditions(consequence.when(), consequence.explains(), Strings(), base);
  }
  if (!status.ok()) return Invalid(consequence.id() + ": " + std::string(status.message()));
  uint32_t sets = 0;
  for (const std::string& name : consequence.sets()) sets |= MarkOf(name);
  consequences_.push_back(consequence);
  consequence_sets_.push_back(sets);
  return absl::OkStatus();
}

absl::StatusOr<Catalogue> Catalogue::Parse(
    const std::vector<std::pair<std::string, std::string>>& files) {
  Catalogue out;
  for (const auto& [file, text] : files) {
    absl::Status status;
    if (EndsWith(file, "consequences.textproto") || EndsWith(file, "errnos.textproto")) {
      catalogue::Catalogue parsed;
      status = ParseText(file, text, &parsed);
      if (!status.ok()) return status;
      for (const catalogue::Consequence& consequence : parsed.consequence()) {
        status = out.Add(file, consequence);
        if (!status.ok()) return Invalid(file + ": " + std::string(status.message()));
      }
      for (const catalogue::RuleErrno& rule : parsed.rule_errno()) {
        for (const std::string& name : rule.error()) {
          const std::optional<uint32_t> error = traces::ErrnoFromName(name);
          if (!error) return Invalid(file + ": there is no errno '" + name + "'");
          out.errnos_[rule.rule()].push_back(*error);
        }
      }
      continue;
    }
    catalogue::Row row;
    status = ParseText(file, text, &row);
    if (!status.ok()) return status;
    status = out.Add(file, row);
    if (!status.ok()) return Invalid(file + ": " + std::string(status.message()));
  }
  // Rows before consequences; then the more specific, then the order of the files.
  std::stable_sort(out.conditions_.begin(), out.conditions_.end(),
                   [](const Condition& a, const Condition& b) {
                     if ((a.row < 0) != (b.row < 0)) return b.row < 0;
                     return a.specificity > b.specificity;
                   });
  return out;
}

const Catalogue& Catalogue::BuiltIn() {
  static const Catalogue* const kCatalogue = [] {
    absl::StatusOr<Catalogue> parsed = Parse(BuiltInCatalogueFiles());
    if (!parsed.ok()) {
      // Data of the program itself: catalogue_test parses it, so this never meets a user.
      std::cerr << "iovalid: error: built-in catalogue: " << parsed.status().message() << '\n';
      std::abort();
    }
    return new Catalogue(*std::move(parsed));
  }();
  return *kCatalogue;
}

int Catalogue::FindRow(std::string_view id) const {
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].id() == id) return static_cast<int>(i);
  }
  return -1;
}

bool Catalogue::RuleAnswers(std::string_view rule, uint32_t error) const {
  const auto found = errnos_.find(rule);
  return found != errnos_.end() &&
         std::find(found->second.begin(), found->second.end(), error) != found->second.end();
}

Catalogue::Orientation Catalogue::Orient(const catalogue::Side& row_left,
                                         const catalogue::Side& row_right, const Side& left,
                                         const Side& right) {
  if (IsSide(row_left, left) && IsSide(row_right, right)) return Orientation::kStraight;
  if (IsSide(row_left, right) && IsSide(row_right, left)) return Orientation::kSwapped;
  return Orientation::kNo;
}

}  // namespace iovalid::conformance
