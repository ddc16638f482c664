// SPDX-License-Identifier: Apache-2.0
#include "conformance/machine.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "compat/pci/vfio_pci.h"

namespace iovalid::conformance {
namespace {

using sim::Errno;

// Where a script's arguments stand; machine_memory.cc has the rest of what every script finds.
constexpr uint64_t kArgumentPage = 0x70000000;
constexpr uint64_t kTextBytes = 0x9e000;
constexpr uint64_t kGoldenFileBytes = 64 << 10;
// A recorded program never has memory below mmap_min_addr: its arguments stand there.
constexpr uint64_t kCaptureArea = 0x1000, kCaptureAreaBytes = 0xf000;

// What dma_view and the reports may not see: what is no node of VFIO or iommufd.
bool ForeignPath(std::string_view path) {
  return path != "/dev/iommu" && path.substr(0, 9) != "/dev/vfio";
}

}  // namespace

bool StepResult::SameOutcome(const StepResult& other) const {
  if (err != other.err || returned_fd != other.returned_fd) return false;
  if (ret != other.ret && !returned_fd) return false;
  if (out_changed != other.out_changed || (out_changed && out != other.out)) return false;
  if (mem.size() != other.mem.size() || spill.size() != other.spill.size()) return false;
  for (size_t i = 0; i < mem.size(); ++i) {
    if (mem[i].changed != other.mem[i].changed) return false;
    if (mem[i].changed && mem[i].bytes != other.mem[i].bytes) return false;
  }
  for (size_t i = 0; i < spill.size(); ++i) {
    if (spill[i].addr != other.spill[i].addr || spill[i].after != other.spill[i].after) {
      return false;
    }
  }
  return data == other.data && notices == other.notices;
}

absl::StatusOr<Machine> Machine::Create(const traces::Header& header, const Side& side,
                                        const Options& options) {
  absl::StatusOr<compat::SystemConfig> config = BuildSystemConfig(header, side);
  if (!config.ok()) return config.status();
  const bool capture = header.capture();
  auto fresh = std::make_shared<Template>(
      Template{compat::System(*std::move(config)), sim::SimMemory(side.profile->memory),
               sim::kNoObject, sim::kNoObject,
               capture ? ArgumentArea(kCaptureArea, kCaptureAreaBytes)
                       : ArgumentArea(kArgumentPage, sim::kPageSize),
               capture});
  sim::SimMemory& memory = fresh->memory;
  memory.AddMm();
  (void)fresh->system.AttachMm(nullptr);
  if (!capture) fresh->text = memory.CreateObject(sim::ObjectKind::kShmem, kTextBytes);
  PrepareMm(&memory, 0, fresh->text, &fresh->area);
  fresh->golden_file = memory.CreateObject(sim::ObjectKind::kShmem, kGoldenFileBytes);
  memory.MarkWritten(fresh->golden_file);
  return Machine(side, options, std::move(fresh));
}

Machine::Machine(const Side& side, const Options& options, std::shared_ptr<const Template> fresh)
    : side_(side),
      options_(options),
      fresh_(std::move(fresh)),
      system_(fresh_->system),
      memory_(fresh_->memory) {
  Begin(BeginAction());
}

Machine::Machine(const Machine& other)
    : side_(other.side_),
      options_(other.options_),
      fresh_(other.fresh_),
      system_(other.system_),
      memory_(other.memory_),
      processes_(other.processes_),
      current_(other.current_) {
  Attach();
}

Machine::Machine(Machine&& other) noexcept
    : side_(other.side_),
      options_(other.options_),
      fresh_(other.fresh_),
      system_(std::move(other.system_)),
      memory_(std::move(other.memory_)),
      processes_(std::move(other.processes_)),
      current_(other.current_) {
  Attach();
}

Machine& Machine::operator=(const Machine& other) {
  if (this != &other) {
    side_ = other.side_;
    options_ = other.options_;
    fresh_ = other.fresh_;
    system_ = other.system_;
    memory_ = other.memory_;
    processes_ = other.processes_;
    current_ = other.current_;
    Attach();
  }
  return *this;
}

Machine& Machine::operator=(Machine&& other) noexcept {
  if (this != &other) {
    side_ = other.side_;
    options_ = other.options_;
    fresh_ = other.fresh_;
    system_ = std::move(other.system_);
    memory_ = std::move(other.memory_);
    processes_ = std::move(other.processes_);
    current_ = other.current_;
    Attach();
  }
  return *this;
}

void Machine::Attach() {
  for (sim::MmId mm = 0; mm < memory_.mm_count(); ++mm) system_.AttachMm(mm, &memory_.mm(mm));
}

void Machine::Begin(const BeginAction& begin) {
  system_ = fresh_->system;
  memory_ = fresh_->memory;
  Attach();
  if (processes_.empty()) processes_.emplace_back(fresh_->area);
  processes_.resize(1, processes_.front());
  current_ = 0;
  Process& first = processes_.front();
  first.mm = 0;
  first.ended = false;
  first.area = fresh_->area;
  first.names = PageNames();
  first.fds.clear();
  first.objects.clear();
  first.vm_lck = first.vm_pin = 0;
  first.task = system_.AddTask(0, compat::TaskConfig{begin.uid, begin.cap_ipc_lock,
                                                     begin.rlimit_memlock, begin.bits32});
  system_.SetDmaEntryLimit(begin.dma_entry_limit);
}

int Machine::FdOf(const Handle& handle) const {
  if (!handle.named()) return handle.raw;
  const std::vector<int>& fds = process().fds;
  return handle.name < fds.size() ? fds[handle.name] : -1;
}

void Machine::SetFd(const Handle& handle, int fd) {
  if (!handle.named()) return;
  std::vector<int>& fds = process().fds;
  if (handle.name >= fds.size()) fds.resize(handle.name + 1, -1);
  fds[handle.name] = fd;
  SetObject(handle, sim::kNoObject);
}

sim::ObjectId Machine::ObjectOf(const Handle& handle) const {
  const std::vector<sim::ObjectId>& objects = process().objects;
  return handle.named() && handle.name < objects.size() ? objects[handle.name] : sim::kNoObject;
}

void Machine::SetObject(const Handle& handle, sim::ObjectId object) {
  if (!handle.named()) return;
  std::vector<sim::ObjectId>& objects = process().objects;
  if (handle.name >= objects.size()) {
    if (object == sim::kNoObject) return;
    objects.resize(handle.name + 1, sim::kNoObject);
  }
  objects[handle.name] = object;
}

void Machine::Answer(const compat::Outcome& outcome, StepResult* result) const {
  result->answered = true;
  result->ret = outcome.ret;
  result->err = outcome.err;
  result->rule = outcome.rule;
  result->notices = system_.unmap_notices();
}

void Machine::Answer(Errno err, StepResult* result) const {
  result->answered = true;
  result->ret = err == Errno::kOk ? 0 : -1;
  result->err = err;
}

void Machine::ReleaseMappings() {
  for (const uint32_t cookie : released_) system_.ReleaseMapping(cookie);
  released_.clear();
}

absl::Status Machine::Run(const Step& step, StepResult* result) {
  result->answered = false;
  result->ret = 0;
  result->err = Errno::kOk;
  result->rule = nullptr;
  result->returned_fd = false;
  result->out_changed = false;
  result->mem.clear();
  result->notices.clear();
  result->spill.clear();
  result->view.clear();
  result->data.clear();

  absl::Status status;
  current_ = step.process < processes_.size() ? step.process : 0;
  if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
    status = Ioctl(*ioctl, result);
  } else if (const auto* begin = std::get_if<BeginAction>(&step.action)) {
    Begin(*begin);
  } else if (const auto* open = std::get_if<OpenAction>(&step.action)) {
    Open(*open, result);
  } else if (const auto* close = std::get_if<CloseAction>(&step.action)) {
    Answer(system_.Close(task(), FdOf(close->fd)), result);
    SetFd(close->fd, -1);
  } else if (const auto* dup = std::get_if<DupAction>(&step.action)) {
    const sim::ObjectId object = ObjectOf(dup->fd);
    Answer(system_.Dup(task(), FdOf(dup->fd)), result);
    result->returned_fd = result->err == Errno::kOk;
    SetFd(dup->as, result->returned_fd ? static_cast<int>(result->ret) : -1);
    if (result->returned_fd) SetObject(dup->as, object);
  } else if (const auto* file = std::get_if<NewFileAction>(&step.action)) {
    NewFile(*file, result);
  } else if (const auto* limit = std::get_if<LimitAction>(&step.action)) {
    system_.SetMemlockLimit(task(), limit->memlock);
  } else if (const auto* drop = std::get_if<DropCapabilityAction>(&step.action)) {
    system_.DropCapability(task(), drop->capability);
  } else if (const auto* entries = std::get_if<EntryLimitAction>(&step.action)) {
    system_.SetDmaEntryLimit(entries->value);
  } else if (const auto* view = std::get_if<ViewAction>(&step.action)) {
    if (options_.views && view->device < system_.config().devices.size()) {
      process().names.View(system_.iommu(), view->device, system_.config().devices, mm(),
                           &result->view);
    }
  } else if (const auto* dma = std::get_if<DmaAction>(&step.action)) {
    Dma(*dma, result);
  } else if (const auto* driver = std::get_if<DriverAction>(&step.action)) {
    RunDriver(*driver, result);
  } else if (const auto* mode = std::get_if<NoIommuModeAction>(&step.action)) {
    system_.SetUnsafeNoIommu(mode->on);
  } else if (std::holds_alternative<ForkAction>(step.action)) {
    status = Fork();
  } else if (std::holds_alternative<ExitAction>(step.action)) {
    Exit();
  } else if (const auto* exec = std::get_if<ExecAction>(&step.action)) {
    Exec(*exec);
  } else {
    RunMemory(step, result);
  }
  ObserveCharges(result);
  return status;
}

