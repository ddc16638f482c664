// SPDX-License-Identifier: Apache-2.0
#include "conformance/report_text.h"

#include <algorithm>
#include <utility>

#include "conformance/decode.h"
#include "conformance/printable.h"
#include "conformance/snapshot_diff.h"
#include "fmt/format.h"

namespace iovalid::conformance {
namespace {

constexpr size_t kMostExtents = 12;  // difference lines shown for one component at one call
constexpr size_t kMostDecisive = 8;  // answers listed at the end

std::string Pad(const std::string& text, size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}

std::string ShortCall(const traces::Event& event) {
  if (event.has_ioctl()) {
    std::string name = CommandName(event.ioctl());
    if (name == "VFIO_CHECK_EXTENSION") name += " " + DecodeArgument(event.ioctl());
    return name;
  }
  const std::string call = DecodeCall(event);
  return call.substr(0, call.find('('));
}

// Both answers reduced to what they do not have in common.
void OnlyDifferent(const Answer& left, const Answer& right, std::vector<std::string>* left_lines,
                   std::vector<std::string>* right_lines) {
  Answer l = left, r = right;
  const auto keep_different = [](const DecodedStruct& mine, const DecodedStruct& other,
                                 DecodedStruct* out) {
    out->fields.clear();
    for (const DecodedStruct::Field& field : mine.fields) {
      if (std::find(other.fields.begin(), other.fields.end(), field) == other.fields.end()) {
        out->fields.push_back(field);
      }
    }
    out->parts.clear();
    for (const std::string& part : mine.parts) {
      if (std::find(other.parts.begin(), other.parts.end(), part) == other.parts.end()) {
        out->parts.push_back(part);
      }
    }
  };
  keep_different(left.after, right.after, &l.changed);
  keep_different(right.after, left.after, &r.changed);
  *left_lines = l.Lines();
  *right_lines = r.Lines();
}

}  // namespace

void TextReporter::Begin(const std::string& file, const traces::Header& header, const Side& left,
                         const Side& right) {
  left_name_ = left.Name();
  right_name_ = right.Name();
  capture_ = header.capture();
  const absl::StatusOr<Side> recorded = RecordedSide(header);
  recorded_name_ = recorded.ok() ? recorded->Name() : "";
  name_width_ = std::max({left_name_.size(), right_name_.size(), std::string("resolved").size()});
  printed_seq_ = 0;
  events_ = 0;
  kinds_.clear();
  rows_.clear();
  standing_.clear();
  decisive_.clear();
  out_ << style_.Bold(file) << ": " << DecodeOrigin(header) << ", recorded on kernel "
       << Printable(header.kernel()) << (recorded_name_.empty() ? "" : " as " + recorded_name_)
       << '\n'
       << "  left " << style_.Left(left_name_) << ", right " << style_.Right(right_name_) << '\n';
}

std::string TextReporter::Place(const Position& at) const {
  const std::string step = "#" + std::to_string(at.step);
  return capture_ ? step : std::to_string(at.seq) + step;
}

void TextReporter::PrintSide(const std::string& name, bool is_left, const Answer& answer,
                             const compat::Rule* rule) {
  const std::string padded = Pad(name, name_width_);
  const std::string indent(4 + name_width_ + 2, ' ');
  const std::vector<std::string> lines = answer.Lines();
  out_ << "    " << (is_left ? style_.Left(padded) : style_.Right(padded)) << "  " << lines[0]
       << '\n';
  for (size_t i = 1; i < lines.size(); ++i) out_ << indent << "  " << lines[i] << '\n';
  if (rule == nullptr) return;
  out_ << indent << style_.Dim(fmt::format("{}: {} ({})", rule->function, rule->text, rule->id))
       << '\n';
}

void TextReporter::PrintCall(const Position& at, const traces::Event& event, const Answer& left,
                             const Answer& right, const Differ::Report& report) {
  if (!capture_ && printed_seq_ != at.seq) {
    printed_seq_ = at.seq;
    out_ << '\n'
         << style_.Bold(fmt::format("sequence {} \"{}\"", at.seq, at.sequence_name)) << '\n';
  }
  if (!report.differs() && report.state.empty()) {
    const std::vector<std::string> lines = left.Lines();
    out_ << style_.Dim(Place(at)) << ' ' << DecodeCall(event)
         << (report.left.answered ? " " + lines[0] : "") << '\n';
    return;
  }
  out_ << '\n' << style_.Dim(Place(at)) << ' ' << style_.Bold(DecodeCall(event)) << '\n';
  if (report.outcome_differs) {
    PrintSide(left_name_, true, left, report.left.rule);
    PrintSide(right_name_, false, right, report.right.rule);
  } else if (report.left.answered) {
    out_ << "    " << Pad("both", name_width_) << "  " << left.Lines()[0] << '\n';
  }
}

void TextReporter::PrintState(Differ& differ) {
  const Differ::Report& report = differ.report();
  if (report.state.empty()) return;
  const compat::StateSnapshot left = differ.left().system().Snapshot();
  const compat::StateSnapshot right = differ.right().system().Snapshot();
  for (const StateDiff::Change& change : report.state) {
    const std::string& name = differ.state_diff().Name(change.component);
    std::set<std::string>& standing = standing_[change.component];
    if (change.resolved) {
      standing.clear();
      out_ << "    " << style_.Good(Pad("resolved", name_width_)) << "  " << name
           << " is equal again\n";
      continue;
    }
    const std::vector<std::string> lines =
        DescribeDifference(change.component, left, right, left_name_, right_name_);
    size_t shown = 0, fresh = 0;
    for (const std::string& line : lines) {
      if (standing.count(line) != 0) continue;
      ++fresh;
      if (shown == kMostExtents) continue;
      out_ << "    " << style_.Bad(Pad(shown == 0 ? "state" : "", name_width_)) << "  " << name
           << ": " << line << '\n';
      ++shown;
    }
    if (fresh > shown) {
      out_ << std::string(4 + name_width_ + 2, ' ') << name << ": and " << fresh - shown
           << " more\n";
    }
    if (fresh == 0) {
      out_ << "    " << style_.Bad(Pad("state", name_width_)) << "  " << name
           << ": part of what differed is equal now\n";
    }
    standing = std::set<std::string>(lines.begin(), lines.end());
  }
}

// Which rows account for the difference, and what is left without one.
void TextReporter::PrintLabel(const traces::Event& event, const Label& label) {
  const StructLayout* layout = event.has_ioctl() ? LayoutOfCall(event.ioctl().nr()) : nullptr;
  const Catalogue& catalogue = Catalogue::BuiltIn();
  for (const Label::Part& part : label.parts) {
    const catalogue::Row& row = catalogue.rows()[part.row];
    ++rows_[part.row];
    const std::string what = label.parts.size() == 1 && label.explained()
                                 ? ""
                                 : " [" + FacetNames(part.facets, layout) + "]";
    if (part.consequence >= 0) {
      out_ << "    " << Pad("follows", name_width_) << "  " << style_.Bold(row.id()) << " at #"
           << part.cause.number << ", through "
           << catalogue.consequences()[part.consequence].follows() << what << '\n';
    } else {
      out_ << "    " << Pad("row", name_width_) << "  " << style_.Bold(row.id()) << " ("
           << ClassName(row.class_()) << "): " << row.title() << what << '\n';
    }
  }
  if (label.explained()) return;
  out_ << "    " << style_.Bad(Pad("UNEXPLAINED", name_width_)) << "  "
       << FacetNames(label.unexplained, layout) << '\n';
}

void TextReporter::NoteDecisive(const Position& at, const traces::Event& event, const Answer& left,
                                const Answer& right) {
  Decisive answer;
  answer.place = Place(at);
  answer.call = ShortCall(event);
  answer.event = events_;
  OnlyDifferent(left, right, &answer.left, &answer.right);
  // The same answer again (a second GET_INFO with room for all of it) says more: it replaces the
  // first.
  std::erase_if(decisive_, [&](const Decisive& other) {
    return other.call == answer.call &&
           ((other.left == answer.left && other.right == answer.right) ||
            (other.left.size() <= answer.left.size() && other.right.size() <= answer.right.size()));
  });
  decisive_.push_back(std::move(answer));
}

void TextReporter::Step(const Position& at, const traces::Event& event, Differ& differ,
                        const Label& label) {
  ++events_;
  const Differ::Report& report = differ.report();
  if (event.has_sequence_begin()) standing_.clear();
  if (!report.differs() && report.state.empty() && !all_) return;
  if (event.has_sequence_begin() || event.has_sequence_end()) return;
  const Answer left = AnswerOf(event, report.left);
  const Answer right = AnswerOf(event, report.right);
  if (report.differs() || all_ || !report.state.empty()) {
    PrintCall(at, event, left, right, report);
    PrintState(differ);
  }
  if (!report.differs()) return;
  PrintLabel(event, label);

  Kind kind;
  kind.call = ShortCall(event);
  kind.row = !label.explained() ? "UNEXPLAINED"
                                : (label.is_consequence() ? "after " : "") +
                                      Catalogue::BuiltIn().rows()[label.row()].id();
  if (report.outcome_differs) {
    kind.left = left.result;
    kind.right = right.result;
    kind.what = left.result == right.result ? DifferingParts(left, right) : "";
    if (capture_) NoteDecisive(at, event, left, right);
  } else {
    kind.left = kind.right = left.result;
    for (const StateDiff::Change& change : report.state) {
      if (change.resolved) continue;
      kind.what +=
          (kind.what.empty() ? "state: " : ", ") + differ.state_diff().Name(change.component);
    }
  }
  Tally& tally = kinds_[kind];
  if (tally.count++ == 0) {
    tally.first = Place(at);
    tally.order = kinds_.size();
  }
}

void TextReporter::PrintDecisive() {
  if (decisive_.empty()) return;
  const bool is_side = recorded_name_ == left_name_ || recorded_name_ == right_name_;
  out_ << '\n'
       << style_.Bold("answers that decide how the program goes on") << '\n'
       << "  The recorded program saw " << (is_side ? "those of " + recorded_name_ : "one of them")
       << "; on the other side it may go another way after any of these. Last one first.\n";
  size_t shown = 0;
  for (auto answer = decisive_.rbegin(); answer != decisive_.rend(); ++answer) {
    if (shown++ == kMostDecisive) {
      out_ << "  and " << decisive_.size() - kMostDecisive << " before these\n";
      break;
    }
    out_ << "  " << answer->place << ' ' << answer->call << '\n';
    for (const bool is_left : {true, false}) {
      const std::string name = Pad(is_left ? left_name_ : right_name_, name_width_);
      const std::vector<std::string>& lines = is_left ? answer->left : answer->right;
      for (size_t i = 0; i < lines.size(); ++i) {
        const std::string label = i == 0 ? name : std::string(name_width_, ' ');
        out_ << "    " << (is_left ? style_.Left(label) : style_.Right(label)) << "  "
             << (i == 0 ? "" : "  ") << lines[i] << '\n';
      }
    }
  }
  out_ << "  The recording ends " << events_ - decisive_.back().event
       << " steps after the last of these.\n";
}

void TextReporter::End(const ReplayCounts& counts) {
  out_ << '\n'
       << style_.Bold("summary") << ": " << counts.calls << " calls in " << counts.events
       << " events; ";
  if (counts.differing() == 0) {
    out_ << style_.Good("no difference") << " between " << left_name_ << " and " << right_name_;
  } else {
    out_ << style_.Bad(fmt::format("{} differ", counts.differing())) << " (" << counts.outcome
         << " in what they answer, " << counts.state << " in state only); "
         << counts.differing() - counts.unexplained << " explained by " << rows_.size()
         << (rows_.size() == 1 ? " row, " : " rows, ")
         << (counts.unexplained == 0
                 ? "0 unexplained"
                 : style_.Bad(fmt::format("{} UNEXPLAINED", counts.unexplained)));
  }
  out_ << '\n';
  if (counts.skipped != 0) {
    out_ << "  " << counts.skipped << " events of kinds that are not modelled were passed over\n";
  }
  if (!kinds_.empty()) {
    std::vector<std::pair<Kind, Tally>> rows(kinds_.begin(), kinds_.end());
    std::sort(rows.begin(), rows.end(),
              [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
    size_t call = 4, left = left_name_.size(), right = right_name_.size(), row = 3;
    for (const auto& [kind, tally] : rows) {
      call = std::max(call, kind.call.size());
      left = std::max(left, kind.left.size());
      right = std::max(right, kind.right.size());
      row = std::max(row, kind.row.size());
    }
    out_ << style_.Dim(fmt::format("  {:>6}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<8}  {}", "count",
                                   "call", call, left_name_, left, right_name_, right, "row", row,
                                   "first", "what"))
         << '\n';
    for (const auto& [kind, tally] : rows) {
      std::string line = fmt::format("  {:>6}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {:<8}  {}",
                                     tally.count, kind.call, call, kind.left, left, kind.right,
                                     right, kind.row, row, tally.first, kind.what);
      line.erase(line.find_last_not_of(' ') + 1);
      out_ << line << '\n';
    }
  }
  PrintDecisive();
  out_ << "digest " << counts.digest.ToString() << '\n';
}

}  // namespace iovalid::conformance
