// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_MACHINE_H_
#define IOVALID_CONFORMANCE_MACHINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "compat/system.h"
#include "conformance/argument_area.h"
#include "conformance/page_names.h"
#include "conformance/run_digest.h"
#include "conformance/side.h"
#include "conformance/step.h"
#include "sim/sim_memory.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// What one step did on one machine. Passing the same object again reuses its memory.
struct StepResult {
  struct MemAfter {
    bool changed = false;
    Bytes bytes;  // where changed
  };

  // The step was a call that answers: open, close, dup, ioctl, or one that arranges memory.
  bool answered = false;
  int64_t ret = 0;
  sim::Errno err = sim::Errno::kOk;
  const compat::Rule* rule = nullptr;  // what decided; null for a plain success
  bool returned_fd = false;            // ret is a descriptor of this machine
  // The argument struct after the call, as a recording shows it: descriptors that the call did not
  // change are as in the step's `in`, new ones are fd fd fd fd.
  bool out_changed = false;
  Bytes out;                  // where changed
  std::vector<MemAfter> mem;  // one for each of the step's
  std::vector<Expectation::Spill> spill;
  // VmLck and VmPin of the step's process in kB, and whether one of them changed with this step.
  uint64_t vm_lck = 0, vm_pin = 0;
  bool charges_changed = false;
  // Other processes of the sequence whose charges changed.
  struct Charge {
    uint32_t process;
    uint64_t vm_lck, vm_pin;
  };
  std::vector<Charge> other_charges;
  // DmaAction and DriverAction: the bytes that a read got.
  Bytes data;
  // The drivers that were told of an unmap during the call (dma_unmap).
  std::vector<compat::UnmapNotice> notices;
  // ViewAction: what the device reaches.
  std::vector<ViewRun> view;

  // ret, errno, out, mem, spill, data and notices are the same (descriptors only have to be ones).
  bool SameOutcome(const StepResult& other) const;
};

// One side of a replay: a simulated kernel, the processes that run on it with their memory, and the
// descriptors that the trace's names stand for in each. A value: copies are independent.
class Machine {
 public:
  struct Options {
    // Name pages for dma_view steps. Costs a look at memory at each mmap, munmap and mprotect.
    bool views = true;
  };

  // InvalidArgument where the header describes what cannot be built.
  static absl::StatusOr<Machine> Create(const traces::Header& header, const Side& side,
                                        const Options& options);
  static absl::StatusOr<Machine> Create(const traces::Header& header, const Side& side) {
    return Create(header, side, Options());
  }
  Machine(const Machine& other);
  Machine(Machine&& other) noexcept;
  Machine& operator=(const Machine& other);
  Machine& operator=(Machine&& other) noexcept;
  ~Machine() = default;

  // Runs one step. It must have been compiled for the same header. InvalidArgument where the step
  // can't be replayed at all (an argument that is larger than the area for it).
  absl::Status Run(const Step& step, StepResult* result);

  // Everything but memory that can influence what later steps do: the kernel's identity and what
  // the names of descriptors stand for. O(state).
  sim::Digest Identity() const;

  const Side& side() const { return side_; }
  const compat::System& system() const { return system_; }
  compat::System& system() { return system_; }
  // What the container or iommufd behind a descriptor of the program holds. False where it is
  // neither.
  bool SnapshotOf(const Handle& fd, compat::StateSnapshot* snapshot) const {
    return system_.SnapshotOf(task(), FdOf(fd), snapshot);
  }
  // Its number among them, or that of a group's, see System::SpaceNumber.
  std::optional<uint32_t> SpaceNumber(const Handle& fd) const {
    return system_.SpaceNumber(task(), FdOf(fd));
  }
  // How many devices are attached there; nullopt where it is neither.
  std::optional<uint64_t> AttachedTo(const Handle& fd) const {
    return system_.AttachedTo(task(), FdOf(fd));
  }
  // The descriptor that a name stands for; -1 where it is not open.
  int FdOf(const Handle& handle) const;
  // After a view: what is left of a recorded one, see PageNames::WithoutGone.
  std::vector<ViewRun> WithoutGoneNames(const std::vector<ViewRun>& runs) const {
    return process().names.WithoutGone(runs, memory_);
  }
  const sim::SimMemory& memory() const { return memory_; }
  sim::SimMemory& memory() { return memory_; }

