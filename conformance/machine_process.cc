// SPDX-License-Identifier: Apache-2.0
// The processes of a machine: fork, exit, exec, what they are charged, and DMA of the devices.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "conformance/machine.h"
#include "hwmodel/pci_device.h"
#include "sim/digest.h"

namespace iovalid::conformance {
namespace {

constexpr compat::Rule kDmaFault{"dma.fault", "iommu", "the IOMMU blocked the transfer"};
constexpr compat::Rule kDmaMmio{"unmodelled.device_dma.mmio", "device_dma",
                                "DMA to another device's registers is not modelled"};

}  // namespace

// copy_process: the child has the parent's descriptors, credentials and limits, and a copy of its
// memory. What the parent is charged for stays with the parent.
absl::Status Machine::Fork() {
  std::vector<uint32_t> cookies;
  const sim::MmId mm = memory_.ForkMm(process().mm, &cookies);
  const auto last = static_cast<sim::MmId>(memory_.mm_count() - 1);
  (void)system_.AttachMm(&memory_.mm(last));
  if (mm == sim::kNoMm) return absl::InvalidArgumentError("fork: no memory is left for the child");
  for (const uint32_t cookie : cookies) system_.RetainMapping(cookie);
  Process child = process();
  child.mm = mm;
  child.task = system_.Fork(task(), mm);
  child.vm_lck = child.vm_pin = 0;
  processes_.push_back(std::move(child));
  return absl::OkStatus();
}

// exit_mm: the kernel can no longer take a reference (mmget_not_zero) by the time that the mappings
// go.
void Machine::LeaveMm() {
  system_.DropMm(process().mm);
  memory_.RemoveMm(process().mm, &released_);
  ReleaseMappings();
}

void Machine::Exit() {
  LeaveMm();
  system_.Exit(task());
  process().ended = true;
}

// begin_new_exec: the old memory goes first, then the descriptors with O_CLOEXEC.
void Machine::Exec(const ExecAction& exec) {
  std::vector<int> kept;
  for (const Handle& handle : exec.kept) kept.push_back(FdOf(handle));
  std::sort(kept.begin(), kept.end());
  LeaveMm();
  Process& self = process();
  self.mm = memory_.AddMm();
  self.area = ArgumentArea(self.area.base(), self.area.size());
  self.names = PageNames();
  (void)system_.AttachMm(&memory_.mm(self.mm));
  PrepareMm(&memory_, self.mm, fresh_->text, &self.area);
  system_.Exec(self.task, self.mm, kept);
  for (int& fd : self.fds) {
    if (!std::binary_search(kept.begin(), kept.end(), fd)) fd = -1;
  }
}

sim::Digest Machine::Identity() const {
  sim::Digest digest = system_.IdentityDigest();
  for (uint64_t i = 0; i < processes_.size(); ++i) {
    digest += sim::HashWords('P', i, processes_[i].task, processes_[i].ended);
    for (uint64_t name = 0; name < processes_[i].fds.size(); ++name) {
      const int fd = processes_[i].fds[name];
      if (fd != -1) digest += sim::HashWords('n', i, name, static_cast<uint64_t>(fd));
    }
  }
  return digest;
}

void Machine::ObserveCharges(StepResult* result) {
  constexpr uint64_t kKb = sim::kPageSize / 1024;
  result->other_charges.clear();
  for (uint32_t i = 0; i < processes_.size(); ++i) {
    Process& process = processes_[i];
    if (process.ended && i != current_) continue;
    const sim::MmAccount& account = system_.account(process.mm);
    const uint64_t lck = process.ended ? 0 : account.locked_vm * kKb;
    const uint64_t pin = process.ended ? 0 : account.pinned_vm * kKb;
    const bool changed = !process.ended && (lck != process.vm_lck || pin != process.vm_pin);
    process.vm_lck = lck;
    process.vm_pin = pin;
    if (i == current_) {
      result->vm_lck = lck;
      result->vm_pin = pin;
      result->charges_changed = changed;
    } else if (changed) {
      result->other_charges.push_back({i, lck, pin});
    }
  }
}

void Machine::Dma(const DmaAction& dma, StepResult* result) {
  if (dma.device >= system_.config().devices.size()) return;
  const hwmodel::PciDevice engine(dma.device);
  hwmodel::DmaResult moved;
  if (dma.write) {
    moved = engine.Write(system_.iommu(), memory_, dma.iova, dma.data.data(), dma.data.size());
  } else {
    result->data.resize(dma.len);
    moved = engine.Read(system_.iommu(), memory_, dma.iova, result->data.data(), dma.len);
    result->data.resize(moved.bytes);
  }
  result->answered = true;
  result->ret = static_cast<int64_t>(moved.bytes);
  switch (moved.stop) {
    case hwmodel::DmaResult::Stop::kFault:
      result->err = sim::Errno::kFAULT;
      result->rule = &kDmaFault;
      break;
    case hwmodel::DmaResult::Stop::kNoMemory:
      result->err = sim::Errno::kNXIO;
      result->rule = &kDmaMmio;
      break;
    default:
      break;
  }
}

}  // namespace iovalid::conformance
