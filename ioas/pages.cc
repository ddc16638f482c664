// SPDX-License-Identifier: Apache-2.0
#include "ioas/pages.h"

#include <algorithm>
#include <cassert>

#include "ioas/rules.h"

namespace iovalid::ioas {

PagesId PagesStore::Add(const Machine& machine, PagesSource source, uint64_t base,
                        uint64_t start_byte, uint64_t length, bool writable, bool mm_accounting) {
  PagesId id;
  if (free_.empty()) {
    id = static_cast<PagesId>(pages_.size());
    pages_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  const sim::Task& task = machine.tasks[machine.current];
  Pages& pages = pages_[id];
  pages = Pages{};
  pages.source = source;
  pages.base = base;
  // DIV_ROUND_UP in 64 bits: it wraps for a range that ends in the last page but one of the space,
  // which insertion of the area then finds (rules::kAreaBeyondPages).
  pages.npages = (length + start_byte + sim::kPageSize - 1) >> sim::kPageShift;
  pages.writable = writable;
  pages.mm = task.mm;
  pages.task = task.group_leader;
  pages.user = task.user;
  if (source == PagesSource::kDmabuf || task.Capable(sim::kCapIpcLock)) {
    pages.account = AccountMode::kNone;
  } else {
    pages.account = mm_accounting ? AccountMode::kMm : AccountMode::kUser;
  }
  pages.refs = 1;
  return id;
}

void PagesStore::Unref(PagesId id) {
  Pages& pages = pages_[id];
  if (--pages.refs != 0) return;
  assert(pages.npinned == 0);
  ReleaseFile(pages.file);
  free_.push_back(id);
  // So that copies of a store that was large once do not stay expensive.
  if (free_.size() == pages_.size()) {
    free_.clear();
    pages_.clear();
  }
}

std::vector<PagesId> PagesStore::DmabufImporters(uint32_t dmabuf) const {
  std::vector<PagesId> importers;
  for (PagesId id = 0; id < pages_.size(); ++id) {
    const Pages& pages = pages_[id];
    if (pages.refs != 0 && pages.source == PagesSource::kDmabuf && pages.object == dmabuf &&
        !pages.revoked) {
      importers.push_back(id);
    }
  }
  return importers;
}

void PagesStore::Share(const Machine& machine, PagesId id, const StoredFrames& stored,
                       uint64_t first, uint64_t last) {
  Pages& pages = pages_[id];
  if (pages.shared || !pages.pins()) return;
  pages.shared = true;
  if (stored.domain == hwmodel::kNoDomain) return;
  std::vector<PinnedFrames> frames;
  for (uint64_t index = first; index <= last;) {
    const auto run = machine.iommu.Lookup(
        stored.domain, stored.iova + (index - stored.index) * sim::kPageSize, last - index + 1);
    assert(run.mapped);
    frames.push_back({index, run.first, run.pages});
    index += run.pages;
  }
  table_.AddUser(id, first, last, PinTable::User::kArea, frames);
}

bool PagesStore::DropAccess(PagesId id, uint64_t first, uint64_t last) {
  const auto at = accesses_.find({id, first, last});
  if (--at->second != 0) return false;
  accesses_.erase(at);
  return true;
}

Result PagesStore::Pin(const Machine& machine, PagesId id, uint64_t index, uint64_t count,
                       std::vector<sim::PageRun>* runs) {
  Pages& pages = pages_[id];
  const bool file = pages.source == PagesSource::kFile;
  sim::Mm* mm = machine.LiveMm(pages.mm);
  if (file) mm = machine.AnyMm(pages.mm);
  if (mm == nullptr) return Failure(sim::Errno::kFAULT, rules::kPinMmGone);
  if (machine.Fails("pin_user_pages")) return Failure(sim::Errno::kFAULT, rules::kPin);
  sim::PinResult result;
  if (file) {
    result = mm->PinFile(pages.object, (pages.base >> sim::kPageShift) + index, count, runs);
  } else {
    const uint64_t va = pages.base + index * sim::kPageSize;
    result = machine.current != sim::kKernelThread && pages.mm == machine.tasks[machine.current].mm
                 ? mm->PinFast(va, count, pages.writable, runs)
                 : mm->Pin(va, count, pages.writable, runs);
  }
  if (result.pages == 0) return Failure(result.error, file ? rules::kPinFile : rules::kPin);
  pages.npinned += result.pages;
  pinned_ += result.pages;
  return Success();
}

void PagesStore::Unpin(const Machine& machine, PagesId id, const sim::PageRun& run) {
  Pages& pages = pages_[id];
  pages.npinned -= run.pages;
  pinned_ -= run.pages;
  if (sim::Mm* mm = machine.AnyMm(pages.mm)) mm->Unpin(run, pages.writable);
}

Result PagesStore::Settle(Machine& machine, PagesId id) {
  Pages& pages = pages_[id];
  if (pages.npinned == pages.ncharged) return Success();
  const bool more = pages.npinned > pages.ncharged;
  const uint64_t delta = more ? pages.npinned - pages.ncharged : pages.ncharged - pages.npinned;
  const Result result =
      Account(machine, pages.account, pages.mm, pages.task, pages.user, delta, more);
  if (result.ok()) pages.ncharged = pages.npinned;
  return result;
}

Result PagesStore::ChangeProcess(Machine& machine, const std::vector<PagesId>& ids) {
  const sim::Task& task = machine.tasks[machine.current];
  const auto moves = [&](const Pages& pages) {
    switch (pages.account) {
      case AccountMode::kNone:
        return false;
      case AccountMode::kMm:
        return pages.mm != task.mm;
      case AccountMode::kUser:
        return pages.user != task.user || pages.mm != task.mm;
    }
    return false;
  };
  uint64_t sum[kAccountModes] = {};
  for (PagesId id : ids) {
    const Pages& pages = pages_[id];
    if (moves(pages)) sum[static_cast<unsigned>(pages.account)] += pages.ncharged;
  }
  for (unsigned mode = 0; mode < kAccountModes; ++mode) {
    if (sum[mode] == 0) continue;
    const Result result = Account(machine, static_cast<AccountMode>(mode), task.mm,
                                  task.group_leader, task.user, sum[mode], true);
    if (result.ok()) continue;
    while (mode-- != 0) {
      if (sum[mode] == 0) continue;
      (void)Account(machine, static_cast<AccountMode>(mode), task.mm, task.group_leader, task.user,
                    sum[mode], false);
    }
    return result;
  }
  for (PagesId id : ids) {
    Pages& pages = pages_[id];
    if (moves(pages)) {
      (void)Account(machine, pages.account, pages.mm, pages.task, pages.user, pages.npinned, false);
    }
    pages.mm = task.mm;
    pages.task = task.group_leader;
    pages.user = task.user;
  }
  return Success();
}

Result PagesStore::Account(Machine& machine, AccountMode mode, sim::MmId mm, sim::TaskId task,
                           sim::UserId user, uint64_t pages, bool more) {
  const auto within = [&](uint64_t now) {
    return now + pages <= machine.tasks[task].MemlockPages();
  };
  switch (mode) {
    case AccountMode::kNone:
      break;
    case AccountMode::kUser: {
      uint64_t& locked = machine.users[user].locked_vm;
      if (more && !within(locked)) return Failure(sim::Errno::kNOMEM, rules::kMemlockUser);
      locked = more ? locked + pages : locked - pages;
      break;
    }
    case AccountMode::kMm: {
      // mmget_not_zero: nothing is charged to, or taken from, an address space without tasks.
      if (machine.mms[mm] == nullptr) return Failure(sim::Errno::kINVAL, rules::kMmGone);
      uint64_t& locked = machine.mm_accounts[mm].locked_vm;
      if (more && !within(locked)) return Failure(sim::Errno::kNOMEM, rules::kMemlockMm);
      locked = more ? locked + pages : locked - pages;
      break;
    }
  }
  uint64_t& pinned = machine.mm_accounts[mm].pinned_vm;
  pinned = more ? pinned + pages : pinned - pages;
  return Success();
}

}  // namespace iovalid::ioas