void Machine::Open(const OpenAction& open, StepResult* result) {
  std::string_view path = open.path;
  if (open.container && side_.mode != Mode::kNative) {
    path = side_.mode == Mode::kCompat ? "/dev/iommu" : "/dev/vfio/vfio";
  }
  Answer(ForeignPath(path)
             ? system_.InstallForeignFile(task(), compat::ForeignFile::kOther, sim::kNoObject)
             : system_.Open(task(), path),
         result);
  result->returned_fd = result->err == Errno::kOk;
  SetFd(open.as, result->returned_fd ? static_cast<int>(result->ret) : -1);
}

bool Machine::PlaceBuffer(uint64_t addr, const Bytes& bytes) {
  if (process().area.Place(mm(), addr, bytes)) return true;
  if (!fresh_->capture) return false;
  // The recording shows that the program had memory there (its stack, its heap), though no call
  // that was recorded made it.
  const uint64_t first = addr & sim::kPageMask;
  for (uint64_t page = first; page < addr + bytes.size(); page += sim::kPageSize) {
    if (!mm().Mapped(page, sim::kPageSize)) MapFixed(&mm(), page, sim::kPageSize);
  }
  return process().area.Place(mm(), addr, bytes);
}

bool Machine::PlaceStruct(const IoctlAction& ioctl, uint64_t at) {
  if (ioctl.fdfix.empty()) {
    placed_.clear();
    return PlaceBuffer(at, ioctl.in);
  }
  placed_ = ioctl.in;
  for (const IoctlAction::FdField& field : ioctl.fdfix) {
    const int32_t fd = FdOf(field.handle);
    std::memcpy(&placed_[field.offset], &fd, sizeof(fd));
  }
  return PlaceBuffer(at, placed_);
}

