// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/timeline.h"

#include <algorithm>
#include <optional>

#include "conformance/decode.h"
#include "conformance/dma_range.h"
#include "conformance/outcome_text.h"
#include "conformance/report/json_text.h"
#include "conformance/step_compiler.h"
#include "fmt/format.h"

namespace iovalid::conformance::report {
namespace {

constexpr size_t kMostRuns = 48;   // runs of mappings drawn of one state
constexpr size_t kMostOther = 24;  // files, dirty ranges and usable ranges told of one state

// Values that are told once and then by number, in the order in which they came up.
class Table {
 public:
  size_t NumberOf(Json value) {
    const auto [entry, added] = numbers_.try_emplace(JsonText(value), values_.size());
    if (added) values_.push_back(std::move(value));
    return entry->second;
  }
  Json Take() { return std::move(values_); }

 private:
  std::map<std::string, size_t> numbers_;
  Json values_ = Json::array();
};

// "1f000".
std::string HexDigits(uint64_t value) { return fmt::format("{:x}", value); }

Json RangesJson(const std::vector<compat::StateSnapshot::Range>& ranges) {
  Json out = Json::array();
  for (size_t i = 0; i < std::min(ranges.size(), kMostOther); ++i) {
    out.push_back({HexDigits(ranges[i].first), HexDigits(ranges[i].last)});
  }
  return out;
}

// Mappings that follow one another with the same rights are one run.
void AddMappings(const std::vector<compat::StateSnapshot::Mapping>& mappings, Json* out) {
  Json runs = Json::array();
  size_t more = 0;
  for (size_t i = 0; i < mappings.size();) {
    size_t end = i + 1;
    while (end < mappings.size() && mappings[end].rights == mappings[i].rights &&
           mappings[end - 1].last + 1 == mappings[end].first) {
      ++end;
    }
    if (runs.size() < kMostRuns) {
      runs.push_back({HexDigits(mappings[i].first), HexDigits(mappings[end - 1].last),
                      mappings[i].rights, end - i});
    } else {
      more += end - i;
    }
    i = end;
  }
  (*out)["m"] = std::move(runs);
  (*out)["n"] = mappings.size();
  if (more != 0) (*out)["x"] = more;
}

Json StateJson(const compat::StateSnapshot& state) {
  Json out;
  AddMappings(state.mappings, &out);
  out["u"] = RangesJson(state.usable);
  out["c"] = state.charged_pages;
  if (state.locked_vm != 0) out["lk"] = state.locked_vm;
  if (state.pinned_vm != 0) out["pn"] = state.pinned_vm;
  Json& devices = out["d"] = Json::array();
  for (const compat::StateSnapshot::Device& device : state.devices) {
    uint64_t pages = 0;
    for (const compat::StateSnapshot::ReachRun& run : device.reach) pages += run.pages;
    devices.push_back({device.name, device.attached ? 1 : 0, pages});
  }
  if (!state.dirty.empty()) out["y"] = RangesJson(state.dirty);
  Json& files = out["f"] = Json::array();
  for (size_t i = 0; i < std::min(state.files.size(), kMostOther); ++i) {
    files.push_back(state.files[i]);
  }
  return out;
}

class Writer {
 public:
  Writer(Columns columns, const Selection& selection,
         std::map<std::string, std::pair<std::string, std::string>>* rule_texts)
      : columns_(std::move(columns)), selection_(selection), rule_texts_(rule_texts) {}

  // False: nothing is selected from here on.
  absl::Status Event(const traces::Event& event, const Step& step) {
    const absl::Status status = columns_.first().Run(step);
    if (!status.ok()) return status;
    const auto chosen = selection_.find(sequence_);
    const uint32_t number = event_++;
    if (chosen == selection_.end()) return absl::OkStatus();
    if (chosen->second.count(number) == 0) {
      // The state before the next selected step is that after the last one which is not.
      if (chosen->second.count(number + 1) != 0) {
        before_[0] = StateOf(0);
        before_[1] = StateOf(1);
      }
      gap_ = true;
      return absl::OkStatus();
    }
    WriteStep(event, step, number);
    return absl::OkStatus();
  }

  // Starts the next sequence. False: no more is needed.
  bool NextSequence(const traces::Event& event) {
    if (started_) ++sequence_;
    started_ = true;
    event_ = 0;
    gap_ = false;
    for (auto& cached : cached_) cached.reset();
    const auto chosen = selection_.find(sequence_);
    if (selection_.empty() || sequence_ > selection_.rbegin()->first) return false;
    if (chosen == selection_.end()) return true;
    const bool named = event.has_sequence_begin();
    sequences_.push_back({{"n", sequence_},
                          {"seq", named ? event.sequence_begin().seq() : 0},
                          {"name", named ? event.sequence_begin().name() : ""},
                          {"steps", Json::array()}});
    return true;
  }

  bool Wanted() const { return selection_.count(sequence_) != 0; }

  std::string Finish(const traces::Header& header) {
    const traces::Hardware& hardware = header.hardware();
    Json out;
    out["left"] = columns_.first().differ.left().side().Name();
    out["right"] = columns_.first().differ.right().side().Name();
    out["msi"] = Json::array();
    if (hardware.has_msi_window()) {
      out["msi"] = {HexDigits(hardware.msi_window().first()),
                    HexDigits(hardware.msi_window().last())};
    }
    out["aperture"] = Json::array();
    if (hardware.has_aperture()) {
      out["aperture"] = {HexDigits(hardware.aperture().first()),
                         HexDigits(hardware.aperture().last())};
    }
    out["calls"] = calls_.Take();
    out["outcomes"] = outcomes_.Take();
    out["states"] = states_.Take();
    out["labels"] = labels_.Take();
    out["seqs"] = std::move(sequences_);
    return JsonLines(std::move(out));
  }

