// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_MODEL_READER_H_
#define IOVALID_HWMODEL_MODEL_READER_H_

#include <cstdint>

#include "hwmodel/iommu.h"
#include "hwmodel/naive_walk.h"

namespace iovalid::hwmodel {

// Sets the naive walker on the tables of one domain of a model, which must outlive it. For tests
// and benchmarks only.
inline NaiveUnit NaiveUnitFor(const Iommu& iommu, DomainId domain) {
  NaiveUnit unit;
  unit.read = [&iommu](uint64_t address, uint64_t* word) {
    const TableFrame* frame = iommu.table_memory().Find(address / 4096);
    if (frame == nullptr) return false;
    *word = frame->entry[address % 4096 / 8];
    return true;
  };
  unit.top_table_address = uint64_t{iommu.root(domain)} * 4096;
  unit.levels = static_cast<int>(iommu.levels());
  unit.input_width = static_cast<int>(iommu.config().aw_bits);
  unit.host_width = static_cast<int>(iommu.config().host_address_bits);
  unit.can_2m = (iommu.config().page_sizes & kSize2M) != 0;
  unit.can_1g = (iommu.config().page_sizes & kSize1G) != 0;
  unit.snoop_control = iommu.config().snoop_control;
  return unit;
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_MODEL_READER_H_
