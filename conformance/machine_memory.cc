// SPDX-License-Identifier: Apache-2.0
// The memory of a machine's processes: what a program maps, unmaps and touches.
#include <utility>
#include <variant>
#include <vector>

#include "compat/pci/vfio_pci.h"
#include "conformance/machine.h"

namespace iovalid::conformance {
namespace {

using sim::Errno;

// Memory that every script finds (the recorder's own); the argument page stands in machine.cc.
constexpr uint64_t kScratch = 0x70010000, kScratchBytes = 0x10000;
constexpr uint64_t kText = 0x400000;

}  // namespace

void Machine::MapFixed(sim::SimMm* mm, uint64_t addr, uint64_t len) {
  sim::MapRequest request;
  request.addr = addr;
  request.len = len;
  request.read = request.write = true;
  std::vector<uint32_t> released;
  (void)mm->Map(request, &released);
}

void Machine::PrepareMm(sim::SimMemory* memory, sim::MmId id, sim::ObjectId text,
                        ArgumentArea* area) {
  sim::SimMm& mm = memory->mm(id);
  MapFixed(&mm, area->base(), area->size());
  area->FillAll(mm);
  if (text == sim::kNoObject) return;
  MapFixed(&mm, kScratch, kScratchBytes);
  (void)mm.Touch(kScratch, kScratchBytes, /*write=*/true);
  sim::MapRequest request;
  request.addr = kText;
  request.len = memory->objects().size(text);
  request.read = request.exec = true;
  request.file_writable = false;
  request.object = text;
  std::vector<uint32_t> released;
  (void)mm.Map(request, &released);
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
  if (options_.views) process().names.Look(mm());
  if (map.source == MemorySource::kBar) {
    const int fd = FdOf(map.obj);
    if (map.stated && fd == -1) return;
    Answer(system_.MmapDevice(task(), fd, map.addr, map.len, map.prot & 1, map.prot & 2,
                              compat::RegionOffset(map.region) + map.off),
           result);
    if (result->err == Errno::kOk) result->ret = 0;
  } else {
    Answer(MapMemory(map), result);
    ReleaseMappings();
  }
  if (result->err != Errno::kOk) return;
  if (options_.views) process().names.AddMapping(map.addr, map.len, map.label, map.off);
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
  Answer(system_.InstallForeignFile(task(), kind, object), result);
  SetFd(file.as, result->err == Errno::kOk ? static_cast<int>(result->ret) : -1);
  SetObject(file.as, object);
  if (result->err == Errno::kOk) result->ret = 0;
}

void Machine::RunMemory(const Step& step, StepResult* result) {
  if (const auto* map = std::get_if<MapAction>(&step.action)) {
    Map(*map, result);
  } else if (const auto* unmap = std::get_if<UnmapAction>(&step.action)) {
    if (options_.views) process().names.Look(mm());
    Answer(mm().Unmap(unmap->addr, unmap->len, &released_), result);
    ReleaseMappings();
  } else if (const auto* protect = std::get_if<ProtectAction>(&step.action)) {
    if (options_.views) process().names.Look(mm());
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
  } else if (const auto* resize = std::get_if<ResizeAction>(&step.action)) {
    const sim::ObjectId object = ObjectOf(resize->fd);
    Answer(object == sim::kNoObject ? Errno::kBADF : memory_.Resize(object, resize->size), result);
  }
}

}  // namespace iovalid::conformance
