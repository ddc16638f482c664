// SPDX-License-Identifier: Apache-2.0
#include "conformance/verify.h"

#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"
#include "fmt/format.h"

namespace iovalid::conformance {
namespace {

std::string Charges(uint64_t vm_lck, uint64_t vm_pin) {
  return fmt::format("VmLck {} kB, VmPin {} kB", vm_lck, vm_pin);
}

// Keeps the last counted call until its verdict is final, and tells of those that do not match.
class Run {
 public:
  Run(const traces::Header& header, Machine machine,
      const std::function<void(const Mismatch&)>& on_mismatch)
      : header_(header),
        compiler_(header),
        verifier_(std::move(machine), /*compare_spill=*/!header.capture()),
        on_mismatch_(on_mismatch) {}

  absl::Status Event(traces::Event* event);
  void Finish() {
    CheckAbsence();
    verifier_.Finish();
    Tell();
  }
  const Verifier& verifier() const { return verifier_; }
  uint64_t skipped() const { return skipped_; }

 private:
  void Tell();
  // No `observe` came after a step at which the model changed the charges.
  void CheckAbsence();
  absl::Status Observe(const traces::Event& event);
  void NoteCharges(const std::string& expected, const std::string& actual);

  const traces::Header& header_;
  StepCompiler compiler_;
  Verifier verifier_;
  const std::function<void(const Mismatch&)>& on_mismatch_;
  uint64_t skipped_ = 0;
  int64_t seq_ = 0;
  std::string sequence_name_;
  uint64_t step_number_ = 0;
  conformance::Step step_;
  Expectation expected_;

  // The last counted call.
  traces::Event call_;
  conformance::Step call_step_;
  Expectation call_expected_;
  StepResult call_result_;
  uint64_t call_number_ = 0;
  std::vector<std::string> charges_expected_, charges_actual_;
};

void Run::NoteCharges(const std::string& expected, const std::string& actual) {
  const std::string at = step_number_ == call_number_ ? "" : fmt::format(" (at #{})", step_number_);
  charges_expected_.push_back(expected + at);
  charges_actual_.push_back(actual + at);
}

void Run::CheckAbsence() {
  for (const StepResult::Charge& charge : verifier_.open_charges()) {
    NoteCharges("no change of VmLck and VmPin", Charges(charge.vm_lck, charge.vm_pin));
  }
}

// A recorded line of charges.
absl::Status Run::Observe(const traces::Event& event) {
  const uint32_t process = compiler_.ProcessOf(event.task());
  if (process == kNoName) {
    return absl::InvalidArgumentError("observe of a task that is not there");
  }
  const uint64_t lck = event.observe().vm_lck(), pin = event.observe().vm_pin();
  const std::optional<StepResult::Charge> actual = verifier_.Observe(process, lck, pin);
  if (!actual) {
    NoteCharges(Charges(lck, pin), "no change of VmLck and VmPin");
  } else if (actual->vm_lck != lck || actual->vm_pin != pin) {
    NoteCharges(Charges(lck, pin), Charges(actual->vm_lck, actual->vm_pin));
  }
  return absl::OkStatus();
}

void Run::Tell() {
  if (!verifier_.completed()) return;
  const uint32_t bits = verifier_.completed_bits();
  if (bits != 0) {
    Mismatch mismatch{seq_, sequence_name_, call_number_, bits, call_, DecodeCall(call_), {}, {},
                      ""};
    if (call_expected_.view) {
      for (const ViewRun& run : *call_expected_.view) {
        mismatch.expected.push_back(RunText(run, compiler_.handles(), header_));
      }
      for (const ViewRun& run : call_result_.view) {
        mismatch.actual.push_back(RunText(run, compiler_.handles(), header_));
      }
      if (mismatch.expected.empty()) mismatch.expected.push_back("nothing reachable");
      if (mismatch.actual.empty()) mismatch.actual.push_back("nothing reachable");
    } else {
      mismatch.expected = AnswerOf(call_, call_expected_).Lines();
      mismatch.actual = AnswerOf(call_, call_result_).Lines();
    }
    mismatch.expected.insert(mismatch.expected.end(), charges_expected_.begin(),
                             charges_expected_.end());
    mismatch.actual.insert(mismatch.actual.end(), charges_actual_.begin(), charges_actual_.end());
    if (const compat::Rule* rule = call_result_.rule) {
      mismatch.rule = fmt::format("{}: {} ({})", rule->function, rule->text, rule->id);
    }
    on_mismatch_(mismatch);
  }
  charges_expected_.clear();
  charges_actual_.clear();
}

absl::Status Run::Event(traces::Event* event) {
  if (event->has_observe()) return Observe(*event);
  CheckAbsence();
  absl::Status status = compiler_.Compile(*event, &step_, &expected_);
  if (status.ok()) status = verifier_.Run(step_, expected_);
  if (!status.ok()) return status;
  Tell();
  if (event->has_sequence_begin()) {
    seq_ = event->sequence_begin().seq();
    sequence_name_ = Printable(event->sequence_begin().name());
  }
  if (std::holds_alternative<SkippedAction>(step_.action)) ++skipped_;
  step_number_ = event->step();
  if (expected_.view || (step_.IsCall() && expected_.recorded)) {
    call_number_ = step_number_;
    std::swap(call_, *event);
    std::swap(call_step_, step_);
    std::swap(call_expected_, expected_);
    call_result_ = verifier_.result();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifyResult> Verify(traces::EventSource& source, const std::string& file,
                                    const std::function<void(const Mismatch&)>& on_mismatch,
                                    const std::function<void(uint64_t)>& progress) {
  const traces::Header& header = source.header();
  const absl::StatusOr<Side> side = RecordedSide(header);
  if (!side.ok()) return traces::At(file, side.status());
  Machine::Options options;
  options.views = !header.has_dma_view() || header.dma_view();
  absl::StatusOr<Machine> machine = Machine::Create(header, *side, options);
  if (!machine.ok()) return traces::At(file, machine.status());
  Run run(header, *std::move(machine), on_mismatch);
  uint64_t events = 0;
  absl::Status read;
  for (traces::Event& event : traces::Events(source, &read)) {
    if (progress && events % 4096 == 0) progress(events);
    ++events;
    const absl::Status status = run.Event(&event);
    if (!status.ok()) return traces::At(source.Where(), status);
  }
  if (!read.ok()) return read;
  run.Finish();
  return VerifyResult{*side, run.verifier().counts(), run.verifier().digest(), run.skipped()};
}

std::string MismatchText(uint32_t bits) {
  constexpr struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{kMismatchUnmodelled, "unmodelled"},
                {kMismatchRet, "ret"},
                {kMismatchErrno, "errno"},
                {kMismatchOut, "out"},
                {kMismatchMem, "mem"},
                {kMismatchSpill, "spill"},
                {kMismatchView, "dma_view"},
                {kMismatchCharges, "VmLck/VmPin"}};
  std::string out;
  for (const auto& name : kNames) {
    if (bits & name.bit) out += (out.empty() ? "" : ", ") + std::string(name.name);
  }
  return out;
}

}  // namespace iovalid::conformance
