// SPDX-License-Identifier: Apache-2.0
// The state of a System as digests and as a snapshot.
#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "compat/system.h"

namespace iovalid::compat {

namespace {

// How a reader calls a file; containers and iommufds are one kind to a program.
std::string FileText(const File& file, DeviceIndex device, const SystemConfig& config) {
  switch (file.kind) {
    case FileKind::kContainer:
    case FileKind::kIommufd:
      return "container";
    case FileKind::kGroup:
      return absl::StrCat("group ", file.index);
    case FileKind::kDevice:
      return absl::StrCat("device ", config.devices[device].name);
    case FileKind::kMemfd:
      return "memfd";
    case FileKind::kEventfd:
      return "eventfd";
    case FileKind::kDmabuf:
      return "dma-buf";
    case FileKind::kFaultQueue:
      return "fault queue";
    case FileKind::kOther:
    case FileKind::kNone:
      break;
  }
  return "file";
}

// Of the mappings that were added behind the first `from`.
void SetSpace(size_t from, uint32_t space, StateSnapshot* snapshot) {
  for (size_t i = from; i < snapshot->mappings.size(); ++i) snapshot->mappings[i].space = space;
}

void SortMappings(StateSnapshot* snapshot) {
  std::sort(snapshot->mappings.begin(), snapshot->mappings.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.last, a.rights, a.space, a.vaddr) <
           std::tie(b.first, b.last, b.rights, b.space, b.vaddr);
  });
}

}  // namespace

uint32_t System::SpaceOfDomain(hwmodel::DomainId domain) const {
  uint32_t found = 0;
  if (domain == hwmodel::kNoDomain) return found;
  containers_.ForEach([&](uint32_t i, const Container& container) {
    const uint32_t space = container_numbers_[i];
    if (container.backend() && container.backend()->HasDomain(domain)) found = space & 0xffff;
  });
  iommufds_.ForEach([&](uint32_t i, const IommufdContext& context) {
    const uint32_t space = iommufd_numbers_[i];
    if (const uint32_t ioas = context.IoasOfDomain(domain); ioas != 0) {
      found = (space & 0xffff) | (context.IsCompatIoas(ioas) ? 0 : ioas << 16);
    }
  });
  return found;
}

void System::Observe(ObservedState* state) const {
  state->mappings = state->usable = state->dirty = sim::Digest();
  state->charged_pages = state->mapped_bytes = 0;
  state->files = files_digest_;
  // Most programs have one container, or an iommufd with one IOAS.
  bool one_ioas = true;
  uint32_t spaces = 0, only = 0;
  containers_.ForEach([&](uint32_t i, const Container& container) {
    const uint32_t space = container_numbers_[i];
    ++spaces;
    only = space;
    if (!container.backend()) return;
    const type1::Type1Iommu& backend = *container.backend();
    state->mappings += sim::DigestOfPart(backend.mappings_digest(), space);
    state->mapped_bytes += backend.mapped_bytes();
    state->usable += backend.usable_digest();
    state->dirty += backend.DirtyDigest();
    state->charged_pages += backend.charged_pages();
  });
  iommufds_.ForEach([&](uint32_t i, const IommufdContext& context) {
    const uint32_t space = iommufd_numbers_[i];
    ++spaces;
    only = space;
    one_ioas &= context.HasOnlyCompatIoas();
    state->mappings += sim::DigestOfPart(context.mappings_digest(), space);
    state->mapped_bytes += context.mapped_bytes();
    state->usable += context.usable_digest();
    state->charged_pages += context.pinned_pages();
  });
  state->devices.resize(devices_.size());
  for (DeviceIndex device = 0; device < devices_.size(); ++device) {
    const hwmodel::DomainId domain = kernel_.iommu.attached(device);
    state->devices[device].attached = domain != hwmodel::kNoDomain;
    state->devices[device].space = domain == hwmodel::kNoDomain ? 0
                                   : spaces == 1 && one_ioas   ? only & 0xffff
                                                               : SpaceOfDomain(domain);
    state->devices[device].reach = kernel_.iommu.reach_of_source(device);
  }
}

