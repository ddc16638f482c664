// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_UNRECORDED_WRITES_H_
#define IOVALID_TRACES_UNRECORDED_WRITES_H_

#include <memory>

#include "traces/event_source.h"

namespace iovalid::traces {

// Captures of programs do not say when the program writes to its memory. On 6.1 that shows: a read-only
// mapping of memory that was never written gets the zero page, which is not charged (vfio_iommu_type1,
// mm/gup.c). So where a recording has charged nothing for a read-only mapping and later charges all of
// it for a mapping of the same memory, the program has written it in between.
//
// The source that this returns gives the events of `source` and, before such a later MAP_DMA, a Touch
// event with `inferred` set that writes the range. Only captures of 6.1 are looked at; any other source
// comes back as it is. What is inferred is an input like any other: it is stored when the events are
// written, and does not depend on the recorded answers after that.
std::unique_ptr<EventSource> WithUnrecordedWrites(std::unique_ptr<EventSource> source);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_UNRECORDED_WRITES_H_
