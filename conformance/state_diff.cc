// SPDX-License-Identifier: Apache-2.0
#include "conformance/state_diff.h"

#include <algorithm>

namespace iovalid::conformance {
namespace {

// A number as the digest that differences are kept as; wraps below zero.
sim::Digest Number(uint64_t left, uint64_t right) {
  sim::Digest out;
  out.lane[0] = left - right;
  return out;
}

// Where a device is attached: the container or iommufd, counted from 1; 0: nowhere.
uint64_t PlaceOf(const compat::DeviceState& device) {
  return device.attached ? uint64_t{device.space} + 1 : 0;
}

}  // namespace

StateDiff::StateDiff(std::vector<std::string> device_names)
    : names_({"mappings", "usable", "charged", "dirty", "files"}) {
  for (const std::string& device : device_names) {
    names_.push_back("attach:" + device);
    names_.push_back("reach:" + device);
  }
  last_.resize(names_.size());
}

void StateDiff::Reset() { std::fill(last_.begin(), last_.end(), sim::Digest()); }

void StateDiff::Update(Component component, const sim::Digest& now, std::vector<Change>* changes) {
  sim::Digest& last = last_[component];
  if (now == last) return;
  last = now;
  changes->push_back({component, now.zero()});
}

void StateDiff::Compare(const compat::ObservedState& left, const compat::ObservedState& right,
                        std::vector<Change>* changes) {
  changes->clear();
  const uint32_t devices =
      static_cast<uint32_t>(std::min(left.devices.size(), right.devices.size()));
  bool all_agree = true, any_attached = false;
  for (uint32_t device = 0; device < devices; ++device) {
    if (PlaceOf(left.devices[device]) != PlaceOf(right.devices[device])) all_agree = false;
    any_attached |= left.devices[device].attached;
  }
  Update(kMappings, left.mappings - right.mappings, changes);
  if (all_agree) {
    if (any_attached) Update(kUsable, left.usable - right.usable, changes);
    Update(kCharged, Number(left.charged_pages, right.charged_pages), changes);
  }
  Update(kDirty, left.dirty - right.dirty, changes);
  Update(kFiles, left.files - right.files, changes);
  for (uint32_t device = 0; device < devices; ++device) {
    const compat::DeviceState& a = left.devices[device];
    const compat::DeviceState& b = right.devices[device];
    Update(Attach(device), Number(PlaceOf(a), PlaceOf(b)), changes);
    if (PlaceOf(a) == PlaceOf(b)) Update(Reach(device), a.reach - b.reach, changes);
  }
}

std::vector<Component> StateDiff::Standing() const {
  std::vector<Component> out;
  for (Component component = 0; component < last_.size(); ++component) {
    if (!last_[component].zero()) out.push_back(component);
  }
  return out;
}

}  // namespace iovalid::conformance