void System::SnapshotMappings(StateSnapshot* snapshot) const {
  snapshot->mappings.clear();
  snapshot->usable.clear();
  snapshot->dirty.clear();
  containers_.ForEach([&](uint32_t i, const Container& container) {
    const uint32_t space = container_numbers_[i];
    const size_t from = snapshot->mappings.size();
    if (container.backend()) container.backend()->AddTo(snapshot);
    SetSpace(from, space, snapshot);
  });
  iommufds_.ForEach([&](uint32_t i, const IommufdContext& context) {
    const uint32_t space = iommufd_numbers_[i];
    const size_t from = snapshot->mappings.size();
    context.AddTo(snapshot);
    SetSpace(from, space, snapshot);
  });
  SortMappings(snapshot);
}

std::optional<uint32_t> System::SpaceNumber(sim::TaskId task, int fd) const {
  const FileIndex index = FileOf(task, fd);
  if (index == kNoIndex) return std::nullopt;
  const File& file = files_[index];
  if (file.kind == FileKind::kContainer) return container_numbers_[file.index];
  if (file.kind == FileKind::kIommufd) return iommufd_numbers_[file.index];
  if (file.kind != FileKind::kGroup || !groups_[file.index].HasIommu()) return std::nullopt;
  return SpaceOf(groups_[file.index]);
}

System::VfioSpace System::VfioSpaceOf(sim::TaskId task, int fd) const {
  const FileIndex index = FileOf(task, fd);
  if (index == kNoIndex) return {};
  const File& file = files_[index];
  if (file.kind == FileKind::kContainer && containers_[file.index].backend()) {
    return {.container = &*containers_[file.index].backend()};
  }
  if (file.kind == FileKind::kIommufd && iommufds_[file.index].HasCompatIoas()) {
    return {.context = &iommufds_[file.index]};
  }
  return {};
}

bool System::SnapshotOf(sim::TaskId task, int fd, StateSnapshot* snapshot) const {
  const VfioSpace space = VfioSpaceOf(task, fd);
  if (!space) return false;
  *snapshot = StateSnapshot();
  if (space.container != nullptr) {
    space.container->AddTo(snapshot);
  } else {
    space.context->AddVfioTo(snapshot);
  }
  SetSpace(0, *SpaceNumber(task, fd), snapshot);
  SortMappings(snapshot);
  return true;
}

std::optional<uint64_t> System::AttachedTo(sim::TaskId task, int fd) const {
  const VfioSpace space = VfioSpaceOf(task, fd);
  if (!space) return std::nullopt;
  uint64_t count = 0;
  for (DeviceIndex device = 0; device < devices_.size(); ++device) {
    const hwmodel::DomainId domain = kernel_.iommu.attached(device);
    if (domain == hwmodel::kNoDomain) continue;
    count += space.container != nullptr ? space.container->HasDomain(domain)
                                        : space.context->VfioHasDomain(domain);
  }
  return count;
}

StateSnapshot System::Snapshot() const {
  StateSnapshot snapshot;
  SnapshotMappings(&snapshot);
  for (sim::TaskId task = 0; task < kernel_.tasks.size(); ++task) {
    kernel_.tasks[task].fds.ForEach([&](int fd, FileIndex index) {
      const File& file = files_[index];
      const DeviceIndex device =
          file.kind == FileKind::kDevice ? device_files_[file.index].device : 0;
      snapshot.files.push_back(
          absl::StrCat("task ", task, " fd ", fd, ": ", FileText(file, device, *config_)));
    });
  }
  for (GroupIndex group = 0; group < groups_.size(); ++group) {
    if (groups_[group].HasIommu()) {
      snapshot.files.push_back(absl::StrCat("group ", group, ": in container ", SpaceOf(groups_[group])));
    }
  }
  for (const sim::MmAccount& account : kernel_.mm_accounts) {
    snapshot.locked_vm += account.locked_vm;
    snapshot.pinned_vm += account.pinned_vm;
  }
  for (DeviceIndex device = 0; device < devices_.size(); ++device) {
    StateSnapshot::Device out;
    out.name = config_->devices[device].name;
    const hwmodel::DomainId domain = kernel_.iommu.attached(device);
    out.attached = domain != hwmodel::kNoDomain;
    out.space = SpaceOfDomain(domain);
    if (out.attached) {
      kernel_.iommu.ForEachRun(
          domain, 0, ~uint64_t{0},
          [&](uint64_t iova, sim::PageId first, uint64_t pages, unsigned rights) {
            out.reach.push_back({iova, first, pages, rights});
          });
    }
    snapshot.devices.push_back(std::move(out));
  }
  const auto by_first = [](const StateSnapshot::Range& a, const StateSnapshot::Range& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  };
  std::sort(snapshot.usable.begin(), snapshot.usable.end(), by_first);
  std::sort(snapshot.dirty.begin(), snapshot.dirty.end(), by_first);
  return snapshot;
}

