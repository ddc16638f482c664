// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite/kernel.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <variant>

#include "compat/errno_matcher.h"
#include "conformance/outcome_text.h"
#include "conformance/recorder.h"
#include "conformance/search/call_builder.h"

namespace iovalid::conformance::suite {
namespace {

traces::Header HeaderFor(const Side& side) {
  traces::Header header = search::SearchHeader(HeaderMode(side.mode));
  header.set_kernel(std::string(side.profile->release));
  header.set_uname(std::string(side.profile->release));
  header.set_family("suite");
  return header;
}

Machine MachineFor(const traces::Header& header, const Side& side) {
  auto machine = Machine::Create(header, side);
  if (!machine.ok()) {
    ADD_FAILURE() << machine.status();
    std::abort();
  }
  return *std::move(machine);
}

}  // namespace

void PrintTo(const CallResult& result, std::ostream* os) {
  *os << result.side.Name() << ": ";
  PrintTo(static_cast<const compat::Outcome&>(result), os);
  if (!result.argument.fields.empty()) *os << "\n    " << result.argument.ToString();
  for (const Bytes& bytes : result.memory) *os << "\n    memory " << HexBytes(bytes);
  *os << "\n    VmLck " << result.locked_kb << " kB, VmPin " << result.pinned_kb << " kB";
}

void PrintTo(const Reached& reached, std::ostream* os) {
  *os << HexRange(reached.iova, reached.iova + reached.size - 1) << ' '
      << (reached.flags & 1 ? "r" : "") << (reached.flags & 2 ? "w" : "") << " -> "
      << (reached.vaddr == kNoMemory ? "other memory" : Hex(reached.vaddr));
}

Kernel::Kernel(const Side& side, std::string name)
    : side_(side),
      header_(HeaderFor(side)),
      name_(std::move(name)),
      compiler_(header_),
      machine_(MachineFor(header_, side)) {}

bool Kernel::RunStep(traces::Event* event, StepResult* result) {
  if (event->has_sequence_begin()) {
    event->mutable_sequence_begin()->set_name(name_);
  } else {
    event->set_step(++steps_);
  }
  Step step;
  Expectation nothing;
  absl::Status status = compiler_.Compile(*event, &step, &nothing);
  if (status.ok()) status = machine_.Run(step, result);
  if (!status.ok()) {
    ADD_FAILURE() << DecodeCall(*event) << ": " << status.message();
    return false;
  }
  Record(*event, step, *result, &program_);
  return true;
}

CallResult Kernel::Run(traces::Event event) {
  CallResult answer;
  answer.side = side_;
  StepResult result;
  if (!RunStep(&event, &result)) {
    answer.ret = -1;
    answer.err = sim::Errno::kNOSYS;
    return answer;
  }
  answer.ret = result.ret;
  answer.err = result.err;
  answer.rule = result.rule;
  answer.locked_kb = result.vm_lck;
  answer.pinned_kb = result.vm_pin;
  answer.argument = AnswerOf(event, result).after;
  const auto after = [](bool changed, const Bytes& written, const std::string& before) {
    return changed ? written : Bytes(before.begin(), before.end());
  };
  answer.bytes = after(result.out_changed, result.out, event.ioctl().in());
  for (size_t i = 0; i < result.mem.size(); ++i) {
    answer.memory.push_back(after(result.mem[i].changed, result.mem[i].bytes,
                                  event.ioctl().mem(static_cast<int>(i)).before()));
  }
  return answer;
}

void Kernel::RunAll(const std::vector<traces::Event>& events) {
  for (const traces::Event& event : events) {
    EXPECT_THAT(Run(event), compat::Succeeds()) << DecodeCall(event);
  }
}

std::vector<Reached> Kernel::Reach(uint32_t device) {
  traces::Event event;
  event.mutable_dma_view()->set_dev(header_.devices(static_cast<int>(device)).name());
  StepResult result;
  std::vector<Reached> reach;
  if (!RunStep(&event, &result)) return reach;
  for (const ViewRun& run : result.view) {
    reach.push_back(
        {run.iova, run.what == ViewRun::What::kVa ? run.value : kNoMemory, run.len, run.rights});
  }
  return reach;
}

void Kernel::SetMemlock(int64_t bytes) {
  traces::Event event;
  event.mutable_setrlimit()->set_memlock(bytes);
  RunAll({event});
}

void Kernel::DropCapability(std::string_view name) {
  traces::Event event;
  event.mutable_cap_drop()->set_cap(std::string(name));
  RunAll({event});
}

void Kernel::Munmap(uint64_t addr, uint64_t bytes) {
  traces::Event event;
  event.mutable_munmap()->set_addr(addr);
  event.mutable_munmap()->set_len(bytes);
  RunAll({event});
}

void Kernel::Mprotect(uint64_t addr, uint64_t bytes, uint32_t prot) {
  traces::Event event;
  event.mutable_mprotect()->set_addr(addr);
  event.mutable_mprotect()->set_len(bytes);
  event.mutable_mprotect()->set_prot(prot);
  RunAll({event});
}

}  // namespace iovalid::conformance::suite
