// SPDX-License-Identifier: Apache-2.0
#include "conformance/report/timeline.h"

#include <cstring>
#include <optional>

#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "conformance/printable.h"
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
  size_t NumberOf(const std::string& json) {
    const auto [entry, added] = numbers_.try_emplace(json, all_.size());
    if (added) all_.push_back(&entry->first);
    return entry->second;
  }
  void Write(JsonText* out) const {
    out->Begin('[');
    for (const std::string* json : all_) out->Raw(*json);
    out->End(']');
  }

 private:
  std::map<std::string, size_t> numbers_;
  std::vector<const std::string*> all_;
};

void WriteRanges(const std::vector<compat::StateSnapshot::Range>& ranges, JsonText* out) {
  out->Begin('[');
  for (size_t i = 0; i < std::min(ranges.size(), kMostOther); ++i) {
    out->Begin('[').Add(fmt::format("{:x}", ranges[i].first));
    out->Add(fmt::format("{:x}", ranges[i].last)).End(']');
  }
  out->End(']');
}

// Mappings that follow one another with the same rights are one run.
void WriteMappings(const std::vector<compat::StateSnapshot::Mapping>& mappings, JsonText* out) {
  size_t runs = 0, more = 0;
  out->Key("m").Begin('[');
  for (size_t i = 0; i < mappings.size();) {
    size_t end = i + 1;
    while (end < mappings.size() && mappings[end].rights == mappings[i].rights &&
           mappings[end - 1].last + 1 == mappings[end].first) {
      ++end;
    }
    if (runs++ < kMostRuns) {
      out->Begin('[').Add(fmt::format("{:x}", mappings[i].first));
      out->Add(fmt::format("{:x}", mappings[end - 1].last));
      out->Add(mappings[i].rights).Add(end - i).End(']');
    } else {
      more += end - i;
    }
    i = end;
  }
  out->End(']').Add("n", mappings.size());
  if (more != 0) out->Add("x", more);
}

std::string StateJson(const compat::StateSnapshot& state) {
  JsonText out;
  out.Begin('{');
  WriteMappings(state.mappings, &out);
  out.Key("u");
  WriteRanges(state.usable, &out);
  out.Add("c", state.charged_pages);
  if (state.locked_vm != 0) out.Add("lk", state.locked_vm);
  if (state.pinned_vm != 0) out.Add("pn", state.pinned_vm);
  out.Key("d").Begin('[');
  for (const compat::StateSnapshot::Device& device : state.devices) {
    uint64_t pages = 0;
    for (const compat::StateSnapshot::ReachRun& run : device.reach) pages += run.pages;
    out.Begin('[').Add(device.name).Add(device.attached ? 1 : 0).Add(pages).End(']');
  }
  out.End(']');
  if (!state.dirty.empty()) {
    out.Key("y");
    WriteRanges(state.dirty, &out);
  }
  out.Key("f").Begin('[');
  for (size_t i = 0; i < std::min(state.files.size(), kMostOther); ++i) out.Add(state.files[i]);
  out.End(']').End('}');
  return out.text();
}

bool SameState(const compat::ObservedState& a, const compat::ObservedState& b) {
  if (!(a.mappings == b.mappings && a.usable == b.usable && a.files == b.files &&
        a.dirty == b.dirty && a.charged_pages == b.charged_pages &&
        a.devices.size() == b.devices.size())) {
    return false;
  }
  for (size_t i = 0; i < a.devices.size(); ++i) {
    if (a.devices[i].attached != b.devices[i].attached ||
        !(a.devices[i].reach == b.devices[i].reach)) {
      return false;
    }
  }
  return true;
}

