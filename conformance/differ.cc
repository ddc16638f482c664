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
    : left_(std::move(left)), right_(std::move(right)), state_diff_(DeviceNames(left_)) {}

absl::Status Differ::Run(const Step& step) {
  absl::Status status = left_.Run(step, &report_.left);
  if (status.ok()) status = right_.Run(step, &report_.right);
  report_.outcome_differs = !report_.left.SameOutcome(report_.right);
  if (std::holds_alternative<BeginAction>(step.action)) state_diff_.Reset();
  left_.system().Observe(&left_state_);
  right_.system().Observe(&right_state_);
  state_diff_.Compare(left_state_, right_state_, &report_.state);
  Machine::AddToDigest(report_.left, left_state_, &digest_);
  Machine::AddToDigest(report_.right, right_state_, &digest_);
  return status;
}

}  // namespace iovalid::conformance
