// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_STEP_COMPILER_H_
#define IOVALID_CONFORMANCE_STEP_COMPILER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "conformance/handle_table.h"
#include "conformance/step.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// The path that stands for a device's group: the recorded one, or "/dev/vfio/<n>" for "g<n>".
std::string GroupPath(const traces::Device& device);
// The device's cdev: the recorded one, or "/dev/vfio/devices/vfio<n>" for "v<n>"; empty for none.
std::string CdevPath(const traces::Device& device);

// Distinct handle, object and label names of one trace; each costs memory on every machine that
// replays it. docs/trace-format.md states it.
inline constexpr uint32_t kMaxDistinctNames = 1u << 20;

// Turns the events of one trace into steps, inputs and expectations apart. A step is valid for
// machines that were built from the same header.
class StepCompiler {
 public:
  explicit StepCompiler(const traces::Header& header);

  // Compiles one event (which ValidateEvent accepts). An `observe` event is no step: the caller
  // handles it. InvalidArgument where the event cannot be replayed, in a few words without a place.
  absl::Status Compile(const traces::Event& event, Step* step, Expectation* expectation);

  const HandleTable& handles() const { return handles_; }
  // The number of a task's process in the sequence; kNoName for one that was never forked or has
  // ended.
  uint32_t ProcessOf(uint32_t task) const;
  // Index of the header's device with that name; kNoName where there is none.
  uint32_t DeviceNamed(std::string_view name) const;

 private:
  std::string ExpandPath(const std::string& path) const;
  Action CompileOpen(const traces::Open& open);
  absl::Status CompileIoctl(const traces::Ioctl& ioctl, IoctlAction* action);
  Action CompileMap(const traces::Mmap& mmap);
  Action CompileVma(const traces::Vma& vma);
  void SetSource(traces::MemoryKind kind, const std::string& obj, bool map_shared, MapAction* map);
  Action CompileDriver(const traces::Event& event) const;
  void CompileOutcome(const traces::Event& event, Expectation* expectation);
  void CompileView(const traces::View& view, Expectation* expectation);

  absl::Status CompileFork(const traces::Event& event, Step* step);
  traces::Header header_;
  HandleTable handles_;
  std::string opens_;  // the container node of the current sequence
  // Trace tasks of the sequence, by process number; those that have ended are in ended_.
  std::vector<uint32_t> tasks_ = {0};
  std::vector<bool> ended_ = {false};
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_STEP_COMPILER_H_