uint64_t Word(const std::string& bytes, size_t at) {
  uint64_t value = 0;
  if (at + sizeof(value) <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// The IOVA range that a call names: {first, bytes}.
std::optional<std::pair<uint64_t, uint64_t>> RangeOf(const traces::Event& event) {
  if (!event.has_ioctl()) return std::nullopt;
  struct Fields {
    std::string_view cmd;
    size_t iova, size;  // offsets
  };
  static constexpr Fields kCalls[] = {{"VFIO_IOMMU_MAP_DMA", 16, 24},
                                      {"VFIO_IOMMU_UNMAP_DMA", 8, 16},
                                      {"IOMMU_IOAS_MAP", 32, 24},
                                      {"IOMMU_IOAS_UNMAP", 8, 16}};
  const std::string_view cmd = CommandOf(event.ioctl());
  for (const Fields& call : kCalls) {
    if (call.cmd != cmd || event.ioctl().in().size() < std::max(call.iova, call.size) + 8) continue;
    return std::pair{Word(event.ioctl().in(), call.iova), Word(event.ioctl().in(), call.size)};
  }
  return std::nullopt;
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
    CloseSequence();
    sequences_.Break().Begin('{').Add("n", sequence_);
    sequences_.Add("seq", event.has_sequence_begin() ? event.sequence_begin().seq() : 0);
    sequences_.Add("name",
                   event.has_sequence_begin() ? event.sequence_begin().name() : std::string());
    sequences_.Key("steps").Begin('[');
    open_ = true;
    return true;
  }

  bool Wanted() const { return selection_.count(sequence_) != 0; }

  std::string Finish(const traces::Header& header) {
    CloseSequence();
    JsonText out;
    out.Begin('{');
    out.Add("left", columns_.first().differ.left().side().Name());
    out.Add("right", columns_.first().differ.right().side().Name());
    out.Key("msi");
    const auto& hardware = header.hardware();
    out.Begin('[');
    if (hardware.has_msi_window()) {
      out.Add(fmt::format("{:x}", hardware.msi_window().first()));
      out.Add(fmt::format("{:x}", hardware.msi_window().last()));
    }
    out.End(']').Key("aperture").Begin('[');
    if (hardware.has_aperture()) {
      out.Add(fmt::format("{:x}", hardware.aperture().first()));
      out.Add(fmt::format("{:x}", hardware.aperture().last()));
    }
    out.End(']');
    out.Break().Key("calls");
    calls_.Write(&out);
    out.Break().Key("outcomes");
    outcomes_.Write(&out);
    out.Break().Key("states");
    states_.Write(&out);
    out.Break().Key("labels");
    labels_.Write(&out);
    out.Break().Key("seqs").Begin('[');
    if (!sequences_.text().empty()) out.Raw(sequences_.text());
    out.End(']').End('}');
    return out.text();
  }

 private:
  void CloseSequence() {
    if (open_) sequences_.End(']').End('}');
    open_ = false;
  }

  size_t StateOf(size_t side) {
    Differ& differ = columns_.first().differ;
    const compat::ObservedState& observed = side == 0 ? differ.left_state() : differ.right_state();
    if (cached_[side].has_value() && SameState(*cached_[side], observed)) return last_[side];
    const Machine& machine = side == 0 ? differ.left() : differ.right();
    last_[side] = states_.NumberOf(StateJson(machine.system().Snapshot()));
    cached_[side] = observed;
    return last_[side];
  }

  size_t OutcomeOf(const traces::Event& event, const StepResult& result) {
    const Answer answer = AnswerOf(event, result);
    JsonText out;
    out.Begin('[').Add(answer.result).Begin('[');
    const std::vector<std::string> lines = answer.Lines();
    for (size_t i = 0; i < lines.size(); ++i) {
      // The first line repeats the result.
      const std::string head = "= " + answer.result;
      std::string line = i == 0 && lines[0].rfind(head, 0) == 0 ? lines[0].substr(head.size())
                                                               : lines[i];
      while (!line.empty() && line[0] == ' ') line.erase(0, 1);
      if (!line.empty()) out.Add(line.size() > 600 ? line.substr(0, 600) + " ..." : line);
    }
    out.End(']');
    if (result.rule != nullptr) {
      out.Add(result.rule->id);
      (*rule_texts_)[result.rule->id] = {result.rule->function, result.rule->text};
    }
    out.End(']');
    return outcomes_.NumberOf(out.text());
  }

  size_t LabelOf(const Label& label, const StructLayout* layout) {
    const Catalogue& catalogue = Catalogue::BuiltIn();
    JsonText out;
    out.Begin('{').Add("u", label.explained() ? "" : FacetNames(label.unexplained, layout));
    out.Key("p").Begin('[');
    for (const Label::Part& part : label.parts) {
      if (part.row < 0) continue;
      out.Begin('[').Add(catalogue.rows()[static_cast<size_t>(part.row)].id());
      out.Add(FacetNames(part.facets, layout));
      if (part.consequence >= 0) {
        const auto& consequence = catalogue.consequences()[static_cast<size_t>(part.consequence)];
        out.Add(consequence.title()).Add(part.cause.number);
      }
      out.End(']');
    }
    out.End(']').End('}');
    return labels_.NumberOf(out.text());
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
    sequences_.Begin('[').Add(number).Add(event.step());
    std::string call = DecodeCall(event);
    if (call.size() > 1200) call = call.substr(0, 1200) + " ...";
    sequences_.Add(calls_.NumberOf(JsonString(call))).Add(flags);
    sequences_.Add(OutcomeOf(event, report.left)).Add(OutcomeOf(event, report.right));
    sequences_.Add(StateOf(0)).Add(StateOf(1));
    // -1: nothing differs.
    sequences_.Add(differs ? static_cast<int64_t>(LabelOf(label, layout)) : int64_t{-1});
    const auto range = RangeOf(event);
    if (range.has_value() || gap_) {
      sequences_.Add(range ? fmt::format("{:x}", range->first) : "");
      sequences_.Add(range ? fmt::format("{:x}", range->second) : "");
    }
    if (gap_) sequences_.Add(before_[0]).Add(before_[1]);
    sequences_.End(']');
    gap_ = false;
  }

  Columns columns_;
  const Selection& selection_;
  std::map<std::string, std::pair<std::string, std::string>>* rule_texts_;
  Table calls_, outcomes_, states_, labels_;
  JsonText sequences_;
  uint32_t sequence_ = 0, event_ = 0;
  bool started_ = false, open_ = false, gap_ = false;
  std::optional<compat::ObservedState> cached_[2];
  size_t last_[2] = {0, 0}, before_[2] = {0, 0};
};

}  // namespace

absl::Status WriteTimeline(
    traces::EventSource& source, Columns columns, const Selection& selection,
    std::map<std::string, std::pair<std::string, std::string>>* rule_texts, std::string* json) {
  StepCompiler compiler(source.header());
  Writer writer(std::move(columns), selection, rule_texts);
  traces::Event event;
  Step step;
  Expectation unused;
  bool started = false;
  while (true) {
    const absl::StatusOr<bool> more = source.Next(&event);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (event.has_observe()) continue;
    if ((event.has_sequence_begin() || !started) && !writer.NextSequence(event)) break;
    started = true;
    absl::Status status = compiler.Compile(event, &step, &unused);
    // A sequence begins afresh, so that one which nothing is wanted of need not run.
    if (status.ok() && writer.Wanted()) status = writer.Event(event, step);
    if (!status.ok()) {
      return absl::Status(status.code(), source.Where() + ": " + std::string(status.message()));
    }
  }
  *json += writer.Finish(source.header());
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::report
