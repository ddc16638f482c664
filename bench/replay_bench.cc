// SPDX-License-Identifier: Apache-2.0
// What a call costs: through both models with the compare of outcome and state after it
// (BM_DifferentialCalls), and through one model with the compare against the recording
// (BM_VerifyCalls). items_per_second counts open, close, dup and ioctl; the steps between them that
// arrange memory and the fresh machine of each sequence are paid for by these. The traces are
// compiled to steps before the clock starts. BM_SystemCopy copies a machine with that many
// mappings. Yardstick of the same run: BM_RawIoctl, a system call that does nothing (/dev/null).
//
// Runs from the top of the tree, where the recordings are: ./iovalid bench replay.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "conformance/differ.h"
#include "conformance/machine.h"
#include "conformance/side.h"
#include "conformance/step_compiler.h"
#include "conformance/verifier.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

constexpr char kDpdk[] = "traces/captures/dpdk-24.11-type1-7.3.iovt";
constexpr char kRandomSmall[] = "traces/goldens/random-small.c7.3.type1-v2.iovt";

// A trace, compiled. `observe` events keep their place among the steps.
struct Program {
  struct Item {
    Step step;
    Expectation expected;
    bool observe = false;
    uint32_t process = 0;
    uint64_t vm_lck = 0, vm_pin = 0;
  };

  traces::Header header;
  std::vector<Item> items;
  int64_t calls = 0;
  std::string error;
};

Program Load(const std::string& path) {
  Program program;
  auto source = traces::OpenAny(path);
  if (!source.ok()) {
    program.error = std::string(source.status().message());
    return program;
  }
  program.header = (*source)->header();
  StepCompiler compiler(program.header);
  absl::Status status;
  for (const traces::Event& event : traces::Events(**source, &status)) {
    Program::Item item;
    if (event.has_observe()) {
      item.observe = true;
      item.process = compiler.ProcessOf(event.task());
      item.vm_lck = event.observe().vm_lck();
      item.vm_pin = event.observe().vm_pin();
    } else {
      status = compiler.Compile(event, &item.step, &item.expected);
      if (!status.ok()) break;
    }
    program.calls += item.step.IsCall();
    program.items.push_back(std::move(item));
  }
  if (!status.ok()) program.error = path + ": " + std::string(status.message());
  return program;
}

void BM_DifferentialCalls(benchmark::State& state, const std::string& path) {
  const Program program = Load(path);
  if (!program.error.empty()) return state.SkipWithError(program.error.c_str());
  const Machine::Options options{.views = false};
  auto left = Machine::Create(program.header, *ParseSide("type1"), options);
  auto right = Machine::Create(program.header, *ParseSide("compat"), options);
  if (!left.ok() || !right.ok()) return state.SkipWithError("the machines can't be built");
  Differ differ(*std::move(left), *std::move(right));
  uint64_t differences = 0;
  for (auto _ : state) {
    differences = 0;
    for (const Program::Item& item : program.items) {
      if (item.observe) continue;
      if (!differ.Run(item.step).ok()) return state.SkipWithError("a step can't be replayed");
      differences += differ.report().differs();
    }
  }
  state.SetItemsProcessed(state.iterations() * program.calls);
  state.counters["differences"] = static_cast<double>(differences);
}
BENCHMARK_CAPTURE(BM_DifferentialCalls, dpdk, kDpdk)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_DifferentialCalls, random_small, kRandomSmall)->Unit(benchmark::kMillisecond);

void BM_VerifyCalls(benchmark::State& state, const std::string& path) {
  const Program program = Load(path);
  if (!program.error.empty()) return state.SkipWithError(program.error.c_str());
  const auto side = RecordedSide(program.header);
  if (!side.ok()) return state.SkipWithError("the kernel is not modelled");
  auto machine =
      Machine::Create(program.header, *side,
                      {.views = !program.header.has_dma_view() || program.header.dma_view()});
  if (!machine.ok()) return state.SkipWithError("the machine can't be built");
  Verifier verifier(*std::move(machine), !program.header.capture());
  for (auto _ : state) {
    for (const Program::Item& item : program.items) {
      if (item.observe) {
        verifier.Observe(item.process, item.vm_lck, item.vm_pin);
      } else if (!verifier.Run(item.step, item.expected).ok()) {
        return state.SkipWithError("a step can't be replayed");
      }
    }
    verifier.Finish();
  }
  state.SetItemsProcessed(state.iterations() * program.calls);
  state.counters["mismatches"] = static_cast<double>(verifier.counts().mismatch);
}
BENCHMARK_CAPTURE(BM_VerifyCalls, dpdk, kDpdk)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_VerifyCalls, random_small, kRandomSmall)->Unit(benchmark::kMillisecond);

// The DPDK capture up to its n-th MAP_DMA: copies of the type1 (0) or the compat (1) machine.
void BM_SystemCopy(benchmark::State& state) {
  const Program program = Load(kDpdk);
  if (!program.error.empty()) return state.SkipWithError(program.error.c_str());
  auto machine = Machine::Create(program.header, *ParseSide(state.range(1) ? "compat" : "type1"),
                                 {.views = false});
  if (!machine.ok()) return state.SkipWithError("the machine can't be built");
  StepResult result;
  int64_t mappings = 0;
  for (const Program::Item& item : program.items) {
    if (item.observe) continue;
    if (mappings == state.range(0)) break;
    if (!machine->Run(item.step, &result).ok()) return state.SkipWithError("no replay");
    const auto* ioctl = std::get_if<IoctlAction>(&item.step.action);
    if (ioctl != nullptr && ioctl->nr == 0x3b71 && result.err == sim::Errno::kOk) ++mappings;
  }
  compat::System copy = machine->system();
  for (auto _ : state) {
    copy = machine->system();
    benchmark::DoNotOptimize(copy);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SystemCopy)->ArgNames({"mappings", "compat"})->ArgsProduct({{0, 1000, 8000}, {0, 1}});

void BM_RawIoctl(benchmark::State& state) {
  const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (auto _ : state) benchmark::DoNotOptimize(ioctl(fd, 0x3b64, 0));
  close(fd);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RawIoctl);

}  // namespace
}  // namespace iovalid::conformance
