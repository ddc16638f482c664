// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_VTD_RESERVED_H_
#define IOVALID_HWMODEL_VTD_RESERVED_H_

#include <cstdint>

#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// What both VT-d formats reserve: address bits from the host address width up, and PS where a level
// has no leaf of a size that the unit maps. `leaf(level)` gives the further bits of leaves.
template <typename Format, typename Leaf>
ReservedBits VtdReserved(const HardwareLimits& limits, Leaf leaf) {
  ReservedBits reserved;
  const uint64_t beyond_host = Format::kAddress & ~BitsBelow(limits.host_address_bits);
  for (unsigned level = 1; level <= Format::kMaxLevels; ++level) {
    const bool may_be_leaf = (Format::LeafSizes(level) & limits.page_sizes) != 0;
    reserved.in_table[level] = beyond_host | (level > 1 ? Format::kPageSizeBit : 0);
    reserved.in_leaf[level] = beyond_host | leaf(level);
    if (level > 1 && !may_be_leaf) reserved.in_leaf[level] |= Format::kPageSizeBit;
  }
  return reserved;
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_VTD_RESERVED_H_
