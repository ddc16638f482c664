// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/ats_function.h"

#include <algorithm>

namespace iovalid::hwmodel {

AtsFunction::Step AtsFunction::Access(Unit& unit, PhysicalMemory& memory, uint64_t iova,
                                      unsigned access, Pasid pasid, uint64_t* address) {
  const uint64_t page = iova >> 12;
  const auto known = cache_.find({pasid, page});
  if (known != cache_.end() && (access & ~known->second.rights) == 0) {
    *address = known->second.address | (iova & 0xfff);
    return Step::kReady;
  }
  const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.pasid == pasid && w.page == page;
  });
  if (waiting != waiting_.end()) {
    if (!waiting->refused) return Step::kWaiting;
    waiting_.erase(waiting);
    return Step::kRefused;
  }
  const Translation t = unit.AtsTranslate(memory, {source_, iova, access, pasid});
  if (!t.ok) return Step::kRefused;
  if (t.rights != 0) cache_[{pasid, page}] = {t.address & ~uint64_t{0xfff}, t.rights};
  if ((access & ~t.rights) == 0) {
    *address = t.address;
    return Step::kReady;
  }
  const uint16_t group = next_group_;
  next_group_ = static_cast<uint16_t>((next_group_ + 1) & 511);
  PageResponse answer;
  bool answered = false;
  if (unit.RequestPage({source_, pasid, page << 12, access, group, true}, &answer, &answered)) {
    waiting_.push_back({pasid, page, group, false});
    return Step::kWaiting;
  }
  // The unit's own answer: success is to try again later.
  return answered && answer.code == PageResponse::Code::kSuccess ? Step::kWaiting : Step::kRefused;
}

bool AtsFunction::InvalidateDeviceTlb(Pasid pasid, uint64_t address, unsigned size_log2) {
  if (!answers_) return false;
  const uint64_t first = (address & ~BitsBelow(size_log2)) >> 12;
  const uint64_t last = (address | BitsBelow(size_log2)) >> 12;
  cache_.erase(cache_.lower_bound({pasid, first}), cache_.upper_bound({pasid, last}));
  return true;
}

void AtsFunction::RespondToPages(const PageResponse& response) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->group != response.group || it->pasid != response.pasid) {
      ++it;
    } else if (response.code == PageResponse::Code::kSuccess) {
      it = waiting_.erase(it);
    } else {
      it->refused = true;
      ++it;
    }
  }
}

}  // namespace iovalid::hwmodel
