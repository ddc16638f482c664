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

constexpr sim::TaskId kTask = 0;

// Memory that every script finds (the recorder's own).
constexpr uint64_t kArgumentPage = 0x70000000;
constexpr uint64_t kScratch = 0x70010000, kScratchBytes = 0x10000;
constexpr uint64_t kText = 0x400000, kTextBytes = 0x9e000;
constexpr uint64_t kGoldenFileBytes = 64 << 10;
// A recorded program never has memory below mmap_min_addr: its arguments stand there.
constexpr uint64_t kCaptureArea = 0x1000, kCaptureAreaBytes = 0xf000;

// What dma_view and the reports may not see: what is no node of VFIO or iommufd.
bool ForeignPath(std::string_view path) {
  return path != "/dev/iommu" && path.substr(0, 9) != "/dev/vfio";
}

// A mapping of the replay itself, at a place that is known to be good.
void MapFixed(sim::SimMm& mm, uint64_t addr, uint64_t len) {
  sim::MapRequest request;
  request.addr = addr;
  request.len = len;
  request.read = request.write = true;
  std::vector<uint32_t> released;
  (void)mm.Map(request, &released);
}

void PrepareScriptMemory(sim::SimMemory* memory, ArgumentArea* area) {
  sim::SimMm& mm = memory->mm(0);
  MapFixed(mm, kArgumentPage, sim::kPageSize);
  area->FillAll(mm);
  MapFixed(mm, kScratch, kScratchBytes);
  (void)mm.Touch(kScratch, kScratchBytes, /*write=*/true);
  sim::MapRequest text;
  text.addr = kText;
  text.len = kTextBytes;
  text.read = text.exec = true;
  text.file_writable = false;
  text.object = memory->CreateObject(sim::ObjectKind::kShmem, kTextBytes);
  std::vector<uint32_t> released;
  (void)mm.Map(text, &released);
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
  return true;
}

absl::StatusOr<Machine> Machine::Create(const traces::Header& header, const Side& side,
                                        const Options& options) {
  absl::StatusOr<compat::SystemConfig> config = BuildSystemConfig(header, side);
  if (!config.ok()) return config.status();
  const bool capture = header.capture();
  ArgumentArea area = capture ? ArgumentArea(kCaptureArea, kCaptureAreaBytes)
                              : ArgumentArea(kArgumentPage, sim::kPageSize);
  auto fresh = std::make_shared<Template>(Template{compat::System(*std::move(config)),
                                                   sim::SimMemory(side.profile->memory),
                                                   sim::kNoObject, capture});
  fresh->memory.AddMm();
  (void)fresh->system.AttachMm(nullptr);
  if (capture) {
    MapFixed(fresh->memory.mm(0), kCaptureArea, kCaptureAreaBytes);
    area.FillAll(fresh->memory.mm(0));
  } else {
    PrepareScriptMemory(&fresh->memory, &area);
  }
  fresh->golden_file = fresh->memory.CreateObject(sim::ObjectKind::kShmem, kGoldenFileBytes);
  return Machine(side, options, std::move(fresh), area);
}

Machine::Machine(const Side& side, const Options& options, std::shared_ptr<const Template> fresh,
                 const ArgumentArea& area)
    : side_(side),
      options_(options),
      fresh_(std::move(fresh)),
      system_(fresh_->system),
      memory_(fresh_->memory),
      area_(area) {
  Begin(BeginAction());
}

Machine::Machine(const Machine& other)
    : side_(other.side_),
      options_(other.options_),
      fresh_(other.fresh_),
      system_(other.system_),
      memory_(other.memory_),
      area_(other.area_),
      names_(other.names_),
      fds_(other.fds_),
      objects_(other.objects_),
      vm_lck_(other.vm_lck_),
      vm_pin_(other.vm_pin_) {
  Attach();
}

Machine::Machine(Machine&& other) noexcept
    : side_(other.side_),
      options_(other.options_),
      fresh_(other.fresh_),
      system_(std::move(other.system_)),
      memory_(std::move(other.memory_)),
      area_(std::move(other.area_)),
      names_(std::move(other.names_)),
      fds_(std::move(other.fds_)),
      objects_(std::move(other.objects_)),
      vm_lck_(other.vm_lck_),
      vm_pin_(other.vm_pin_) {
  Attach();
}

