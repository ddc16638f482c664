// SPDX-License-Identifier: Apache-2.0
#include "conformance/differ.h"

#include <string>
#include <utility>
#include <variant>

#include "conformance/printable.h"

namespace iovalid::conformance {
namespace {

std::vector<std::string> DeviceNames(const Machine& machine) {
  std::vector<std::string> names;
  for (const compat::DeviceConfig& device : machine.system().config().devices) {
    names.push_back(Printable(device.name));
  }
  return names;
}

}  // namespace

Differ::Differ(Machine left, Machine right)
    : left_(std::move(left)), right_(std::move(right)), state_diff_(DeviceNames(left_)) {
  report_.left = &left_result_;
  report_.right = &right_result_;
}

Differ::Differ(const Differ& other)
    : left_(other.left_),
      right_(other.right_),
      state_diff_(other.state_diff_),
      left_result_(other.left_result_),
      right_result_(other.right_result_),
      left_state_(other.left_state_),
      right_state_(other.right_state_),
      report_(other.report_),
      digest_(other.digest_) {
  report_.left = &left_result_;
  report_.right = &right_result_;
}

Differ& Differ::operator=(const Differ& other) {
  if (this == &other) return *this;
  left_ = other.left_;
  right_ = other.right_;
  state_diff_ = other.state_diff_;
  left_result_ = other.left_result_;
  right_result_ = other.right_result_;
  left_state_ = other.left_state_;
  right_state_ = other.right_state_;
  report_ = other.report_;
  report_.left = &left_result_;
  report_.right = &right_result_;
  digest_ = other.digest_;
  return *this;
}

absl::Status Differ::Run(const Step& step) {
  absl::Status status = left_.Run(step, &left_result_);
  if (status.ok()) status = right_.Run(step, &right_result_);
  report_.outcome_differs = !left_result_.SameOutcome(right_result_);
  if (std::holds_alternative<BeginAction>(step.action)) state_diff_.Reset();
  left_.system().Observe(&left_state_);
  right_.system().Observe(&right_state_);
  state_diff_.Compare(left_state_, right_state_, &report_.state);
  Machine::AddToDigest(left_result_, left_state_, &digest_);
  Machine::AddToDigest(right_result_, right_state_, &digest_);
  return status;
}

}  // namespace iovalid::conformance