void Machine::NameReturnedFd(const IoctlAction& ioctl, int fd) {
  if (ioctl.retfd.named()) {
    SetFd(ioctl.retfd, fd);
  } else if (FdOf(ioctl.retfd_else) == -1) {
    SetFd(ioctl.retfd_else, fd);
  } else if (FdOf(ioctl.retfd_second) == -1) {
    SetFd(ioctl.retfd_second, fd);
  }
}

void Machine::CollectStruct(const IoctlAction& ioctl, uint64_t at, StepResult* result) {
  result->out.resize(ioctl.in.size());
  mm().Peek(at, result->out.data(), result->out.size());
  for (const IoctlAction::FdField& field : ioctl.fdfix) {
    if (std::memcmp(&result->out[field.offset], &placed_[field.offset], 4) == 0) {
      std::memcpy(&result->out[field.offset], &ioctl.in[field.offset], 4);
    }
  }
  for (const IoctlAction::FdField& field : ioctl.fdout) {
    int32_t fd;
    std::memcpy(&fd, &result->out[field.offset], sizeof(fd));
    if (result->err != Errno::kOk || fd < 0) continue;
    SetFd(field.handle, fd);
    std::memset(&result->out[field.offset], 0xfd, sizeof(fd));
  }
  result->out_changed = result->out != ioctl.in;
}

