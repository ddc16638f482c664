// SPDX-License-Identifier: Apache-2.0
#include "traces/validate.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "traces/limits.h"

namespace iovalid::traces {
namespace {

constexpr uint32_t kMaxErrno = 4095;
constexpr uint32_t kProtBits = 7;

absl::Status Bad(const char* field, const char* why) {
  return absl::InvalidArgumentError(absl::StrCat(field, " ", why));
}

absl::Status Name(const char* field, const std::string& name) {
  if (name.size() > kMaxNameBytes) return Bad(field, "is longer than a name may be (255 bytes)");
  return absl::OkStatus();
}

absl::Status Text(const char* field, const std::string& text) {
  if (text.size() > kMaxStringBytes) return Bad(field, "is longer than 4096 bytes");
  return absl::OkStatus();
}

absl::Status Count(const char* field, int count, int limit) {
  if (count > limit) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", count, " entries, more than ", limit));
  }
  return absl::OkStatus();
}

absl::Status Prot(const char* field, uint32_t prot) {
  if (prot & ~kProtBits) return Bad(field, "has bits other than read, write and execute");
  return absl::OkStatus();
}

absl::Status Kind(const char* field, MemoryKind kind) {
  if (!MemoryKind_IsValid(kind)) return Bad(field, "is not a known kind of memory");
  return absl::OkStatus();
}

// The first that is not ok.
template <typename... S>
absl::Status All(S... statuses) {
  absl::Status first;
  ((first.ok() ? void(first = std::move(statuses)) : void()), ...);
  return first;
}

absl::Status CheckExec(const Exec& exec) {
  absl::Status status = Count("exec.kept", exec.kept_size(), kMaxKept);
  for (int i = 0; status.ok() && i < exec.kept_size(); ++i)
    status = Name("exec.kept", exec.kept(i));
  return status;
}

using FdFields = google::protobuf::RepeatedPtrField<FdField>;

absl::Status CheckFdFields(const char* field, const FdFields& fields, const Ioctl& ioctl) {
  if (auto status = Count(field, fields.size(), kMaxFdFields); !status.ok()) return status;
  for (const FdField& fd : fields) {
    if (ioctl.argument_case() != Ioctl::kIn || fd.offset() > ioctl.in().size() ||
        ioctl.in().size() - fd.offset() < sizeof(uint32_t)) {
      return Bad(field, "names bytes outside the struct");
    }
    if (auto status = Name(field, fd.name()); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckIoctl(const Ioctl& ioctl, const Outcome* outcome) {
  if (auto status = All(Name("ioctl.fd", ioctl.fd()), Name("ioctl.cmd", ioctl.cmd()),
                        Name("ioctl.retfd", ioctl.retfd()),
                        Count("ioctl.mem", ioctl.mem_size(), kMaxUserBuffers),
                        CheckFdFields("ioctl.fdfix", ioctl.fdfix(), ioctl),
                        CheckFdFields("ioctl.fdout", ioctl.fdout(), ioctl));
      !status.ok()) {
    return status;
  }
  if (ioctl.argument_case() == Ioctl::ARGUMENT_NOT_SET) {
    return Bad("ioctl", "has no argument (integer, pointer or in)");
  }
  if (ioctl.has_at() && ioctl.argument_case() != Ioctl::kIn) {
    return Bad("ioctl.at", "stands without in");
  }
  if (outcome == nullptr) return absl::OkStatus();
  if (outcome->returned_fd() && ioctl.retfd().empty()) {
    return Bad("outcome.returned_fd", "stands without ioctl.retfd");
  }
  if (outcome->after_case() != Outcome::AFTER_NOT_SET && ioctl.argument_case() != Ioctl::kIn) {
    return Bad("outcome.out", "stands without ioctl.in");
  }
  if (outcome->after_case() == Outcome::kOut && outcome->out().size() != ioctl.in().size()) {
    return Bad("outcome.out", "is not as long as ioctl.in");
  }
  if (outcome->mem_size() != ioctl.mem_size()) {
    return Bad("outcome.mem", "has not one entry for each of ioctl.mem");
  }
  for (int i = 0; i < outcome->mem_size(); ++i) {
    const MemAfter& after = outcome->mem(i);
    if (after.after_case() == MemAfter::AFTER_NOT_SET) {
      return Bad("outcome.mem", "says neither bytes_after nor unchanged");
    }
    if (after.after_case() == MemAfter::kBytesAfter &&
        after.bytes_after().size() != ioctl.mem(i).before().size()) {
      return Bad("outcome.mem", "is not as long as its ioctl.mem");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckView(const DmaView& view) {
  if (auto status = All(Name("dma_view.dev", view.dev()),
                        Count("dma_view.view", view.view().runs_size(), kMaxRuns));
      !status.ok()) {
    return status;
  }
  for (const Run& run : view.view().runs()) {
    if (run.what_case() == Run::WHAT_NOT_SET) return Bad("dma_view.view", "has a run without page");
    if (run.access() > 3) return Bad("dma_view.view", "has access bits other than read and write");
    if (run.what_case() == Run::kStale || run.what_case() == Run::kBar) {
      const ObjectAt& at = run.what_case() == Run::kStale ? run.stale() : run.bar();
      if (auto status = Name("dma_view.view", at.obj()); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOutcome(const Outcome& outcome, Event::WhatCase what) {
  if (outcome.has_error() && outcome.error() > kMaxErrno) {
    return Bad("outcome.error", "is larger than 4095");
  }
  if (what != Event::kIoctl &&
      (outcome.returned_fd() || outcome.after_case() != Outcome::AFTER_NOT_SET ||
       outcome.mem_size() != 0 || outcome.spill_size() != 0)) {
    return Bad("outcome", "has fields that only an ioctl can have");
  }
  return Count("outcome.spill", outcome.spill_size(), kMaxSpills);
}

absl::Status CheckMmap(const Mmap& mmap) {
  if (!Touched_IsValid(mmap.touch())) return Bad("mmap.touch", "is not a known value");
  return All(Prot("mmap.prot", mmap.prot()), Kind("mmap.kind", mmap.kind()),
             Name("mmap.obj", mmap.obj()));
}

absl::Status CheckWhat(const Event& event, const Outcome* outcome) {
  switch (event.what_case()) {
    case Event::kSequenceBegin: {
      const SequenceBegin& begin = event.sequence_begin();
      if (begin.rlimit_memlock() < -1) {
        return Bad("sequence_begin.rlimit_memlock", "is below -1");
      }
      return All(Text("sequence_begin.name", begin.name()),
                 Text("sequence_begin.opens", begin.opens()));
    }
    case Event::kOpen:
      return All(Text("open.path", event.open().path()), Text("open.node", event.open().node()),
                 Name("open.as", event.open().as()), Name("open.access", event.open().access()));
    case Event::kClose:
      return Name("close.fd", event.close().fd());
    case Event::kDup:
      return All(Name("dup.fd", event.dup().fd()), Name("dup.as", event.dup().as()));
    case Event::kIoctl:
      return CheckIoctl(event.ioctl(), outcome);
    case Event::kMmap:
      return CheckMmap(event.mmap());
    case Event::kMprotect:
      return Prot("mprotect.prot", event.mprotect().prot());
    case Event::kMlock:
      return Name("mlock.call", event.mlock().call());
    case Event::kMemfd:
      return Name("memfd.as", event.memfd().as());
    case Event::kEventfd:
      return Name("eventfd.as", event.eventfd().as());
    case Event::kFile:
      return All(Name("file.as", event.file().as()), Text("file.what", event.file().what()));
    case Event::kFtruncate:
      return Name("ftruncate.fd", event.ftruncate().fd());
    case Event::kVma:
      return All(Prot("vma.prot", event.vma().prot()), Kind("vma.kind", event.vma().kind()),
                 Name("vma.obj", event.vma().obj()));
    case Event::kSetrlimit:
      if (event.setrlimit().memlock() < -1) return Bad("setrlimit.memlock", "is below -1");
      return absl::OkStatus();
    case Event::kCapDrop:
      return Name("cap_drop.cap", event.cap_drop().cap());
    case Event::kSetModuleParameter:
      return All(Name("set_module_parameter.module", event.set_module_parameter().module()),
                 Name("set_module_parameter.name", event.set_module_parameter().name()));
    case Event::kDeviceDma:
      if (event.device_dma().len() > kMaxDmaBytes) {
        return Bad("device_dma.len", "is more than 1 MiB");
      }
      if (event.device_dma().write() &&
          event.device_dma().data().size() != event.device_dma().len()) {
        return Bad("device_dma.data", "is not len bytes");
      }
      return Name("device_dma.dev", event.device_dma().dev());
    case Event::kMdevPin:
      if (event.mdev_pin().access() > 3) {
        return Bad("mdev_pin.access", "has bits other than read and write");
      }
      if (event.mdev_pin().pages() > kMaxPinPages) {
        return Bad("mdev_pin.pages", "is more than 1,048,576");
      }
      return Name("mdev_pin.dev", event.mdev_pin().dev());
    case Event::kMdevUnpin:
      return Name("mdev_unpin.dev", event.mdev_unpin().dev());
    case Event::kMdevRw:
      if (event.mdev_rw().len() > kMaxDmaBytes) return Bad("mdev_rw.len", "is more than 1 MiB");
      if (event.mdev_rw().write() && event.mdev_rw().data().size() != event.mdev_rw().len()) {
        return Bad("mdev_rw.data", "is not len bytes");
      }
      return Name("mdev_rw.dev", event.mdev_rw().dev());
    case Event::kRead:
      return Name("read.fd", event.read().fd());
    case Event::kWrite:
      return Name("write.fd", event.write().fd());
    case Event::kPoll:
      return Name("poll.fd", event.poll().fd());
    case Event::kDmaView:
      return CheckView(event.dma_view());
    case Event::kExec:
      return CheckExec(event.exec());
    case Event::kSequenceEnd:
    case Event::kMunmap:
    case Event::kMremap:
    case Event::kMadvise:
    case Event::kTouch:
    case Event::kFork:
    case Event::kExit:
    case Event::kObserve:
    case Event::kCrash:
      return absl::OkStatus();
    case Event::WHAT_NOT_SET:
      break;
  }
  if (event.GetReflection()->GetUnknownFields(event).empty()) {
    return absl::InvalidArgumentError("the event does not say what it is");
  }
  return absl::OkStatus();
}

absl::Status CheckSize(size_t bytes, size_t limit) {
  if (bytes > limit) {
    return absl::InvalidArgumentError(
        absl::StrCat("the message has ", bytes, " bytes, more than ", limit));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateEvent(const Event& event) {
  const Outcome* outcome = event.has_outcome() ? &event.outcome() : nullptr;
  if (outcome != nullptr) {
    if (auto status = CheckOutcome(*outcome, event.what_case()); !status.ok()) return status;
  }
  return CheckWhat(event, outcome);
}

absl::Status ValidateHeader(const Header& header) {
  if (auto status = CheckSize(header.ByteSizeLong(), kMaxHeaderBytes); !status.ok()) return status;
  if (!Mode_IsValid(header.mode())) return Bad("header.mode", "is not a known mode");
  if (auto status = All(
          Text("header.kernel", header.kernel()), Text("header.uname", header.uname()),
          Text("header.config", header.config()), Text("header.family", header.family()),
          Text("header.program", header.program()),
          Text("header.container_node", header.container_node()),
          Text("header.hardware.type", header.hardware().type()),
          Text("header.hardware.mode", header.hardware().mode()),
          Count("header.devices", header.devices_size(), kMaxDevices),
          Count("header.module_parameters", header.module_parameters_size(), kMaxModuleParameters));
      !status.ok()) {
    return status;
  }
  for (const Device& device : header.devices()) {
    if (!DeviceKind_IsValid(device.kind())) {
      return Bad("header.devices.kind", "is not a known kind of device");
    }
    if (!DmaUnmap_IsValid(device.dma_unmap())) {
      return Bad("header.devices.dma_unmap", "is not a known behaviour of a driver");
    }
    if (auto status = All(Name("header.devices.name", device.name()),
                          Name("header.devices.bdf", device.bdf()),
                          Name("header.devices.group", device.group()),
                          Name("header.devices.cdev", device.cdev()),
                          Text("header.devices.group_path", device.group_path()),
                          Text("header.devices.cdev_path", device.cdev_path()),
                          Text("header.devices.model", device.model()));
        !status.ok()) {
      return status;
    }
  }
  for (const ModuleParameter& parameter : header.module_parameters()) {
    if (auto status = All(Name("header.module_parameters.module", parameter.module()),
                          Name("header.module_parameters.name", parameter.name()),
                          Text("header.module_parameters.value", parameter.value()));
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace iovalid::traces
