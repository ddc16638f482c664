// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/shrink_trace.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "conformance/catalogue/facets.h"
#include "conformance/search/drop_pieces.h"
#include "conformance/step_compiler.h"

namespace iovalid::conformance::search {
namespace {

// An event and what it is compiled to.
struct Item {
  traces::Event event;
  Step step;
  bool stays = false;  // the begin, and what makes processes
};

struct Goal {
  Signature signature;
  int row = Cause::kUnexplained;
  bool explained = false;
};

class Shrinker {
 public:
  Shrinker(StepCompiler* compiler, const Node& start, std::vector<Item> items, const Goal& goal)
      : compiler_(*compiler), start_(start), items_(std::move(items)), goal_(goal) {}

  // The last item is the goal.
  void DropItems() {
    DropPieces(
        &items_, 1, [this](const std::vector<Item>& fewer) { return Keeps(fewer); },
        [](const Item& item) { return item.stays; });
  }

  void SimplifyFields() {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (!items_[i].event.has_ioctl() || !items_[i].event.ioctl().has_in()) continue;
      const StructLayout* layout = LayoutOfCall(items_[i].event.ioctl().nr());
      if (layout == nullptr) continue;
      for (const FieldLayout& field : layout->fields) {
        if (field.offset + field.width <= items_[i].event.ioctl().in().size()) {
          SimplifyField(i, field);
        }
      }
    }
  }

  const std::vector<Item>& items() const { return items_; }
  uint64_t runs() const { return runs_; }

 private:
  bool Keeps(const std::vector<Item>& items) {
    ++runs_;
    Node node = start_;
    const Label* label = nullptr;
    for (const Item& item : items) {
      if (!node.differ.Run(item.step).ok()) return false;
      label = &node.labeller.Observe(item.step, node.differ);
    }
    return label->differing != 0 && label->explained() == goal_.explained &&
           label->row() == goal_.row &&
           MakeSignature(items.back().step, node.differ.report(), label->differing) ==
               goal_.signature;
  }

  bool Try(size_t i, const FieldLayout& field, uint64_t value) {
    const Item before = items_[i];
    std::string in = before.event.ioctl().in();
    std::memcpy(&in[field.offset], &value, field.width);
    items_[i].event.mutable_ioctl()->set_in(in);
    Expectation unused;
    if (compiler_.Compile(items_[i].event, &items_[i].step, &unused).ok() && Keeps(items_)) {
      return true;
    }
    items_[i] = before;
    return false;
  }

  void SimplifyField(size_t i, const FieldLayout& field) {
    uint64_t value = 0;
    std::memcpy(&value, &items_[i].event.ioctl().in()[field.offset], field.width);
    for (const uint64_t simpler : {uint64_t{0}, uint64_t{1}, uint64_t{4096}}) {
      if (value == simpler) return;
      if (simpler < value && Try(i, field, simpler)) return;
    }
    // Whole pages stay whole pages.
    while (value > 4096) {
      const uint64_t half = value % 4096 == 0 ? value / 2 & ~uint64_t{4095} : value / 2;
      if (!Try(i, field, half)) return;
      value = half;
    }
  }

  StepCompiler& compiler_;
  const Node& start_;
  std::vector<Item> items_;
  Goal goal_;
  uint64_t runs_ = 0;
};

bool MakesProcesses(const traces::Event& event) {
  return event.has_fork() || event.has_exec() || event.has_exit();
}

}  // namespace

absl::StatusOr<ShrunkTrace> ShrinkTrace(traces::EventSource& source, const Side& left,
                                        const Side& right, const ShrinkGoal& goal) {
  auto a = Machine::Create(source.header(), left, {.views = false});
  auto b = Machine::Create(source.header(), right, {.views = false});
  if (!a.ok()) return a.status();
  if (!b.ok()) return b.status();
  const Node start{Differ(*std::move(a), *std::move(b)),
                   Labeller(Catalogue::BuiltIn(), left, right)};
  Node node = start;
  StepCompiler compiler(source.header());
  // The sequence so far, and the best one that ends in a difference.
  std::vector<Item> items, chosen;
  Goal found;
  absl::Status read;
  for (const traces::Event& event : traces::Events(source, &read)) {
    if (event.has_observe() || event.has_dma_view() || event.has_sequence_end()) continue;
    if (event.has_sequence_begin()) items.clear();
    Item item{event, {}, event.has_sequence_begin() || MakesProcesses(event)};
    Expectation unused;
    absl::Status status = compiler.Compile(event, &item.step, &unused);
    if (status.ok()) status = node.differ.Run(item.step);
    if (!status.ok()) return traces::At(source.Where(), status);
    items.push_back(item);
    const Label& label = node.labeller.Observe(item.step, node.differ);
    if (label.differing == 0) continue;
    const bool wanted =
        goal.step ? *goal.step == event.step() : !label.explained() || chosen.empty();
    if (!wanted) continue;
    chosen = items;
    found = {MakeSignature(item.step, node.differ.report(), label.differing), label.row(),
             label.explained()};
    if (goal.step || !label.explained()) break;
  }
  if (!read.ok()) return read;
  if (chosen.empty()) {
    return absl::NotFoundError(goal.step ? "step " + std::to_string(*goal.step) + " does not differ"
                                         : std::string("nothing differs"));
  }
  ShrunkTrace out;
  const auto calls = [](const std::vector<Item>& of) {
    return static_cast<uint64_t>(
        std::count_if(of.begin(), of.end(), [](const Item& item) { return item.step.IsCall(); }));
  };
  out.calls_before = calls(chosen);
  Shrinker shrinker(&compiler, start, std::move(chosen), found);
  shrinker.DropItems();
  shrinker.SimplifyFields();
  shrinker.DropItems();
  out.calls = calls(shrinker.items());
  out.runs = shrinker.runs();
  out.signature = found.signature;
  node = start;
  for (const Item& item : shrinker.items()) {
    (void)node.differ.Run(item.step);
    out.label = node.labeller.Observe(item.step, node.differ);
    out.events.push_back(item.event);
  }
  const int64_t sequence = out.events[0].sequence_begin().seq();
  out.events.emplace_back().mutable_sequence_end()->set_seq(sequence);
  return out;
}

}  // namespace iovalid::conformance::search
