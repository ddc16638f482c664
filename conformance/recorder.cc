// SPDX-License-Identifier: Apache-2.0
#include "conformance/recorder.h"

#include <string>
#include <variant>

namespace iovalid::conformance {
namespace {

std::string Text(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

void RecordIoctl(const IoctlAction& ioctl, const StepResult& result, traces::Outcome* outcome) {
  if (!result.returned_fd) {
    outcome->set_ret(result.ret);
  } else if (ioctl.retfd.named()) {
    outcome->set_returned_fd(true);
  }  // A descriptor that the trace does not name is told by the errno alone.
  if (ioctl.argument == IoctlAction::Argument::kStruct) {
    if (result.out_changed) {
      outcome->set_out(Text(result.out));
    } else {
      outcome->set_out_unchanged(true);
    }
  }
  for (const StepResult::MemAfter& after : result.mem) {
    traces::MemAfter* mem = outcome->add_mem();
    if (after.changed) {
      mem->set_bytes_after(Text(after.bytes));
    } else {
      mem->set_unchanged(true);
    }
  }
  for (const Expectation::Spill& spill : result.spill) {
    traces::Spill* out = outcome->add_spill();
    out->set_addr(spill.addr);
    out->set_after(Text(spill.after));
  }
}

void RecordCharges(uint32_t process, uint64_t vm_lck, uint64_t vm_pin,
                   std::vector<traces::Event>* trace) {
  traces::Event event;
  event.set_task(process);
  event.mutable_observe()->set_vm_lck(vm_lck);
  event.mutable_observe()->set_vm_pin(vm_pin);
  trace->push_back(event);
}

}  // namespace

void Record(const traces::Event& event, const Step& step, const StepResult& result,
            std::vector<traces::Event>* trace) {
  trace->push_back(event);
  traces::Event& recorded = trace->back();
  recorded.clear_verbatim();
  recorded.clear_outcome();
  if (result.answered) {
    traces::Outcome* outcome = recorded.mutable_outcome();
    outcome->set_error(static_cast<uint32_t>(result.err));
    if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
      RecordIoctl(*ioctl, result, outcome);
    } else if (event.has_mdev_pin()) {
      outcome->set_ret(result.ret);
    }
    if (!result.data.empty()) outcome->set_data(Text(result.data));
  }
  // A fresh process owes nothing, and nothing is said about it.
  if (event.has_sequence_begin()) return;
  if (result.charges_changed) RecordCharges(step.process, result.vm_lck, result.vm_pin, trace);
  for (const StepResult::Charge& charge : result.other_charges) {
    RecordCharges(charge.process, charge.vm_lck, charge.vm_pin, trace);
  }
}

}  // namespace iovalid::conformance
