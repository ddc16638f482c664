// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_TEST_MACHINE_H_
#define IOVALID_IOAS_TEST_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hwmodel/iommu.h"
#include "ioas/io_pagetable.h"
#include "ioas/machine.h"
#include "ioas/pages.h"
#include "sim/fail_nth.h"
#include "sim/sim_memory.h"

namespace iovalid::ioas {

using sim::FailNth;

// One process without CAP_IPC_LOCK on a machine with one IOMMU, and the pages of one context.
class TestMachine {
 public:
  static constexpr uint64_t kPage = sim::kPageSize;
  static constexpr uint64_t kBuffer = 0x10000000;  // 64 pages that are present, read and write
  static constexpr uint64_t kBufferPages = 64;
  static constexpr unsigned kRw = hwmodel::kRead | hwmodel::kWrite;

  explicit TestMachine(bool cap_ipc_lock = false)
      : memory(sim::MemoryPolicy{}),
        iommu(hwmodel::IommuConfig{}),
        tasks(1),
        mm_accounts(1),
        users(1) {
    memory.AddMm();
    mms = releasers = {&memory.mm(0)};
    if (!cap_ipc_lock) tasks[0].DropCapability(sim::kCapIpcLock);
    AddMemory(kBuffer, kBufferPages, true);
  }

  void AddMemory(uint64_t addr, uint64_t pages, bool write) {
    sim::MapRequest request;
    request.addr = addr;
    request.len = pages * kPage;
    request.read = true;
    request.write = write;
    std::vector<uint32_t> released;
    (void)memory.mm(0).Map(request, &released);
    memory.mm(0).Touch(addr, request.len, write);
  }

  Machine Begin(sim::PointHook* hook = nullptr) {
    return Machine{.iommu = iommu,
                   .tasks = tasks,
                   .mm_accounts = mm_accounts,
                   .users = users,
                   .mms = mms,
                   .releasers = releasers,
                   .hook = hook};
  }

  Result Map(IoPagetable& table, uint64_t iova, uint64_t vaddr, uint64_t length,
             unsigned rights = kRw, sim::PointHook* hook = nullptr) {
    Machine machine = Begin(hook);
    return table.MapUser(machine, store, {vaddr, length, false, mm_accounting}, &iova, rights,
                         false);
  }
  // Where the IOVA is chosen; *iova gets it.
  Result MapAuto(IoPagetable& table, uint64_t vaddr, uint64_t length, uint64_t* iova) {
    Machine machine = Begin();
    return table.MapUser(machine, store, {vaddr, length, false, mm_accounting}, iova, kRw, true);
  }
  Result Copy(const IoPagetable& from, uint64_t src, IoPagetable& to, uint64_t dst, uint64_t length,
              unsigned rights = kRw, sim::PointHook* hook = nullptr) {
    Machine machine = Begin(hook);
    std::vector<PagesSlice> slices;
    const Result result = from.GetPages(machine, store, src, length, &slices);
    if (!result.ok()) return result;
    return to.MapSlices(machine, store, slices, length, &dst, rights, false);
  }
  Result Unmap(IoPagetable& table, uint64_t iova, uint64_t length, uint64_t* unmapped) {
    Machine machine = Begin();
    return table.Unmap(machine, store, iova, length, unmapped);
  }
  Result Cut(IoPagetable& table, uint64_t iova) { return table.Cut(Begin(), store, iova); }
  Result AddDomain(IoPagetable& table, hwmodel::DomainId domain, sim::PointHook* hook = nullptr) {
    Machine machine = Begin(hook);
    return table.AddDomain(machine, store, domain);
  }
  void RemoveDomain(IoPagetable& table, hwmodel::DomainId domain) {
    Machine machine = Begin();
    table.RemoveDomain(machine, store, domain);
  }

  uint64_t locked() const { return users[0].locked_vm; }
  uint64_t pinned_vm() const { return mm_accounts[0].pinned_vm; }
  // The frame that the process has at `va`.
  sim::PageId Frame(uint64_t va) const {
    sim::PageId page = 0;
    (void)memory.mm(0).PresentPage(va, &page);
    return page;
  }
  void SetLimit(uint64_t pages) { tasks[0].rlimit_memlock = pages * kPage; }

  sim::SimMemory memory;
  hwmodel::Iommu iommu;
  std::vector<sim::Task> tasks;
  std::vector<sim::MmAccount> mm_accounts;
  std::vector<sim::UserAccount> users;
  std::vector<sim::Mm*> mms;
  std::vector<sim::Mm*> releasers;
  PagesStore store;
  bool mm_accounting = false;
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_TEST_MACHINE_H_
