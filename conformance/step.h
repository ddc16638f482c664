// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_STEP_H_
#define IOVALID_CONFORMANCE_STEP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "conformance/handle_table.h"
#include "sim/units.h"

namespace iovalid::conformance {

using Bytes = std::vector<uint8_t>;

// The processes of one sequence; 0 is the first.
inline constexpr uint32_t kMaxProcesses = 256;

// What a program did: the inputs of one event, compiled once so that running it does no string work
// and allocates nothing. Nothing that a kernel answered is in here (that is Expectation), except
// the names that the program's later calls give to descriptors.

// A fresh process on a fresh system.
struct BeginAction {
  uint32_t uid = 0;
  bool cap_ipc_lock = true;
  uint64_t rlimit_memlock = ~uint64_t{0};  // bytes; all ones: no limit
  uint32_t dma_entry_limit = 65535;
  bool bits32 = false;
};

struct EndAction {};

struct OpenAction {
  // The recorded container node: each side opens its own.
  bool container = false;
  std::string path;
  Handle as;
};

struct CloseAction {
  Handle fd;
};

struct DupAction {
  Handle fd, as;
};

struct IoctlAction {
  enum class Argument : uint8_t { kInteger, kPointer, kStruct };
  struct FdField {
    uint32_t offset;  // bytes from the start of the struct
    Handle handle;
  };
  struct Buffer {
    uint64_t addr;
    Bytes before;
  };

  Handle fd;
  uint32_t nr = 0;
  Argument argument = Argument::kInteger;
  // SET_IOMMU with the trace's own IOMMU type: what --iommu-type replaces.
  bool set_up_iommu = false;
  uint64_t value = 0;          // integer, pointer
  std::optional<uint64_t> at;  // struct: where, if not at the start of the argument page
  Bytes in;                    // struct
  std::vector<FdField> fdfix;  // descriptors stored in the struct before the call
  std::vector<FdField> fdout;  // descriptors that the call returns there
  std::vector<Buffer> mem;     // other user memory, set before the call
  // The name of the descriptor that the call returns.
  Handle retfd;
  // Where the recording has no name, because the call failed there: GROUP_GET_DEVICE_FD of the
  // header's device n gives "dn", or "dnb" while that is open, as the scripts call them.
  Handle retfd_else, retfd_second;
  // The return value of a success is a descriptor.
  bool returns_fd = false;
};

// Where memory comes from. Private anonymous memory with MADV_HUGEPAGE (THP) is kAnonPrivate.
enum class MemorySource : uint8_t {
  kAnonPrivate,
  kAnonShared,
  kObject,         // a memfd or file: `obj` names it
  kGoldenFile,     // the scripts' 64 KiB tmpfs file, opened read-only
  kHugetlbAnon,    // private 2 MiB pages
  kHugetlbObject,  // a hugetlbfs file: `obj` names it
  kBar,            // region `region` of the device descriptor `obj`
};

enum class TouchHow : uint8_t { kNone, kRead, kWrite };

struct MapAction {
  uint64_t addr = 0, len = 0;  // bytes, as the program passed them
  unsigned prot = 0;           // bit 0 read, 1 write, 2 execute
  MemorySource source = MemorySource::kAnonPrivate;
  bool shared = false;
  bool file_writable = true;
  Handle obj;
  uint32_t label = kNoName;  // how reports call the memory
  uint64_t off = 0;          // bytes into the object or region
  uint32_t region = 0;
  TouchHow touch = TouchHow::kNone;
  // Stated by the recorder, not called by the program: only where nothing is mapped yet.
  bool stated = false;
};

struct UnmapAction {
  uint64_t addr = 0, len = 0;
};

struct ProtectAction {
  uint64_t addr = 0, len = 0;
  unsigned prot = 0;
};

struct RemapAction {
  uint64_t addr = 0, old_len = 0, new_addr = 0, new_len = 0;
};

struct AdviseAction {
  uint64_t addr = 0, len = 0;
  int advice = 0;
};

struct TouchAction {
  uint64_t addr = 0, len = 0;
  bool write = false;
};

// A descriptor of a memfd, an eventfd or some file appears.
struct NewFileAction {
  enum class Kind : uint8_t { kMemfd, kEventfd, kFile };
  Kind kind = Kind::kFile;
  uint64_t size = 0;  // bytes
  Handle as;
};

struct ResizeAction {
  Handle fd;
  uint64_t size = 0;  // bytes
};

struct LimitAction {
  uint64_t memlock = 0;  // bytes; all ones: no limit
};

struct DropCapabilityAction {
  int capability = 0;  // CAP_* of linux/capability.h
};

struct EntryLimitAction {
  uint32_t value = 0;  // vfio_iommu_type1.dma_entry_limit
};

struct ViewAction {
  uint32_t device = kNoName;  // index into the header's devices
};

// A DMA transfer of a device.
struct DmaAction {
  uint32_t device = kNoName;   // index into the header's devices
  uint64_t iova = 0, len = 0;  // bytes
  bool write = false;          // device to memory
  Bytes data;                  // write: what
};

// What the driver of a device asks of VFIO, in the context of the step's process or of a kernel
// thread.
struct DriverAction {
  enum class What : uint8_t { kPin, kUnpin, kRead, kWrite };
  What what = What::kPin;
  uint32_t device = kNoName;   // index into the header's devices
  bool kernel_thread = false;
  uint64_t iova = 0;           // bytes
  int32_t pages = 0;           // pin, unpin
  unsigned rights = 0;         // pin: bit 0 read, bit 1 write
  uint64_t len = 0;            // read: bytes
  Bytes data;                  // write
};

// vfio.enable_unsafe_noiommu_mode is set.
struct NoIommuModeAction {
  bool on = false;
};

// The step's process has a child, which gets the next number.
struct ForkAction {};

// The step's process ends.
struct ExitAction {};

// The step's process runs another program: new memory, only `kept` still open.
struct ExecAction {
  std::vector<Handle> kept;
};

// Recorded, but not modelled: replaying passes over it. `what` names the kind of event.
struct SkippedAction {
  const char* what = "";
};

using Action =
    std::variant<SkippedAction, BeginAction, EndAction, OpenAction, CloseAction, DupAction,
                 IoctlAction, MapAction, UnmapAction, ProtectAction, RemapAction, AdviseAction,
                 TouchAction, NewFileAction, ResizeAction, LimitAction, DropCapabilityAction,
                 EntryLimitAction, ViewAction, DmaAction, ForkAction, ExitAction, ExecAction,
                 DriverAction, NoIommuModeAction>;

struct Step {
  uint64_t number = 0;  // the script's step number in the sequence; 0: none
  uint32_t process = 0;
  Action action;

