// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SNAPSHOT_DIFF_H_
#define IOVALID_CONFORMANCE_SNAPSHOT_DIFF_H_

#include <string>
#include <string_view>
#include <vector>

#include "compat/observation.h"
#include "conformance/state_diff.h"

namespace iovalid::conformance {

// How one component differs between two full snapshots, one line for each extent or fact:
// "only type1@7.3: [0xfe000000, 0xfe01ffff] rw". Empty where they are equal. Devices are those of
// the snapshots, in order.
std::vector<std::string> DescribeDifference(Component component, const compat::StateSnapshot& left,
                                            const compat::StateSnapshot& right,
                                            std::string_view left_name,
                                            std::string_view right_name);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_SNAPSHOT_DIFF_H_