Machine& Machine::operator=(const Machine& other) {
  if (this != &other) {
    side_ = other.side_;
    options_ = other.options_;
    fresh_ = other.fresh_;
    system_ = other.system_;
    memory_ = other.memory_;
    area_ = other.area_;
    names_ = other.names_;
    fds_ = other.fds_;
    objects_ = other.objects_;
    vm_lck_ = other.vm_lck_;
    vm_pin_ = other.vm_pin_;
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
    area_ = std::move(other.area_);
    names_ = std::move(other.names_);
    fds_ = std::move(other.fds_);
    objects_ = std::move(other.objects_);
    vm_lck_ = other.vm_lck_;
    vm_pin_ = other.vm_pin_;
    Attach();
  }
  return *this;
}

void Machine::Begin(const BeginAction& begin) {
  system_ = fresh_->system;
  memory_ = fresh_->memory;
  area_ = ArgumentArea(area_.base(), area_.size());
  names_ = PageNames();
  fds_.clear();
  objects_.clear();
  vm_lck_ = vm_pin_ = 0;
  Attach();
  (void)system_.AddTask(0, compat::TaskConfig{begin.uid, begin.cap_ipc_lock, begin.rlimit_memlock});
  system_.SetDmaEntryLimit(begin.dma_entry_limit);
}

int Machine::FdOf(const Handle& handle) const {
  if (!handle.named()) return handle.raw;
  return handle.name < fds_.size() ? fds_[handle.name] : -1;
}

void Machine::SetFd(const Handle& handle, int fd) {
  if (!handle.named()) return;
  if (handle.name >= fds_.size()) fds_.resize(handle.name + 1, -1);
  fds_[handle.name] = fd;
  SetObject(handle, sim::kNoObject);
}

sim::ObjectId Machine::ObjectOf(const Handle& handle) const {
  return handle.named() && handle.name < objects_.size() ? objects_[handle.name] : sim::kNoObject;
}

void Machine::SetObject(const Handle& handle, sim::ObjectId object) {
  if (!handle.named()) return;
  if (handle.name >= objects_.size()) {
    if (object == sim::kNoObject) return;
    objects_.resize(handle.name + 1, sim::kNoObject);
  }
  objects_[handle.name] = object;
}

