// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SUITE_KERNEL_H_
#define IOVALID_CONFORMANCE_SUITE_KERNEL_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "compat/outcome.h"
#include "conformance/decode.h"
#include "conformance/machine.h"
#include "conformance/side.h"
#include "conformance/step_compiler.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance::suite {

// What a kernel answered to one call: return value, errno and the rule that decided, and what the
// call left behind.
struct [[nodiscard]] CallResult : compat::Outcome {
  Side side;                  // who answered
  DecodedStruct argument;     // the struct after the call, empty where the call has none
  Bytes bytes;                // the same as it stands in memory
  std::vector<Bytes> memory;  // other buffers that the call was given, after it
  uint64_t locked_kb = 0;     // VmLck of the process after the call
  uint64_t pinned_kb = 0;     // VmPin
};

void PrintTo(const CallResult& result, std::ostream* os);

// A piece of what a device can reach by DMA: `iova` and the bytes after it are the process's memory
// from `vaddr` on. Rights are VFIO_DMA_MAP_FLAG_READ and _WRITE. Where the page is not (any more)
// one of the process's own, `vaddr` is kNoMemory.
struct Reached {
  uint64_t iova, vaddr, size;
  uint32_t flags;
  friend bool operator==(const Reached&, const Reached&) = default;
};
inline constexpr uint64_t kNoMemory = ~uint64_t{0};

void PrintTo(const Reached& reached, std::ostream* os);

// One side, and a process that runs on it. Calls are the events of a trace (see
// conformance/search/call_builder.h for those that programs make); every call is kept, so that the
// program of a test can be printed, replayed, and asked of a real kernel.
class Kernel {
 public:
  // The machine of the recordings: VT-d with 39 bits, four devices in three groups. `name` is the
  // program's in its trace.
  Kernel(const Side& side, std::string name);

  // An event that cannot be replayed is a failure of the test, and of the call.
  CallResult Run(traces::Event event);
  // For set-up: each of these calls has to succeed.
  void RunAll(const std::vector<traces::Event>& events);

  // What the device with that number reaches, ascending; runs that continue one another are one.
  std::vector<Reached> Reach(uint32_t device);

  // --- what is no call to VFIO ---
  void SetMemlock(int64_t bytes);
  void DropCapability(std::string_view name);  // "IPC_LOCK"
  void Munmap(uint64_t addr, uint64_t bytes);
  void Mprotect(uint64_t addr, uint64_t bytes, uint32_t prot);  // bit 0 read, bit 1 write

  const Side& side() const { return side_; }
  // The calls so far, with what this kernel answered, as a trace.
  const traces::Header& header() const { return header_; }
  const std::vector<traces::Event>& program() const { return program_; }

 private:
  bool RunStep(traces::Event* event, StepResult* result);

  Side side_;
  traces::Header header_;
  std::string name_;
  StepCompiler compiler_;
  Machine machine_;
  std::vector<traces::Event> program_;
  uint64_t steps_ = 0;
};

}  // namespace iovalid::conformance::suite

#endif  // IOVALID_CONFORMANCE_SUITE_KERNEL_H_
