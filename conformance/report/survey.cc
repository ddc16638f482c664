// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/survey.h"

#include <algorithm>
#include <unordered_map>
#include <variant>

#include "compat/abi/vfio.h"
#include "conformance/decode.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"
#include "traces/errno_names.h"

namespace iovalid::conformance::report {
namespace {

constexpr size_t kMostMarks = 64;  // of one sequence

// A matrix key in numbers and addresses: made for each call, so it holds no strings. It is looked up
// only; the strings that it stands for are what is sorted and told.
struct RawKey {
  struct Cell {
    const compat::Rule* rule = nullptr;
    uint32_t error = 0;
    int32_t value = 0;  // -1: a descriptor
    bool operator==(const Cell&) const = default;
  };
  uint32_t call = 0;
  int64_t argument = 0;  // of CHECK_EXTENSION
  bool consequence = false;
  std::array<Cell, kColumns.size()> cells;
  std::vector<int> labels;  // sorted
  bool operator==(const RawKey&) const = default;
};

struct RawHash {
  size_t operator()(const RawKey& key) const {
    uint64_t hash = key.call * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(key.argument) * 31 +
                    (key.consequence ? 1 : 0);
    const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0xff51afd7ed558ccd + 1; };
    for (const RawKey::Cell& cell : key.cells) {
      add(reinterpret_cast<uintptr_t>(cell.rule));
      add(cell.error * 0x10001ull + static_cast<uint32_t>(cell.value));
    }
    for (const int label : key.labels) add(static_cast<uint64_t>(label));
    return hash ^ hash >> 29;
  }
};

std::string CallName(const traces::Event& event) {
  if (event.has_ioctl()) {
    std::string name = CommandName(event.ioctl());
    if (event.ioctl().nr() == compat::abi::kVfioCheckExtension) name += " " + DecodeArgument(event.ioctl());
    return name;
  }
  const std::string call = DecodeCall(event);
  return call.substr(0, call.find('('));
}

class Surveyor {
 public:
  Surveyor(uint32_t file, Columns columns, FileInfo* info, Survey* survey)
      : file_(file), columns_(std::move(columns)), info_(info), survey_(survey) {}

  absl::Status Event(const traces::Event& event, const Step& step) {
    if (event.has_sequence_begin() || info_->sequences.empty()) BeginSequence(event);
    SequenceInfo& sequence = info_->sequences.back();
    const absl::Status status = columns_.Run(step);
    if (!status.ok()) return status;
    ++info_->events;
    place_.event = sequence.events++;
    if (std::holds_alternative<SkippedAction>(step.action)) ++info_->skipped;
    if (step.IsCall()) {
      ++info_->calls;
      ++sequence.calls;
    }
    place_.calls = sequence.calls;
    const bool differs = Differences(&sequence);
    if (step.IsCall() || differs) Count(event, step);
    return absl::OkStatus();
  }

  void Finish() {
    for (const auto& [key, entry] : raw_) {
      MatrixKey named{names_[&key].first, names_[&key].second, {}, {}, key.consequence};
      for (size_t i = 0; i < kColumns.size(); ++i) {
        const RawKey::Cell& cell = key.cells[i];
        if (cell.value == kAbsent) continue;
        Verdict& verdict = named.verdicts[i];
        verdict.ran = true;
        verdict.result = cell.error != 0    ? traces::ErrnoToName(cell.error)
                         : cell.value == -1 ? "fd"
                                            : std::to_string(cell.value);
        if (cell.rule != nullptr) verdict.rule = cell.rule->id;
        if (cell.rule == nullptr) continue;
        survey_->rule_texts[cell.rule->id] = {cell.rule->function, cell.rule->text};
        survey_->rules[{cell.rule->id, cell.error == 0 ? "0" : verdict.result}][i] += entry.count;
      }
      named.labels.insert(key.labels.begin(), key.labels.end());
      MatrixEntry& place = survey_->matrix[named];
      if (place.count == 0 || entry.shortest.Before(place.shortest)) {
        place.shortest = entry.shortest;
      }
      place.count += entry.count;
    }
  }

 private:
  static constexpr int32_t kAbsent = -2;

  // The pair is type1 and compat of one kernel: the catalogue accounts for whatever differs there. It
  // knows some changes from kernel to kernel, but does not claim to know all.
  bool IsComparison(size_t pair) { return !info_->native && pair < 2; }

  void BeginSequence(const traces::Event& event) {
    SequenceInfo info;
    if (event.has_sequence_begin()) {
      info.seq = event.sequence_begin().seq();
      info.name = Printable(event.sequence_begin().name());
    }
    info_->sequences.push_back(info);
    place_ = {file_, static_cast<uint32_t>(info_->sequences.size() - 1), 0, 0};
    shown_.clear();
  }