  // Open, close, dup and ioctl, and what drivers ask: the calls that are counted and compared.
  bool IsCall() const {
    return std::holds_alternative<IoctlAction>(action) ||
           std::holds_alternative<OpenAction>(action) ||
           std::holds_alternative<CloseAction>(action) ||
           std::holds_alternative<DupAction>(action) ||
           std::holds_alternative<DriverAction>(action);
  }
};

// A maximal run of what a device reaches, as dma_view lines name it.
struct ViewRun {
  enum class What : uint8_t {
    kVa,        // present at user address `value`
    kStale,     // once mapped as `label` at offset `value`, present nowhere now
    kBar,       // BAR 0 of device `label` (an index) at offset `value`
    kZero,      // the shared zero page
    kSomePage,  // a page that nothing names
  };
  uint64_t iova = 0, len = 0;  // bytes
  What what = What::kSomePage;
  uint64_t value = 0;
  uint32_t label = kNoName;
  unsigned rights = 0;  // bit 0 read, bit 1 write

  friend bool operator==(const ViewRun&, const ViewRun&) = default;
};

// What the recorded kernel answered to one step. It never reaches a Machine.
struct Expectation {
  struct MemAfter {
    bool unchanged = true;
    Bytes bytes;
  };
  struct Spill {
    uint64_t addr;
    Bytes after;
  };

  bool recorded = false;
  std::optional<int64_t> ret;  // absent: not recorded, or a descriptor
  bool returned_fd = false;
  uint32_t error = 0;  // errno number
  bool out_recorded = false;
  bool out_unchanged = true;
  Bytes out;
  std::vector<MemAfter> mem;
  std::vector<Spill> spill;
  // mdev_rw: the bytes that a read got, where recorded.
  std::optional<Bytes> data;
  // dma_view: absent where the recorder could not tell.
  std::optional<std::vector<ViewRun>> view;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_STEP_H_