sim::Digest System::IdentityDigest() const {
  sim::Digest digest = files_digest_;
  const ModuleParameters& parameters = kernel_.parameters;
  digest += sim::HashWords('p', parameters.dma_entry_limit,
                           parameters.disable_hugepages | parameters.allow_unsafe_interrupts << 1 |
                               parameters.enable_unsafe_noiommu << 2);
  containers_.ForEach([&](uint32_t i, const Container& container) {
    uint64_t position = 0;
    for (GroupIndex group : container.groups()) digest += sim::HashWords('C', i, position++, group);
    digest += sim::HashWords('K', i, container.refs, container.has_backend());
    if (container.backend()) {
      const sim::Digest backend = container.backend()->IdentityDigest();
      digest += sim::HashWords('B', i, backend.lane[0], backend.lane[1]);
    }
  });
  iommufds_.ForEach([&](uint32_t i, const IommufdContext& context) {
    const sim::Digest state = context.IdentityDigest();
    digest += sim::HashWords('I', i, state.lane[0], state.lane[1]);
  });
  dmabufs_.ForEach([&](uint32_t i, const DmabufExport& dmabuf) {
    digest += sim::HashWords('b', i, dmabuf.device, dmabuf.size,
                             dmabuf.revoked | uint64_t{dmabuf.runs.size()} << 1);
    for (const sim::PageRun& run : dmabuf.runs) digest += sim::HashWords('r', i, run.first);
  });
  fault_queues_.ForEach([&](uint32_t i, const FaultQueueFile& queue) {
    digest += sim::HashWords('q', i, queue.iommufd, queue.object);
  });
  for (GroupIndex group = 0; group < groups_.size(); ++group) {
    const VfioGroup& g = groups_[group];
    digest += sim::HashWords('G', group, g.opened_file | uint64_t{g.container} << 32,
                             g.iommufd | uint64_t{g.container_users} << 32, g.cdev_opens);
  }
  for (DeviceIndex device = 0; device < devices_.size(); ++device) {
    const VfioDevice& d = devices_[device];
    digest += sim::HashWords('D', device, d.open_count | uint64_t{d.iommufd} << 32,
                             d.iommufd_object | uint64_t{d.group_file} << 32);
    digest += compat::IdentityDigest(d.pci, device);
    digest += kernel_.drivers[device].IdentityDigest(device);
    digest += kernel_.iommu.reach_of_source(device);
  }
  for (sim::TaskId task = 0; task < kernel_.tasks.size(); ++task) {
    const sim::Task& t = kernel_.tasks[task];
    digest +=
        sim::HashWords('T', task | uint64_t{t.bits32} << 32, t.mm | uint64_t{t.uid} << 32,
                             t.rlimit_memlock, t.capabilities);
    t.fds.ForEach([&](int fd, FileIndex file) {
      digest += sim::HashWords('t', task, static_cast<uint64_t>(fd), file);
    });
  }
  for (sim::MmId mm = 0; mm < kernel_.mm_accounts.size(); ++mm) {
    digest += sim::HashWords('M', mm, kernel_.mm_accounts[mm].locked_vm,
                             kernel_.mm_accounts[mm].pinned_vm, kernel_.mms[mm] != nullptr);
  }
  for (size_t user = 0; user < kernel_.users.size(); ++user) {
    digest += sim::HashWords('U', user, kernel_.users[user].locked_vm);
  }
  return digest;
}

}  // namespace iovalid::compat