void Machine::CollectBuffers(const IoctlAction& ioctl, StepResult* result) {
  result->mem.resize(ioctl.mem.size());
  for (size_t i = 0; i < ioctl.mem.size(); ++i) {
    StepResult::MemAfter& after = result->mem[i];
    const Bytes& before = ioctl.mem[i].before;
    after.bytes.resize(before.size());
    mm().Peek(ioctl.mem[i].addr, after.bytes.data(), after.bytes.size());
    after.changed = after.bytes != before;
  }
}

absl::Status Machine::Ioctl(const IoctlAction& ioctl, StepResult* result) {
  const bool is_struct = ioctl.argument == IoctlAction::Argument::kStruct;
  const uint64_t at = ioctl.at.value_or(process().area.base());
  const uint64_t bytes = is_struct ? ioctl.in.size() : 0;
  uint64_t argument = is_struct ? at : ioctl.value;
  if (ioctl.set_up_iommu && side_.iommu_type) argument = *side_.iommu_type;

  process().area.Clear(mm(), is_struct ? at : 0, bytes);
  for (const IoctlAction::Buffer& buffer : ioctl.mem) {
    if (!PlaceBuffer(buffer.addr, buffer.before)) {
      return absl::InvalidArgumentError("a buffer of the ioctl is not in the program's memory");
    }
  }
  if (is_struct && !PlaceStruct(ioctl, at)) {
    return absl::InvalidArgumentError("the ioctl's struct of " + std::to_string(bytes) +
                                      " bytes does not fit where it should stand");
  }

  mm().ClearWriteLog();
  Answer(system_.Ioctl(task(), FdOf(ioctl.fd), ioctl.nr, argument), result);
  if (ioctl.returns_fd && result->err == Errno::kOk) {
    result->returned_fd = true;
    NameReturnedFd(ioctl, static_cast<int>(result->ret));
  }
  if (mm().write_log().empty()) {
    result->mem.resize(ioctl.mem.size());
    for (StepResult::MemAfter& after : result->mem) after.changed = false;
    return absl::OkStatus();
  }
  if (is_struct) CollectStruct(ioctl, at, result);
  CollectBuffers(ioctl, result);
  process().area.CollectSpill(mm(), at, bytes, &result->spill);
  return absl::OkStatus();
}

void Machine::AddToDigest(const StepResult& result, const compat::ObservedState& state,
                          RunDigest* digest) {
  digest->Add(static_cast<uint64_t>(result.ret));
  digest->Add(static_cast<uint64_t>(result.err) << 32 | uint64_t{result.answered} << 1 |
              uint64_t{result.out_changed});
  if (result.out_changed) digest->AddBytes(result.out.data(), result.out.size());
  for (const StepResult::MemAfter& after : result.mem) {
    if (after.changed) digest->AddBytes(after.bytes.data(), after.bytes.size());
  }
  for (const Expectation::Spill& spill : result.spill) {
    digest->Add(spill.addr);
    digest->AddBytes(spill.after.data(), spill.after.size());
  }
  for (const compat::UnmapNotice& notice : result.notices) {
    digest->Add(notice.device);
    digest->Add(notice.iova);
    digest->Add(notice.length);
  }
  if (!result.data.empty()) digest->AddBytes(result.data.data(), result.data.size());
  for (const ViewRun& run : result.view) {
    digest->Add(run.iova);
    digest->Add(run.len << 2 | run.rights);
    digest->Add(run.value << 3 | static_cast<uint64_t>(run.what));
  }
  digest->Add(result.vm_lck);
  digest->Add(result.vm_pin);
  for (const StepResult::Charge& charge : result.other_charges) {
    digest->Add(charge.process);
    digest->Add(charge.vm_lck);
    digest->Add(charge.vm_pin);
  }
  for (const sim::Digest* part : {&state.mappings, &state.usable, &state.files, &state.dirty}) {
    digest->Add(part->lane[0]);
    digest->Add(part->lane[1]);
  }
  digest->Add(state.charged_pages);
  for (const compat::DeviceState& device : state.devices) {
    digest->Add(device.attached);
    digest->Add(device.reach.lane[0]);
    digest->Add(device.reach.lane[1]);
  }
}

}  // namespace iovalid::conformance
