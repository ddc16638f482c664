// SPDX-License-Identifier: Apache-2.0
#include "conformance/verifier.h"

#include <cstddef>
#include <string_view>
#include <variant>

namespace iovalid::conformance {
namespace {

// The struct as recorded against the struct as it came out: both may be "as before".
bool SameOut(const IoctlAction& ioctl, const Expectation& expected, const StepResult& actual) {
  if (!expected.out_recorded) return true;
  if (expected.out_unchanged) return !actual.out_changed;
  return expected.out == (actual.out_changed ? actual.out : ioctl.in);
}

bool SameMem(const IoctlAction& ioctl, const Expectation& expected, const StepResult& actual) {
  if (expected.mem.size() != actual.mem.size()) return expected.mem.empty();
  for (size_t i = 0; i < expected.mem.size(); ++i) {
    const Bytes& before = ioctl.mem[i].before;
    const Bytes& want = expected.mem[i].unchanged ? before : expected.mem[i].bytes;
    const Bytes& have = actual.mem[i].changed ? actual.mem[i].bytes : before;
    if (want != have) return false;
  }
  return true;
}

bool SameSpill(const Expectation& expected, const StepResult& actual) {
  if (expected.spill.size() != actual.spill.size()) return false;
  for (size_t i = 0; i < expected.spill.size(); ++i) {
    if (expected.spill[i].addr != actual.spill[i].addr ||
        expected.spill[i].after != actual.spill[i].after) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool IsUnmodelled(const compat::Rule* rule) {
  return rule != nullptr && std::string_view(rule->id).substr(0, 11) == "unmodelled.";
}

bool SameView(const std::vector<ViewRun>& expected, const std::vector<ViewRun>& actual) {
  size_t next = 0;
  for (const ViewRun& want : expected) {
    if (next == actual.size()) return false;
    if (want.what != ViewRun::What::kSomePage) {
      if (!(want == actual[next])) return false;
      ++next;
      continue;
    }
    uint64_t iova = want.iova, left = want.len;
    while (left != 0) {
      if (next == actual.size()) return false;
      const ViewRun& have = actual[next];
      if (have.iova != iova || have.len > left || have.rights != want.rights) return false;
      iova += have.len;
      left -= have.len;
      ++next;
    }
  }
  return next == actual.size();
}

uint32_t CompareOutcome(const Step& step, const Expectation& expected, const StepResult& actual,
                        bool compare_spill) {
  uint32_t bits = 0;
  if (IsUnmodelled(actual.rule)) bits |= kMismatchUnmodelled;
  if (static_cast<uint32_t>(actual.err) != expected.error) bits |= kMismatchErrno;
  if (std::holds_alternative<DriverAction>(step.action)) {
    if (expected.ret && *expected.ret != actual.ret) bits |= kMismatchRet;
    if (expected.data && *expected.data != actual.data) bits |= kMismatchMem;
  }
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr) return bits;
  if (expected.returned_fd) {
    // A recording without a name for the descriptor says so all the same.
    if (actual.err != sim::Errno::kOk || actual.ret < 0) bits |= kMismatchRet;
  } else if (expected.ret && *expected.ret != actual.ret) {
    bits |= kMismatchRet;
  }
  if (!SameOut(*ioctl, expected, actual)) bits |= kMismatchOut;
  if (!SameMem(*ioctl, expected, actual)) bits |= kMismatchMem;
  if (compare_spill && !SameSpill(expected, actual)) bits |= kMismatchSpill;
  return bits;
}

VerifyCounts& VerifyCounts::operator+=(const VerifyCounts& other) {
  calls += other.calls;
  match += other.match;
  mismatch += other.mismatch;
  unmodelled += other.unmodelled;
  return *this;
}

void Verifier::FinishStep() {
  if (!charges_open_.empty()) pending_bits_ |= kMismatchCharges;
  charges_open_.clear();
}

void Verifier::FinishCall() {
  if (!pending_) return;
  ++counts_.calls;
  if (pending_bits_ == 0) {
    ++counts_.match;
  } else {
    ++counts_.mismatch;
    if (pending_bits_ & kMismatchUnmodelled) ++counts_.unmodelled;
  }
  completed_ = true;
  completed_bits_ = pending_bits_;
  pending_ = false;
  pending_bits_ = 0;
}

absl::Status Verifier::Run(const Step& step, const Expectation& expected) {
  FinishStep();
  completed_ = false;
  const bool counted = expected.view.has_value() || (step.IsCall() && expected.recorded);
  const bool boundary = std::holds_alternative<BeginAction>(step.action) ||
                        std::holds_alternative<EndAction>(step.action);
  if (counted || boundary) FinishCall();

  const absl::Status status = machine_.Run(step, &result_);
  if (!status.ok()) return status;
  if (!boundary) {
    charges_open_ = result_.other_charges;
    if (result_.charges_changed) {
      charges_open_.push_back({step.process, result_.vm_lck, result_.vm_pin});
    }
  }
  machine_.system().Observe(&state_);
  Machine::AddToDigest(result_, state_, &digest_);
  if (!counted) return absl::OkStatus();
  pending_ = true;
  if (expected.view) {
    pending_bits_ = 0;
    if (!SameView(*expected.view, result_.view) &&
        !SameView(machine_.WithoutGoneNames(*expected.view), result_.view)) {
      pending_bits_ = kMismatchView;
    }
  } else {
    pending_bits_ = CompareOutcome(step, expected, result_, compare_spill_);
  }
  return absl::OkStatus();
}

std::optional<StepResult::Charge> Verifier::Observe(uint32_t process, uint64_t vm_lck,
                                                    uint64_t vm_pin) {
  for (size_t i = 0; i < charges_open_.size(); ++i) {
    const StepResult::Charge charge = charges_open_[i];
    if (charge.process != process) continue;
    charges_open_.erase(charges_open_.begin() + static_cast<std::ptrdiff_t>(i));
    if (charge.vm_lck != vm_lck || charge.vm_pin != vm_pin) pending_bits_ |= kMismatchCharges;
    return charge;
  }
  pending_bits_ |= kMismatchCharges;
  return std::nullopt;
}

void Verifier::Finish() {
  completed_ = false;
  FinishStep();
  FinishCall();
}

}  // namespace iovalid::conformance
