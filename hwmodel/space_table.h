// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_SPACE_TABLE_H_
#define IOVALID_HWMODEL_SPACE_TABLE_H_

#include <cstdint>
#include <vector>

#include "hwmodel/access.h"
#include "hwmodel/context.h"
#include "hwmodel/iotlb.h"
#include "hwmodel/walk_cache.h"

namespace iovalid::hwmodel {

// Numbers for what caches tag entries with: a domain's second stage has the domain's own number, a
// PASID's first stage (alone or nested) in a domain gets one when it is first seen.
class SpaceTable {
 public:
  SpaceId OfSecondStage(DomainId domain, TableShape shape) {
    if (domain >= second_.size()) second_.resize(domain + 1);
    second_[domain] = shape;
    return domain;
  }

  // *full: there is no number left; the caller forgets all and starts anew.
  SpaceId OfFirstStage(DomainId domain, Pasid pasid, TableShape shape, bool* full) {
    *full = false;
    for (size_t i = 0; i < first_.size(); ++i) {
      if (first_[i].domain == domain && first_[i].pasid == pasid) {
        first_[i].shape = shape;
        return NumberOf(i);
      }
    }
    if (NumberOf(first_.size()) >= kMaxSpaces) {
      *full = true;
      return 0;
    }
    first_.push_back({domain, pasid, shape});
    return NumberOf(first_.size() - 1);
  }

  void Clear() { first_.clear(); }

  // Calls visit(space, shape) for each first-stage space of a domain; of one PASID unless kNoPasid.
  template <typename Visit>
  void ForEachFirstStage(DomainId domain, Pasid pasid, Visit visit) const {
    for (size_t i = 0; i < first_.size(); ++i) {
      if (first_[i].domain != domain || (pasid != kNoPasid && first_[i].pasid != pasid)) continue;
      visit(NumberOf(i), first_[i].shape);
    }
  }
  TableShape SecondStageShape(DomainId domain) const {
    return domain < second_.size() ? second_[domain] : TableShape{};
  }

 private:
  struct FirstStage {
    DomainId domain;
    Pasid pasid;
    TableShape shape;
  };
  static SpaceId NumberOf(size_t index) {
    return Context::kMaxDomains + static_cast<SpaceId>(index);
  }

  std::vector<TableShape> second_;  // by domain
  std::vector<FirstStage> first_;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_SPACE_TABLE_H_
