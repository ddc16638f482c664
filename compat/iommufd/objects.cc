// SPDX-License-Identifier: Apache-2.0
// Objects of a context: drivers/iommu/iommufd/main.c.
#include <algorithm>
#include <cassert>

#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"
#include "sim/state_hash.h"

namespace iovalid::compat {

using sim::Errno;

IommufdContext::Core::Core(Kernel& kernel_in, sim::TaskId task)
    : kernel(kernel_in),
      machine{.iommu = kernel.iommu,
              .tasks = kernel.tasks,
              .mm_accounts = kernel.mm_accounts,
              .users = kernel.users,
              .mms = kernel.mms,
              .releasers = kernel.releasers,
              .hook = kernel.hook,
              .current = task,
              .thp = kernel.profile->memory.thp,
              .warns_without_rights = kernel.profile->iommufd.warns_without_rights} {}

IommufdContext::Core::~Core() {
  for (const Rule* rule : machine.warnings) kernel.Warn(*rule);
}

// _iommufd_object_alloc.
Outcome IommufdContext::NewObject(Call& call, ObjectType type, uint32_t record, uint32_t* id) {
  if (call.AllocFails("alloc:iommufd_object")) {
    return Fail(Errno::kNOMEM, rules::kObjectAlloc);
  }
  *id = objects_.Add(type, record);
  return Ok();
}

Outcome IommufdContext::NewIoas(Call& call, uint32_t* id) {
  const uint32_t record = ioases_.Add();
  Outcome outcome = NewObject(call, ObjectType::kIoas, record, id);
  if (outcome.ok()) {
    ioases_[record].id = *id;
  } else {
    ioases_.Remove(record);
  }
  return outcome;
}

// iommufd_object_remove: an object goes while nobody else uses it.
Outcome IommufdContext::DestroyObject(Core& core, uint32_t id) {
  const Object* object = objects_.Find(id);
  if (object == nullptr) return Fail(Errno::kNOENT, rules::kDestroyUnknown);
  if (object->users != 1) return Fail(Errno::kBUSY, rules::kDestroyBusy);
  if (vfio_ioas_ == id) vfio_ioas_ = 0;
  DestroyRecord(core, id);
  return Ok();
}

// The destroy operations of iommufd_object_ops.
void IommufdContext::DestroyRecord(Core& core, uint32_t id) {
  const Object object = objects_[id];
  switch (object.type) {
    case ObjectType::kIoas: {
      uint64_t unmapped;
      (void)ioases_[object.record].table.UnmapAll(core.machine, pages_, &unmapped);
      ioases_.Remove(object.record);
      break;
    }
    case ObjectType::kHwptPaging: {
      Hwpt& hwpt = hwpts_[object.record];
      Ioas& ioas = *FindIoas(hwpt.ioas);
      if (hwpt.listed) {
        std::erase(ioas.hwpts, id);
        ioas.table.RemoveDomain(core.machine, pages_, hwpt.domain);
      }
      if (hwpt.domain != hwmodel::kNoDomain) core.kernel.iommu.FreeDomain(hwpt.domain);
      if (hwpt.fault != 0) --objects_[hwpt.fault].users;
      --objects_[hwpt.ioas].users;
      hwpts_.Remove(object.record);
      break;
    }
    case ObjectType::kDevice: {
      const GroupIndex group = devices_[object.record].group;
      if (!devices_[object.record].noiommu) core.kernel.ReleaseGroup(group);
      BoundGroup* bound = FindGroup(group);
      if (--bound->bound == 0) groups_.erase(groups_.begin() + (bound - groups_.data()));
      devices_.Remove(object.record);
      break;
    }
    case ObjectType::kAccess:
      accesses_.Remove(object.record);
      break;
    case ObjectType::kFault:  // nothing waits in it
    case ObjectType::kNone:
      break;
  }
  objects_.Remove(id);
}

void IommufdContext::Release(Kernel& kernel) {
  Core core(kernel, 0);
  // Objects with no other user than themselves go, again and again: each may have been the user of
  // another.
  while (!objects_.empty()) {
    bool progress = false;
    for (uint32_t id = 1; id < objects_.end(); ++id) {
      const Object* object = objects_.Find(id);
      if (object == nullptr || object->users != 1) continue;
      DestroyRecord(core, id);
      progress = true;
    }
    assert(progress);
    if (!progress) break;
  }
  vfio_ioas_ = 0;
}

void IommufdContext::RevokeDmabuf(Kernel& kernel, uint32_t dmabuf) {
  Core core(kernel, 0);
  for (ioas::PagesId pages : pages_.DmabufImporters(dmabuf)) {
    for (uint32_t id = 1; id < objects_.end(); ++id) {
      if (Ioas* ioas = FindIoas(id)) ioas->table.UnmapRevoked(core.machine, pages_, pages);
    }
    pages_.at(pages).revoked = true;
  }
}

IommufdContext::Ioas* IommufdContext::FindIoas(uint32_t id) {
  const Object* object = objects_.Find(id, ObjectType::kIoas);
  return object == nullptr ? nullptr : &ioases_[object->record];
}

IommufdContext::Hwpt* IommufdContext::FindHwpt(uint32_t id) {
  const Object* object = objects_.Find(id, ObjectType::kHwptPaging);
  return object == nullptr ? nullptr : &hwpts_[object->record];
}

IommufdContext::BoundGroup* IommufdContext::FindGroup(GroupIndex group) {
  for (BoundGroup& bound : groups_) {
    if (bound.group == group) return &bound;
  }
  return nullptr;
}

Outcome IommufdContext::Ioctl(Call& call, uint32_t cmd, uint64_t arg, ContextFiles& files) {
  constexpr uint32_t kFirstCommand = 0x80;
  const uint32_t number = cmd & 0xff;
  if (number < kFirstCommand || number > call.profile().iommufd.last_number) {
    return VfioIoctl(call, cmd, arg);
  }
  return NativeIoctl(call, cmd, arg, files);
}

sim::Digest IommufdContext::mappings_digest() const {
  sim::Digest digest;
  ioases_.ForEach([&](uint32_t, const Ioas& ioas) { digest += ioas.table.mappings_digest(); });
  return digest;
}

uint64_t IommufdContext::mapped_bytes() const {
  uint64_t bytes = 0;
  ioases_.ForEach([&](uint32_t, const Ioas& ioas) { bytes += ioas.table.mapped_bytes(); });
  return bytes;
}

sim::Digest IommufdContext::usable_digest() const {
  sim::Digest digest;
  ioases_.ForEach([&](uint32_t, const Ioas& ioas) { digest += ioas.table.usable_digest(); });
  return digest;
}

void IommufdContext::AddIoasTo(const Ioas& ioas, StateSnapshot* snapshot) const {
  const auto& areas = ioas.table.areas();
  for (auto c = areas.Begin(); c; c = areas.Next(c)) {
    const ioas::Area& area = areas.value(c);
    const ioas::Pages& pages = pages_.at(area.pages);
    const uint64_t start = area.first_index * sim::kPageSize + area.page_offset;
    const bool user = pages.source == ioas::PagesSource::kUser;
    snapshot->mappings.push_back(
        {areas.first(c), areas.last(c), area.rights, user ? pages.base + start : 0});
  }
  for (const ioas::IovaRange& hole : ioas.table.reserved().holes()) {
    snapshot->usable.push_back({hole.first, hole.last});
  }
}

void IommufdContext::AddTo(StateSnapshot* snapshot) const {
  ioases_.ForEach([&](uint32_t, const Ioas& ioas) { AddIoasTo(ioas, snapshot); });
  snapshot->charged_pages += pages_.pinned();
}

void IommufdContext::AddVfioTo(StateSnapshot* snapshot) const {
  AddIoasTo(*FindIoas(vfio_ioas_), snapshot);
}

bool IommufdContext::VfioHasDomain(hwmodel::DomainId domain) const {
  const auto& domains = FindIoas(vfio_ioas_)->table.domains();
  return std::find(domains.begin(), domains.end(), domain) != domains.end();
}

uint32_t IommufdContext::IoasOfDomain(hwmodel::DomainId domain) const {
  uint32_t found = 0;
  hwpts_.ForEach([&](uint32_t, const Hwpt& hwpt) {
    if (hwpt.domain == domain) found = hwpt.ioas;
  });
  return found;
}

bool IommufdContext::HasOnlyCompatIoas() const {
  bool only = vfio_ioas_ != 0;
  ioases_.ForEach([&](uint32_t, const Ioas& ioas) { only &= ioas.id == vfio_ioas_; });
  return only;
}

sim::Digest IommufdContext::IdentityDigest() const {
  const auto nested = [](uint64_t tag, uint64_t id, const sim::Digest& digest) {
    return sim::HashWords(tag, id, digest.lane[0], digest.lane[1]);
  };
  sim::Digest digest = sim::HashWords('c', vfio_ioas_, mm_accounting_ | no_iommu_mode_ << 1);
  for (uint32_t id = 1; id < objects_.end(); ++id) {
    const Object* object = objects_.Find(id);
    if (object == nullptr) continue;
    digest += sim::HashWords('o', id, static_cast<uint64_t>(object->type), object->users);
  }
  // Pages objects are told apart by the order in which areas come to them, not by their index.
  std::vector<ioas::PagesId> seen;
  const auto number_of = [&](ioas::PagesId id) {
    const auto at = std::find(seen.begin(), seen.end(), id);
    if (at != seen.end()) return static_cast<uint64_t>(at - seen.begin());
    seen.push_back(id);
    return static_cast<uint64_t>(seen.size() - 1);
  };
  for (uint32_t id = 1; id < objects_.end(); ++id) {
    const Object* object = objects_.Find(id, ObjectType::kIoas);
    if (object == nullptr) continue;
    const ioas::IoPagetable& table = ioases_[object->record].table;
    digest += sim::HashWords('i', id, table.iova_alignment(), table.large_pages_disabled());
    digest += nested('r', id, table.reserved().IdentityDigest());
    for (const ioas::IovaRange& range : table.allowed()) {
      digest += sim::HashWords('a', id, range.first, range.last);
    }
    uint64_t position = 0;
    for (hwmodel::DomainId domain : table.domains()) {
      digest += sim::HashWords('d', id, position++, domain);
    }
    for (uint32_t hwpt : ioases_[object->record].hwpts) {
      digest += sim::HashWords('h', id, position++, hwpt);
    }
    for (ioas::AccessToken access : table.accesses()) {
      digest += sim::HashWords('x', id, position++, access);
    }
    const auto& areas = table.areas();
    for (auto c = areas.Begin(); c; c = areas.Next(c)) {
      const ioas::Area& area = areas.value(c);
      const ioas::Pages& pages = pages_.at(area.pages);
      sim::Digest one = sim::HashWords(1, areas.first(c), areas.last(c), area.rights,
                                       area.page_offset | uint64_t{area.locks} << 16 |
                                           uint64_t{area.prevent_access} << 24);
      // An area alone with its pages needs no name for them, which keeps this linear.
      one += sim::HashWords(2, area.first_index, area.accesses,
                            pages.refs > 1 ? number_of(area.pages) + 1 : 0);
      one += sim::HashWords(3, pages.base, pages.npages, pages.npinned,
                            pages.mm | uint64_t{pages.task} << 32);
      one += sim::HashWords(4, pages.user | uint64_t{pages.object} << 32,
                            static_cast<uint64_t>(pages.source) |
                                static_cast<uint64_t>(pages.account) << 8 |
                                uint64_t{pages.writable} << 16 | uint64_t{pages.revoked} << 17);
      digest += nested('m', id, one);
    }
  }
  for (const auto& [range, users] : pages_.accesses()) {
    const auto& [pages, first, last] = range;
    digest += sim::HashWords('p', number_of(pages), first, last, users);
  }
  accesses_.ForEach([&](uint32_t, const Access& access) {
    digest += sim::HashWords('y', access.id, access.device, access.ioas);
  });
  hwpts_.ForEach([&](uint32_t, const Hwpt& hwpt) {
    digest += sim::HashWords(
        'w', hwpt.id, hwpt.ioas | uint64_t{hwpt.domain} << 32,
        hwpt.auto_domain | hwpt.enforce_cache_coherency << 1 | hwpt.nest_parent << 2 |
            hwpt.noiommu << 3,
        hwpt.fault);
  });
  devices_.ForEach([&](uint32_t, const BoundDevice& device) {
    const bool is_attached = attached(device.id);
    const BoundGroup* group = FindGroup(device.group);
    digest += sim::HashWords('v', device.id, device.device, is_attached ? group->hwpt : 0);
  });
  return digest;
}

}  // namespace iovalid::compat