void Machine::Answer(const compat::Outcome& outcome, StepResult* result) const {
  result->answered = true;
  result->ret = outcome.ret;
  result->err = outcome.err;
  result->rule = outcome.rule;
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
  result->spill.clear();
  result->view.clear();

  absl::Status status;
  if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
    status = Ioctl(*ioctl, result);
  } else if (const auto* begin = std::get_if<BeginAction>(&step.action)) {
    Begin(*begin);
  } else if (const auto* open = std::get_if<OpenAction>(&step.action)) {
    Open(*open, result);
  } else if (const auto* close = std::get_if<CloseAction>(&step.action)) {
    Answer(system_.Close(kTask, FdOf(close->fd)), result);
    SetFd(close->fd, -1);
  } else if (const auto* dup = std::get_if<DupAction>(&step.action)) {
    const sim::ObjectId object = ObjectOf(dup->fd);
    Answer(system_.Dup(kTask, FdOf(dup->fd)), result);
    result->returned_fd = result->err == Errno::kOk;
    SetFd(dup->as, result->returned_fd ? static_cast<int>(result->ret) : -1);
    if (result->returned_fd) SetObject(dup->as, object);
  } else if (const auto* map = std::get_if<MapAction>(&step.action)) {
    Map(*map, result);
  } else if (const auto* unmap = std::get_if<UnmapAction>(&step.action)) {
    if (options_.views) names_.Look(mm());
    Answer(mm().Unmap(unmap->addr, unmap->len, &released_), result);
    ReleaseMappings();
  } else if (const auto* protect = std::get_if<ProtectAction>(&step.action)) {
    if (options_.views) names_.Look(mm());
    Answer(mm().Protect(protect->addr, protect->len, protect->prot & 1, protect->prot & 2,
                        protect->prot & 4),
           result);
  } else if (const auto* remap = std::get_if<RemapAction>(&step.action)) {
    Answer(mm().Remap(remap->addr, remap->old_len, remap->new_addr, remap->new_len, &released_),
           result);
    ReleaseMappings();
  } else if (const auto* advise = std::get_if<AdviseAction>(&step.action)) {
    Answer(mm().Madvise(advise->addr, advise->len, advise->advice), result);
  } else if (const auto* touch = std::get_if<TouchAction>(&step.action)) {
    (void)mm().Touch(touch->addr, touch->len, touch->write);
  } else if (const auto* file = std::get_if<NewFileAction>(&step.action)) {
    NewFile(*file, result);
  } else if (const auto* resize = std::get_if<ResizeAction>(&step.action)) {
    const sim::ObjectId object = ObjectOf(resize->fd);
    Answer(object == sim::kNoObject ? Errno::kBADF : memory_.Resize(object, resize->size), result);
  } else if (const auto* limit = std::get_if<LimitAction>(&step.action)) {
    system_.SetMemlockLimit(kTask, limit->memlock);
  } else if (const auto* drop = std::get_if<DropCapabilityAction>(&step.action)) {
    system_.DropCapability(kTask, drop->capability);
  } else if (const auto* entries = std::get_if<EntryLimitAction>(&step.action)) {
    system_.SetDmaEntryLimit(entries->value);
  } else if (const auto* view = std::get_if<ViewAction>(&step.action)) {
    if (options_.views && view->device < system_.config().devices.size()) {
      names_.View(system_.iommu(), view->device, system_.config().devices, mm(), &result->view);
    }
  }

  const sim::MmAccount& account = system_.account(0);
  result->vm_lck = account.locked_vm * (sim::kPageSize / 1024);
  result->vm_pin = account.pinned_vm * (sim::kPageSize / 1024);
  result->charges_changed = result->vm_lck != vm_lck_ || result->vm_pin != vm_pin_;
  vm_lck_ = result->vm_lck;
  vm_pin_ = result->vm_pin;
  return status;
}

void Machine::Open(const OpenAction& open, StepResult* result) {
  std::string_view path = open.path;
  if (open.container && side_.mode != Mode::kNative) {
    path = side_.mode == Mode::kCompat ? "/dev/iommu" : "/dev/vfio/vfio";
  }
  Answer(ForeignPath(path)
             ? system_.InstallForeignFile(kTask, compat::ForeignFile::kOther, sim::kNoObject)
             : system_.Open(kTask, path),
         result);
  result->returned_fd = result->err == Errno::kOk;
  SetFd(open.as, result->returned_fd ? static_cast<int>(result->ret) : -1);
}

bool Machine::PlaceBuffer(uint64_t addr, const Bytes& bytes) {
  if (area_.Place(mm(), addr, bytes)) return true;
  if (!fresh_->capture) return false;
  // The recording shows that the program had memory there (its stack, its heap), though no call
  // that was recorded made it.
  const uint64_t first = addr & sim::kPageMask;
  for (uint64_t page = first; page < addr + bytes.size(); page += sim::kPageSize) {
    if (!mm().Mapped(page, sim::kPageSize)) MapFixed(mm(), page, sim::kPageSize);
  }
  return area_.Place(mm(), addr, bytes);
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
  const uint64_t at = ioctl.at.value_or(area_.base());
  const uint64_t bytes = is_struct ? ioctl.in.size() : 0;
  uint64_t argument = is_struct ? at : ioctl.value;
  if (ioctl.set_up_iommu && side_.iommu_type) argument = *side_.iommu_type;

  area_.Clear(mm(), is_struct ? at : 0, bytes);
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
  Answer(system_.Ioctl(kTask, FdOf(ioctl.fd), ioctl.nr, argument), result);
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
  area_.CollectSpill(mm(), at, bytes, &result->spill);
  return absl::OkStatus();
}