  // Adds a result to a run's digest, with the state observed after it.
  static void AddToDigest(const StepResult& result, const compat::ObservedState& state,
                          RunDigest* digest);

 private:
  // What a fresh process on a fresh system looks like; shared by copies.
  struct Template {
    compat::System system;
    sim::SimMemory memory;
    sim::ObjectId golden_file;
    sim::ObjectId text;  // the program's own, read-only; kNoObject in a capture
    ArgumentArea area;   // of the first process, its memory as prepared
    bool capture;
  };

  Machine(const Side& side, const Options& options, std::shared_ptr<const Template> fresh);

  // A process of the sequence, and what its names of descriptors and objects stand for.
  struct Process {
    explicit Process(const ArgumentArea& arguments) : area(arguments) {}

    sim::TaskId task = 0;
    sim::MmId mm = 0;
    bool ended = false;
    ArgumentArea area;
    PageNames names;
    std::vector<int> fds;                // by handle name; -1: not open
    std::vector<sim::ObjectId> objects;  // by handle name
    uint64_t vm_lck = 0, vm_pin = 0;     // kB, as last observed
  };

  void Begin(const BeginAction& begin);
  void Attach();
  Process& process() { return processes_[current_]; }
  const Process& process() const { return processes_[current_]; }
  sim::SimMm& mm() { return memory_.mm(process().mm); }
  sim::TaskId task() const { return process().task; }

  absl::Status Fork();
  void Exit();
  void Exec(const ExecAction& exec);
  void LeaveMm();
  // A mapping of the replay itself, at a place that is known to be good.
  static void MapFixed(sim::SimMm* mm, uint64_t addr, uint64_t len);
  // What a program finds in its memory: the argument area and, in a script, the recorder's own.
  static void PrepareMm(sim::SimMemory* memory, sim::MmId mm, sim::ObjectId text,
                        ArgumentArea* area);
  void Dma(const DmaAction& dma, StepResult* result);
  void RunDriver(const DriverAction& driver, StepResult* result);
  void ObserveCharges(StepResult* result);

  void SetFd(const Handle& handle, int fd);
  sim::ObjectId ObjectOf(const Handle& handle) const;
  void SetObject(const Handle& handle, sim::ObjectId object);

  void Answer(const compat::Outcome& outcome, StepResult* result) const;
  void Answer(sim::Errno err, StepResult* result) const;
  void ReleaseMappings();

  void Open(const OpenAction& open, StepResult* result);
  absl::Status Ioctl(const IoctlAction& ioctl, StepResult* result);
  bool PlaceStruct(const IoctlAction& ioctl, uint64_t at);
  bool PlaceBuffer(uint64_t addr, const Bytes& bytes);
  void CollectStruct(const IoctlAction& ioctl, uint64_t at, StepResult* result);
  void CollectBuffers(const IoctlAction& ioctl, StepResult* result);
  void NameReturnedFd(const IoctlAction& ioctl, int fd);
  void Map(const MapAction& map, StepResult* result);
  sim::Errno MapMemory(const MapAction& map);
  sim::ObjectId ObjectFor(const MapAction& map);
  void NewFile(const NewFileAction& file, StepResult* result);
  void RunMemory(const Step& step, StepResult* result);

  Side side_;
  Options options_;
  std::shared_ptr<const Template> fresh_;
  compat::System system_;
  sim::SimMemory memory_;
  std::vector<Process> processes_;
  uint32_t current_ = 0;            // the process of the current step
  Bytes placed_;                    // scratch: the struct with its descriptors
  std::vector<uint32_t> released_;  // scratch: cookies of device mappings
  std::vector<sim::PageId> frames_;  // scratch: pages that a driver pinned
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_MACHINE_H_
