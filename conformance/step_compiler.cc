// SPDX-License-Identifier: Apache-2.0
#include "conformance/step_compiler.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "sim/task.h"

namespace iovalid::conformance {
namespace {

constexpr uint64_t kNoLimit = ~uint64_t{0};
// MAP_SHARED of linux/mman.h
constexpr uint32_t kMapShared = 1;

uint64_t LimitOf(int64_t recorded) {
  return recorded < 0 ? kNoLimit : static_cast<uint64_t>(recorded);
}

Bytes BytesOf(const std::string& text) { return Bytes(text.begin(), text.end()); }

// The number n of a name "g<n>".
std::optional<uint32_t> Suffix(std::string_view name) {
  uint32_t number = 0;
  if (name.size() < 2) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::string NumberedPath(const char* prefix, const std::string& name) {
  const auto number = Suffix(name);
  return number ? prefix + std::to_string(*number) : std::string();
}

TouchHow HowTouched(traces::Touched touched) {
  switch (touched) {
    case traces::WRITTEN:
      return TouchHow::kWrite;
    case traces::READ_FROM:
      return TouchHow::kRead;
    default:
      return TouchHow::kNone;
  }
}

Action CompileBegin(const traces::SequenceBegin& begin) {
  return BeginAction{
      begin.uid(), begin.cap_ipc_lock(), LimitOf(begin.rlimit_memlock()),
      static_cast<uint32_t>(std::min<uint64_t>(begin.dma_entry_limit(), ~uint32_t{0})),
      begin.bits32()};
}

Action CompileCapability(const std::string& name) {
  if (name == "IPC_LOCK") return DropCapabilityAction{sim::kCapIpcLock};
  if (name == "SYS_RESOURCE") return DropCapabilityAction{sim::kCapSysResource};
  if (name == "SYS_RAWIO") return DropCapabilityAction{sim::kCapSysRawio};
  return SkippedAction{"cap_drop of another capability"};
}

Action CompileParameter(const traces::SetModuleParameter& set) {
  if (set.module() == "vfio_iommu_type1" && set.name() == "dma_entry_limit") {
    return EntryLimitAction{static_cast<uint32_t>(std::min<uint64_t>(set.value(), ~uint32_t{0}))};
  }
  if (set.module() == "vfio" && set.name() == "enable_unsafe_noiommu_mode") {
    return NoIommuModeAction{set.value() != 0};
  }
  return SkippedAction{"set_module_parameter of another parameter"};
}

}  // namespace

std::string GroupPath(const traces::Device& device) {
  if (!device.group_path().empty()) return device.group_path();
  return NumberedPath(device.kind() == traces::NO_IOMMU ? "/dev/vfio/noiommu-" : "/dev/vfio/",
                      device.group());
}

std::string CdevPath(const traces::Device& device) {
  if (!device.cdev_path().empty()) return device.cdev_path();
  return NumberedPath(device.kind() == traces::NO_IOMMU ? "/dev/vfio/devices/noiommu-vfio"
                                                        : "/dev/vfio/devices/vfio",
                      device.cdev());
}

StepCompiler::StepCompiler(const traces::Header& header) : header_(header) {}

uint32_t StepCompiler::DeviceNamed(std::string_view name) const {
  for (int i = 0; i < header_.devices_size(); ++i) {
    if (header_.devices(i).name() == name) return static_cast<uint32_t>(i);
  }
  return kNoName;
}

std::string StepCompiler::ExpandPath(const std::string& path) const {
  if (path.size() < 2 || path[0] != '@') return path;
  const std::string name = path.substr(1);
  for (const traces::Device& device : header_.devices()) {
    if (device.group() == name) return GroupPath(device);
    if (device.cdev() == name) return CdevPath(device);
  }
  return "/dev/vfio/" + name;  // no such group or device
}

Action StepCompiler::CompileOpen(const traces::Open& open) {
  OpenAction action;
  action.as = handles_.Resolve(open.as());
  action.path = ExpandPath(open.path());
  switch (header_.mode()) {
    case traces::TYPE1:
    case traces::COMPAT_NODE:
      action.container = open.path() == "/dev/vfio/vfio";
      break;
    case traces::COMPAT:
      // The program's own path, with an iommufd behind it, or the iommufd itself.
      action.container = open.path() == opens_ || open.node() == opens_;
      break;
    default:
      break;
  }
  return action;
}

absl::Status StepCompiler::CompileIoctl(const traces::Ioctl& ioctl, IoctlAction* action) {
  namespace abi = compat::abi;
  action->fd = handles_.Resolve(ioctl.fd());
  action->nr = ioctl.nr();
  switch (ioctl.argument_case()) {
    case traces::Ioctl::kPointer:
      action->argument = IoctlAction::Argument::kPointer;
      action->value = ioctl.pointer();
      break;
    case traces::Ioctl::kIn:
      action->argument = IoctlAction::Argument::kStruct;
      action->in = BytesOf(ioctl.in());
      break;
    default:
      action->value = static_cast<uint64_t>(ioctl.integer());
      break;
  }
  if (ioctl.has_at()) action->at = ioctl.at();
  for (const traces::FdField& field : ioctl.fdfix()) {
    action->fdfix.push_back({field.offset(), handles_.Resolve(field.name())});
  }
  for (const traces::FdField& field : ioctl.fdout()) {
    action->fdout.push_back({field.offset(), handles_.Resolve(field.name())});
  }
  for (const traces::UserBuffer& buffer : ioctl.mem()) {
    action->mem.push_back({buffer.addr(), BytesOf(buffer.before())});
  }
  action->retfd = handles_.Resolve(ioctl.retfd());
  action->returns_fd = action->retfd.named();
  if (action->nr == abi::kVfioSetIommu) {
    action->set_up_iommu = header_.has_set_iommu() && action->value == header_.set_iommu();
  } else if (action->nr == abi::kVfioGroupGetDeviceFd) {
    action->returns_fd = true;
    const std::string name(ioctl.in().c_str());
    for (int i = 0; i < header_.devices_size() && !action->retfd.named(); ++i) {
      if (header_.devices(i).bdf() != name) continue;
      action->retfd_else = Handle{handles_.Intern("d" + std::to_string(i)), -1};
      action->retfd_second = Handle{handles_.Intern("d" + std::to_string(i) + "b"), -1};
      break;
    }
  }
  return absl::OkStatus();
}

void StepCompiler::SetSource(traces::MemoryKind kind, const std::string& obj, bool map_shared,
                             MapAction* map) {
  const bool capture = header_.capture();
  map->label = handles_.Intern(obj);
  switch (kind) {
    case traces::ANON_SHARED:
      map->source = MemorySource::kAnonShared;
      map->shared = true;
      break;
    case traces::MEMFD:
    case traces::FILE_RW:
      map->source = MemorySource::kObject;
      map->shared = true;
      map->obj = handles_.Resolve(obj);
      break;
    case traces::FILE_RO:
    case traces::FILE_PRIV:
      map->source = capture && !obj.empty() ? MemorySource::kObject : MemorySource::kGoldenFile;
      map->shared = kind == traces::FILE_RO;
      map->file_writable = false;
      if (capture) map->obj = handles_.Resolve(obj);
      break;
    case traces::HUGETLB:
      if (capture && map_shared && !obj.empty()) {
        map->source = MemorySource::kHugetlbObject;
        map->shared = true;
        map->obj = handles_.Resolve(obj);
      } else {
        map->source = MemorySource::kHugetlbAnon;
      }
      break;
    case traces::BAR:
      map->source = MemorySource::kBar;
      map->shared = true;
      map->obj = handles_.Resolve(obj);
      break;
    default:
      map->source = MemorySource::kAnonPrivate;
      break;
  }
}

Action StepCompiler::CompileMap(const traces::Mmap& mmap) {
  MapAction map;
  map.addr = mmap.addr();
  map.len = mmap.len();
  map.prot = mmap.prot();
  map.off = mmap.off();
  map.region = mmap.region();
  map.touch = HowTouched(mmap.touch());
  SetSource(mmap.kind(), mmap.obj(), (mmap.flags() & kMapShared) != 0, &map);
  return map;
}

Action StepCompiler::CompileVma(const traces::Vma& vma) {
  MapAction map;
  map.addr = vma.addr();
  map.len = vma.len();
  map.prot = vma.prot();
  map.off = vma.off();
  map.region = vma.region();
  map.stated = true;
  SetSource(vma.kind(), vma.obj(), vma.shared(), &map);
  return map;
}

void StepCompiler::CompileView(const traces::View& view, Expectation* expectation) {
  std::vector<ViewRun>& runs = expectation->view.emplace();
  for (const traces::Run& run : view.runs()) {
    ViewRun out{run.iova(), run.len(), ViewRun::What::kSomePage, 0, kNoName, run.access()};
    switch (run.what_case()) {
      case traces::Run::kVa:
        out.what = ViewRun::What::kVa;
        out.value = run.va();
        break;
      case traces::Run::kStale:
        out.what = ViewRun::What::kStale;
        out.value = run.stale().off();
        out.label = handles_.Intern(run.stale().obj());
        break;
      case traces::Run::kBar:
        out.what = ViewRun::What::kBar;
        out.value = run.bar().off();
        out.label = DeviceNamed(run.bar().obj());
        break;
      case traces::Run::kZero:
        out.what = ViewRun::What::kZero;
        break;
      default:
        break;
    }
    runs.push_back(out);
  }
}

Action StepCompiler::CompileDriver(const traces::Event& event) const {
  using What = DriverAction::What;
  DriverAction action;
  if (event.has_mdev_pin()) {
    const traces::MdevPin& pin = event.mdev_pin();
    action.device = DeviceNamed(pin.dev());
    action.kernel_thread = pin.kthread();
    action.iova = pin.iova();
    action.pages = pin.pages();
    action.rights = pin.access();
  } else if (event.has_mdev_unpin()) {
    const traces::MdevUnpin& unpin = event.mdev_unpin();
    action.what = What::kUnpin;
    action.device = DeviceNamed(unpin.dev());
    action.kernel_thread = unpin.kthread();
    action.iova = unpin.iova();
    action.pages = unpin.pages();
  } else {
    const traces::MdevRw& rw = event.mdev_rw();
    action.what = rw.write() ? What::kWrite : What::kRead;
    action.device = DeviceNamed(rw.dev());
    action.kernel_thread = rw.kthread();
    action.iova = rw.iova();
    action.len = rw.len();
    action.data = BytesOf(rw.data());
  }
  return action;
}

void StepCompiler::CompileOutcome(const traces::Event& event, Expectation* expectation) {
  if (!event.has_outcome()) return;
  const traces::Outcome& outcome = event.outcome();
  expectation->recorded = true;
  if (outcome.has_ret()) expectation->ret = outcome.ret();
  expectation->returned_fd = outcome.returned_fd();
  expectation->error = outcome.error();
  switch (outcome.after_case()) {
    case traces::Outcome::kOut:
      expectation->out_recorded = true;
      expectation->out_unchanged = false;
      expectation->out = BytesOf(outcome.out());
      break;
    case traces::Outcome::kOutUnchanged:
      expectation->out_recorded = true;
      break;
    default:
      break;
  }
  for (const traces::MemAfter& after : outcome.mem()) {
    const bool changed = after.after_case() == traces::MemAfter::kBytesAfter;
    expectation->mem.push_back({!changed, changed ? BytesOf(after.bytes_after()) : Bytes()});
  }
  if (outcome.has_data()) expectation->data = BytesOf(outcome.data());
  for (const traces::Spill& spill : outcome.spill()) {
    expectation->spill.push_back({spill.addr(), BytesOf(spill.after())});
  }
}

uint32_t StepCompiler::ProcessOf(uint32_t task) const {
  if (task == 0 && !ended_[0]) return 0;
  for (uint32_t process = static_cast<uint32_t>(tasks_.size()); process-- > 0;) {
    if (tasks_[process] == task && !ended_[process]) return process;
  }
  return kNoName;
}

absl::Status StepCompiler::CompileFork(const traces::Event& event, Step* step) {
  const uint32_t child = event.fork().child();
  if (ProcessOf(child) != kNoName) {
    return absl::InvalidArgumentError("fork: task " + std::to_string(child) + " is there already");
  }
  if (tasks_.size() == kMaxProcesses) {
    return absl::InvalidArgumentError("more than 256 processes in one sequence");
  }
  tasks_.push_back(child);
  ended_.push_back(false);
  step->action = ForkAction();
  return absl::OkStatus();
}

absl::Status StepCompiler::Compile(const traces::Event& event, Step* step,
                                   Expectation* expectation) {
  using traces::Event;
  *expectation = Expectation();
  step->number = event.step();
  if (event.has_sequence_begin()) {
    tasks_ = {0};
    ended_ = {false};
  }
  step->process = ProcessOf(event.task());
  if (step->process == kNoName) {
    return absl::InvalidArgumentError("task " + std::to_string(event.task()) +
                                      " was never forked, or has ended");
  }
  absl::Status status;
  switch (event.what_case()) {
    case Event::kSequenceBegin:
      opens_ = event.sequence_begin().opens();
      step->action = CompileBegin(event.sequence_begin());
      break;
    case Event::kSequenceEnd:
      step->action = EndAction();
      break;
    case Event::kOpen:
      step->action = CompileOpen(event.open());
      break;
    case Event::kClose:
      step->action = CloseAction{handles_.Resolve(event.close().fd())};
      break;
    case Event::kDup:
      step->action =
          DupAction{handles_.Resolve(event.dup().fd()), handles_.Resolve(event.dup().as())};
      break;
    case Event::kIoctl:
      status = CompileIoctl(event.ioctl(), &step->action.emplace<IoctlAction>());
      break;
    case Event::kMmap:
      step->action = CompileMap(event.mmap());
      break;
    case Event::kVma:
      step->action = CompileVma(event.vma());
      break;
    case Event::kMunmap:
      step->action = UnmapAction{event.munmap().addr(), event.munmap().len()};
      break;
    case Event::kMprotect:
      step->action =
          ProtectAction{event.mprotect().addr(), event.mprotect().len(), event.mprotect().prot()};
      break;
    case Event::kMremap:
      step->action = RemapAction{event.mremap().addr(), event.mremap().old_len(),
                                 event.mremap().new_addr(), event.mremap().new_len()};
      break;
    case Event::kMadvise:
      step->action = AdviseAction{event.madvise().addr(), event.madvise().len(),
                                  static_cast<int>(event.madvise().advice())};
      break;
    case Event::kTouch:
      step->action = TouchAction{event.touch().addr(), event.touch().len(), event.touch().write()};
      break;
    case Event::kMemfd:
      step->action = NewFileAction{NewFileAction::Kind::kMemfd, event.memfd().size(),
                                   handles_.Resolve(event.memfd().as())};
      break;
    case Event::kEventfd:
      step->action =
          NewFileAction{NewFileAction::Kind::kEventfd, 0, handles_.Resolve(event.eventfd().as())};
      break;
    case Event::kFile:
      step->action = NewFileAction{NewFileAction::Kind::kFile, event.file().size(),
                                   handles_.Resolve(event.file().as())};
      break;
    case Event::kFtruncate:
      step->action =
          ResizeAction{handles_.Resolve(event.ftruncate().fd()), event.ftruncate().size()};
      break;
    case Event::kSetrlimit:
      step->action = LimitAction{LimitOf(event.setrlimit().memlock())};
      break;
    case Event::kCapDrop:
      step->action = CompileCapability(event.cap_drop().cap());
      break;
    case Event::kSetModuleParameter:
      step->action = CompileParameter(event.set_module_parameter());
      break;
    case Event::kDmaView:
      step->action = ViewAction{DeviceNamed(event.dma_view().dev())};
      if (event.dma_view().has_view()) CompileView(event.dma_view().view(), expectation);
      break;
    case Event::kMlock:
      step->action = SkippedAction{"mlock"};
      break;
    case Event::kDeviceDma:
      step->action = DmaAction{DeviceNamed(event.device_dma().dev()), event.device_dma().iova(),
                               event.device_dma().len(), event.device_dma().write(),
                               BytesOf(event.device_dma().data())};
      break;
    case Event::kMdevPin:
    case Event::kMdevUnpin:
    case Event::kMdevRw:
      step->action = CompileDriver(event);
      break;
    case Event::kRead:
      step->action = SkippedAction{"read"};
      break;
    case Event::kWrite:
      step->action = SkippedAction{"write"};
      break;
    case Event::kPoll:
      step->action = SkippedAction{"poll"};
      break;
    case Event::kFork:
      status = CompileFork(event, step);
      break;
    case Event::kExit:
      step->action = ExitAction();
      ended_[step->process] = true;
      break;
    case Event::kExec: {
      ExecAction& exec = step->action.emplace<ExecAction>();
      for (const std::string& name : event.exec().kept()) {
        exec.kept.push_back(handles_.Resolve(name));
      }
      break;
    }
    case Event::kCrash:
      step->action = SkippedAction{"crash"};
      break;
    case Event::kObserve:
      step->action = SkippedAction{"observe"};
      break;
    case Event::WHAT_NOT_SET:
      step->action = SkippedAction{"event of a newer format"};
      break;
  }
  CompileOutcome(event, expectation);
  if (handles_.size() > kMaxDistinctNames) {
    return absl::InvalidArgumentError(
        "more than 1,048,576 distinct names of descriptors and objects");
  }
  return status;
}

}  // namespace iovalid::conformance
