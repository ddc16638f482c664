// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_DMA_RANGE_H_
#define IOVALID_CONFORMANCE_DMA_RANGE_H_

#include <cstdint>
#include <optional>

#include "conformance/step.h"

namespace iovalid::conformance {

// What a call names to be mapped or unmapped, as it stands in the struct: nothing says that it is
// aligned, or that it ends within the space.
struct DmaRange {
  uint64_t first;  // IOVA
  uint64_t size;   // bytes; 0 where the call names none, as with UNMAP_DMA's ALL

  // The last IOVA; nothing where the range is empty or passes the end of the space.
  std::optional<uint64_t> last() const {
    const uint64_t last = first + (size - 1);
    if (size == 0 || last < first) return std::nullopt;
    return last;
  }
};

// Of VFIO's MAP_DMA and UNMAP_DMA, and iommufd's IOAS_MAP, IOAS_MAP_FILE, IOAS_COPY (where it
// copies to) and IOAS_UNMAP; nothing for other calls and for structs that end before both fields.
std::optional<DmaRange> DmaRangeOf(const Step& step);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_DMA_RANGE_H_
