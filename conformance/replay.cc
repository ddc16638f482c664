// SPDX-License-Identifier: Apache-2.0
#include "conformance/replay.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "conformance/machine.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"

namespace iovalid::conformance {

absl::StatusOr<ReplayCounts> Replay(traces::EventSource& source, const std::string& file,
                                    const Side& left_side, const Side& right_side,
                                    ReplayReporter* reporter,
                                    const std::function<void(uint64_t)>& progress) {
  const traces::Header& header = source.header();
  Side left = left_side, right = right_side;
  FitToTrace(header, &left, &right);
  const Machine::Options options{.views = false};
  absl::StatusOr<Machine> left_machine = Machine::Create(header, left, options);
  if (!left_machine.ok()) return traces::At(file, left_machine.status());
  absl::StatusOr<Machine> right_machine = Machine::Create(header, right, options);
  if (!right_machine.ok()) return traces::At(file, right_machine.status());
  Differ differ(*std::move(left_machine), *std::move(right_machine));
  StepCompiler compiler(header);
  Labeller labeller(Catalogue::BuiltIn(), left, right);

  ReplayCounts counts;
  Position at;
  Step step;
  Expectation unused;
  reporter->Begin(file, header, left, right);
  absl::Status read;
  for (const traces::Event& event : traces::Events(source, &read)) {
    if (progress && counts.events % 4096 == 0) progress(counts.events);
    ++counts.events;
    if (event.has_observe()) continue;
    if (event.has_sequence_begin()) {
      at.seq = event.sequence_begin().seq();
      at.sequence_name = Printable(event.sequence_begin().name());
      at.step = 0;
    }
    if (event.has_step()) at.step = event.step();
    absl::Status status = compiler.Compile(event, &step, &unused);
    if (status.ok()) status = differ.Run(step);
    if (!status.ok()) return traces::At(source.Where(), status);
    if (step.IsCall()) ++counts.calls;
    if (std::holds_alternative<SkippedAction>(step.action)) ++counts.skipped;
    if (differ.report().outcome_differs) {
      ++counts.outcome;
    } else if (differ.report().state_differs()) {
      ++counts.state;
    }
    const Label& label = labeller.Observe(step, differ);
    if (differ.report().differs() && !label.explained()) ++counts.unexplained;
    reporter->Step(at, event, differ, label);
  }
  if (!read.ok()) return read;
  counts.digest = differ.digest();
  reporter->End(counts);
  return counts;
}

}  // namespace iovalid::conformance
