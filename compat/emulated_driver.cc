// SPDX-License-Identifier: Apache-2.0
#include "compat/emulated_driver.h"

#include <utility>

#include "sim/units.h"

namespace iovalid::compat {

namespace {

// The pages of a request that ends at the top of the IOVA space end there.
uint64_t LastByte(const DriverPin& pin) {
  return pin.iova + (uint64_t{pin.pages} << sim::kPageShift) - 1;
}

}  // namespace

void EmulatedDriver::Remove(uint64_t iova, uint32_t pages) {
  if (pages == 0) return;
  const DriverPin gone{iova, pages};
  for (size_t i = pins_.size(); i-- > 0;) {
    const DriverPin pin = pins_[i];
    if (iova < pin.iova || LastByte(gone) > LastByte(pin)) continue;
    if (((iova - pin.iova) & ~sim::kPageMask) != 0) continue;
    const auto before = static_cast<uint32_t>((iova - pin.iova) >> sim::kPageShift);
    const uint32_t after = pin.pages - before - pages;
    pins_.erase(pins_.begin() + static_cast<ptrdiff_t>(i));
    const auto at = [&] { return pins_.begin() + static_cast<ptrdiff_t>(i); };
    if (after != 0) {
      pins_.insert(at(), {iova + (uint64_t{pages} << sim::kPageShift), after});
    }
    if (before != 0) pins_.insert(at(), {pin.iova, before});
    return;
  }
}

std::vector<DriverPin> EmulatedDriver::TakeMeeting(uint64_t first, uint64_t last) {
  std::vector<DriverPin> taken;
  if (dma_unmap_ != DmaUnmap::kReleases) return taken;
  std::vector<DriverPin> kept;
  for (const DriverPin& pin : pins_) {
    const bool meets = pin.iova <= last && LastByte(pin) >= first;
    (meets ? taken : kept).push_back(pin);
  }
  pins_ = std::move(kept);
  return taken;
}

std::vector<DriverPin> EmulatedDriver::TakeAtClose() {
  std::vector<DriverPin> taken;
  if (dma_unmap_ == DmaUnmap::kReleases) taken = pins_;
  pins_.clear();
  return taken;
}

sim::Digest EmulatedDriver::IdentityDigest(uint64_t device) const {
  sim::Digest digest;
  uint64_t position = 0;
  for (const DriverPin& pin : pins_) {
    digest += sim::HashWords('e', device, position++, pin.iova, pin.pages);
  }
  return digest;
}

}  // namespace iovalid::compat