 private:
  size_t StateOf(size_t side) {
    Differ& differ = columns_.first().differ;
    const compat::ObservedState& observed = side == 0 ? differ.left_state() : differ.right_state();
    if (cached_[side].has_value() && *cached_[side] == observed) return last_[side];
    const Machine& machine = side == 0 ? differ.left() : differ.right();
    last_[side] = states_.NumberOf(StateJson(machine.system().Snapshot()));
    cached_[side] = observed;
    return last_[side];
  }

  size_t OutcomeOf(const traces::Event& event, const StepResult& result) {
    const Answer answer = AnswerOf(event, result);
    Json told = Json::array();
    const std::vector<std::string> lines = answer.Lines();
    for (size_t i = 0; i < lines.size(); ++i) {
      // The first line repeats the result.
      const std::string head = "= " + answer.result;
      std::string line =
          i == 0 && lines[0].rfind(head, 0) == 0 ? lines[0].substr(head.size()) : lines[i];
      while (!line.empty() && line[0] == ' ') line.erase(0, 1);
      if (!line.empty()) told.push_back(line.size() > 600 ? line.substr(0, 600) + " ..." : line);
    }
    Json out = {answer.result, std::move(told)};
    if (result.rule != nullptr) {
      out.push_back(result.rule->id);
      (*rule_texts_)[result.rule->id] = {result.rule->function, result.rule->text};
    }
    return outcomes_.NumberOf(std::move(out));
  }

  size_t LabelOf(const Label& label, const StructLayout* layout) {
    const Catalogue& catalogue = Catalogue::BuiltIn();
    Json parts = Json::array();
    for (const Label::Part& part : label.parts) {
      if (part.row < 0) continue;
      Json& out = parts.emplace_back(Json::array());
      out.push_back(catalogue.rows()[static_cast<size_t>(part.row)].id());
      out.push_back(FacetNames(part.facets, layout));
      if (part.consequence >= 0) {
        const auto& consequence = catalogue.consequences()[static_cast<size_t>(part.consequence)];
        out.push_back(consequence.title());
        out.push_back(part.cause.number);
      }
    }
    return labels_.NumberOf({{"u", label.explained() ? "" : FacetNames(label.unexplained, layout)},
                             {"p", std::move(parts)}});
  }

  void WriteStep(const traces::Event& event, const Step& step, uint32_t number) {
    const Differ::Report& report = columns_.first().differ.report();
    const Label& label = columns_.first().label;
    const bool differs = report.differs();
    bool resolved = false;
    for (const StateDiff::Change& change : report.state) resolved |= change.resolved;
    const unsigned flags = (step.IsCall() ? 1u : 0) | (report.outcome_differs ? 2u : 0) |
                           (report.state_differs() ? 4u : 0) | (resolved ? 8u : 0) |
                           (differs && !label.explained() ? 16u : 0) |
                           (differs && label.is_consequence() ? 32u : 0) |
                           (report.left.answered ? 64u : 0);
    const StructLayout* layout = event.has_ioctl() ? LayoutOfCall(event.ioctl().nr()) : nullptr;
    std::string call = DecodeCall(event);
    if (call.size() > 1200) call = call.substr(0, 1200) + " ...";
    Json out = {number,
                event.step(),
                calls_.NumberOf(std::move(call)),
                flags,
                OutcomeOf(event, report.left),
                OutcomeOf(event, report.right),
                StateOf(0),
                StateOf(1)};
    // -1: nothing differs.
    out.push_back(differs ? static_cast<int64_t>(LabelOf(label, layout)) : int64_t{-1});
    const std::optional<DmaRange> range = DmaRangeOf(step);
    if (range.has_value() || gap_) {
      out.push_back(range ? HexDigits(range->first) : "");
      out.push_back(range ? HexDigits(range->size) : "");
    }
    if (gap_) {
      out.push_back(before_[0]);
      out.push_back(before_[1]);
    }
    sequences_.back()["steps"].push_back(std::move(out));
    gap_ = false;
  }

  Columns columns_;
  const Selection& selection_;
  std::map<std::string, std::pair<std::string, std::string>>* rule_texts_;
  Table calls_, outcomes_, states_, labels_;
  Json sequences_ = Json::array();
  uint32_t sequence_ = 0, event_ = 0;
  bool started_ = false, gap_ = false;
  std::optional<compat::ObservedState> cached_[2];
  size_t last_[2] = {0, 0}, before_[2] = {0, 0};
};

}  // namespace

absl::Status WriteTimeline(traces::EventSource& source, Columns columns, const Selection& selection,
                           std::map<std::string, std::pair<std::string, std::string>>* rule_texts,
                           std::string* json) {
  StepCompiler compiler(source.header());
  Writer writer(std::move(columns), selection, rule_texts);
  Step step;
  Expectation unused;
  bool started = false;
  absl::Status read;
  for (const traces::Event& event : traces::Events(source, &read)) {
    if (event.has_observe()) continue;
    if ((event.has_sequence_begin() || !started) && !writer.NextSequence(event)) break;
    started = true;
    absl::Status status = compiler.Compile(event, &step, &unused);
    // A sequence begins afresh, so that one which nothing is wanted of need not run.
    if (status.ok() && writer.Wanted()) status = writer.Event(event, step);
    if (!status.ok()) return traces::At(source.Where(), status);
  }
  if (!read.ok()) return read;
  *json += writer.Finish(source.header());
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::report