sim::ObjectId Machine::ObjectFor(const MapAction& map) {
  if (map.source == MemorySource::kGoldenFile) return fresh_->golden_file;
  const bool huge = map.source == MemorySource::kHugetlbObject;
  const uint64_t unit = huge ? sim::kHugePages * sim::kPageSize : sim::kPageSize;
  sim::ObjectId object = ObjectOf(map.obj);
  if (!fresh_->capture || map.len == 0 || map.len > sim::kUserTop || map.off > sim::kUserTop) {
    return object;
  }
  const uint64_t end = (map.off + map.len + unit - 1) / unit * unit;
  if (object == sim::kNoObject) {
    object = memory_.CreateObject(huge ? sim::ObjectKind::kHugetlb : sim::ObjectKind::kShmem, end);
    SetObject(map.obj, object);
  } else if (huge && memory_.objects().size(object) < end) {
    (void)memory_.Resize(object, end);
  }
  return object;
}

Errno Machine::MapMemory(const MapAction& map) {
  sim::MapRequest request;
  request.addr = map.addr;
  request.len = map.len;
  request.read = map.prot & 1;
  request.write = map.prot & 2;
  request.exec = map.prot & 4;
  request.shared = map.shared;
  request.file_writable = map.file_writable;
  request.offset = map.off;
  switch (map.source) {
    case MemorySource::kAnonPrivate:
    case MemorySource::kAnonShared:
    case MemorySource::kBar:
      request.offset = 0;
      break;
    case MemorySource::kHugetlbAnon:
      request.hugetlb = true;
      request.offset = 0;
      break;
    case MemorySource::kHugetlbObject:
      request.hugetlb = true;
      request.object = ObjectFor(map);
      break;
    case MemorySource::kObject:
    case MemorySource::kGoldenFile:
      request.object = ObjectFor(map);
      if (request.object == sim::kNoObject) return Errno::kBADF;
      break;
  }
  return mm().Map(request, &released_);
}

void Machine::Map(const MapAction& map, StepResult* result) {
  if (map.stated && mm().Mapped(map.addr, map.len)) return;
  if (options_.views) names_.Look(mm());
  if (map.source == MemorySource::kBar) {
    const int fd = FdOf(map.obj);
    if (map.stated && fd == -1) return;
    Answer(system_.MmapDevice(kTask, fd, map.addr, map.len, map.prot & 1, map.prot & 2,
                              compat::RegionOffset(map.region) + map.off),
           result);
    if (result->err == Errno::kOk) result->ret = 0;
  } else {
    Answer(MapMemory(map), result);
    ReleaseMappings();
  }
  if (result->err != Errno::kOk) return;
  if (options_.views) names_.AddMapping(map.addr, map.len, map.label, map.off);
  if (map.touch != TouchHow::kNone) {
    (void)mm().Touch(map.addr, map.len, map.touch == TouchHow::kWrite);
  }
}

void Machine::NewFile(const NewFileAction& file, StepResult* result) {
  using Kind = NewFileAction::Kind;
  sim::ObjectId object = sim::kNoObject;
  compat::ForeignFile kind = compat::ForeignFile::kOther;
  if (file.kind != Kind::kEventfd && file.size <= sim::kUserTop) {
    object = memory_.CreateObject(sim::ObjectKind::kShmem, file.size);
  }
  if (file.kind == Kind::kMemfd) kind = compat::ForeignFile::kMemfd;
  if (file.kind == Kind::kEventfd) kind = compat::ForeignFile::kEventfd;
  Answer(system_.InstallForeignFile(kTask, kind, object), result);
  SetFd(file.as, result->err == Errno::kOk ? static_cast<int>(result->ret) : -1);
  SetObject(file.as, object);
  if (result->err == Errno::kOk) result->ret = 0;
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
  for (const ViewRun& run : result.view) {
    digest->Add(run.iova);
    digest->Add(run.len << 2 | run.rights);
    digest->Add(run.value << 3 | static_cast<uint64_t>(run.what));
  }
  digest->Add(result.vm_lck);
  digest->Add(result.vm_pin);
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