  // Notes what the pairs differ in. True where one does.
  bool Differences(SequenceInfo* sequence) {
    bool differs = false, mark = false;
    for (size_t i = 0; i < columns_.pairs().size(); ++i) {
      ColumnPair& pair = columns_.pairs()[i];
      if (!pair.differ.report().differs()) continue;
      differs = true;
      if (i == 0) {
        ++sequence->differing;
        ++info_->differing;
        if (!pair.label.explained() && IsComparison(i)) {
          ++sequence->unexplained;
          ++info_->unexplained;
          mark = true;
        }
      }
      for (const Label::Part& part : pair.label.parts) {
        if (part.consequence >= 0) continue;
        RowSeen& seen = survey_->rows[part.row];
        if (seen.steps++ == 0 || place_.Before(seen.first)) seen.first = place_;
        if (i == 0) {
          ++info_->rows[part.row];
          mark = mark || shown_.insert(part.row).second;
        }
      }
    }
    if (mark && sequence->marks.size() < kMostMarks) sequence->marks.push_back(place_.event);
    return differs;
  }

  void Count(const traces::Event& event, const Step& step) {
    RawKey& key = scratch_;
    key.call = CallOf(step);
    key.argument = 0;
    if (event.has_ioctl()) {
      key.call = event.ioctl().nr();
      if (key.call == compat::abi::kVfioCheckExtension) key.argument = event.ioctl().integer();
    }
    key.consequence = false;
    key.labels.clear();
    for (RawKey::Cell& cell : key.cells) cell = {nullptr, 0, kAbsent};
    for (size_t i = 0; i < columns_.pairs().size(); ++i) {
      ColumnPair& pair = columns_.pairs()[i];
      const Differ::Report& report = pair.differ.report();
      const StepResult* results[] = {&report.left, &report.right};
      for (size_t side = 0; side < 2; ++side) {
        if (pair.columns[side] == kNoColumn || !results[side]->answered) continue;
        key.cells[pair.columns[side]] = CellOf(*results[side], key.call == compat::abi::kVfioCheckExtension);
      }
      if (!report.differs()) continue;
      if (!pair.label.explained()) {
        if (IsComparison(i)) key.labels.push_back(MatrixKey::kUnexplained);
      } else if (pair.label.is_consequence()) {
        key.consequence = true;
      } else {
        key.labels.push_back(pair.label.row());
      }
    }
    std::sort(key.labels.begin(), key.labels.end());
    key.labels.erase(std::unique(key.labels.begin(), key.labels.end()), key.labels.end());
    // What merely follows is one kind whatever it is: it tells of the trace, not of the call.
    const auto [entry, added] = raw_.try_emplace(key);
    if (added) {
      // Commands by their numbers, then what has no name, then what is no ioctl.
      uint32_t order = ~0u;
      if (event.has_ioctl()) {
        order = event.ioctl().nr();
        if (CommandOf(event.ioctl()).empty()) order |= 1u << 31;
      }
      names_[&entry->first] = {order, CallName(event)};
    }
    if (entry->second.count++ == 0 || place_.Before(entry->second.shortest)) {
      entry->second.shortest = place_;
    }
  }

  static RawKey::Cell CellOf(const StepResult& result, bool with_value) {
    const auto error = static_cast<uint32_t>(result.err);
    int32_t value = 0;
    if (error == 0 && result.returned_fd) value = -1;
    if (error == 0 && with_value) value = static_cast<int32_t>(result.ret & 0xffff);
    return {result.rule, error, value};
  }

  uint32_t file_;
  Columns columns_;
  FileInfo* info_;
  Survey* survey_;
  Place place_;
  std::set<int> shown_;  // rows of the sequence so far
  RawKey scratch_;
  std::unordered_map<RawKey, MatrixEntry, RawHash> raw_;
  std::map<const RawKey*, std::pair<uint32_t, std::string>> names_;
};

}  // namespace

void Survey::Merge(const Survey& other) {
  for (const auto& [key, entry] : other.matrix) {
    MatrixEntry& mine = matrix[key];
    if (mine.count == 0 || entry.shortest.Before(mine.shortest)) mine.shortest = entry.shortest;
    mine.count += entry.count;
  }
  for (const auto& [row, seen] : other.rows) {
    RowSeen& mine = rows[row];
    if (mine.steps == 0 || seen.first.Before(mine.first)) mine.first = seen.first;
    mine.steps += seen.steps;
  }
  for (const auto& [rule, counts] : other.rules) {
    auto& mine = rules[rule];
    for (size_t i = 0; i < counts.size(); ++i) mine[i] += counts[i];
  }
  rule_texts.insert(other.rule_texts.begin(), other.rule_texts.end());
}

absl::Status SurveyTrace(traces::EventSource& source, uint32_t file, Columns columns,
                         FileInfo* info, Survey* survey) {
  const traces::Header& header = source.header();
  info->origin = DecodeOrigin(header);
  info->kernel = Printable(header.kernel());
  info->capture = header.capture();
  info->native = header.mode() == traces::NATIVE;
  info->left = columns.first().differ.left().side().Name();
  info->right = columns.first().differ.right().side().Name();
  StepCompiler compiler(header);
  Surveyor surveyor(file, std::move(columns), info, survey);
  Step step;
  Expectation unused;
  absl::Status read;
  for (const traces::Event& event : traces::Events(source, &read)) {
    if (event.has_observe()) continue;
    absl::Status status = compiler.Compile(event, &step, &unused);
    if (status.ok()) status = surveyor.Event(event, step);
    if (!status.ok()) return traces::At(source.Where(), status);
  }
  if (!read.ok()) return read;
  surveyor.Finish();
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::report
