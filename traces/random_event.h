// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_RANDOM_EVENT_H_
#define IOVALID_TRACES_RANDOM_EVENT_H_

#include <random>

#include "traces/trace.pb.h"

namespace iovalid::traces {

// For tests: a valid event with any kind and any of its fields, driven by the schema itself, so
// that a field that is added later is covered too.
Event RandomEvent(std::mt19937_64& random);
Header RandomHeader(std::mt19937_64& random);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_RANDOM_EVENT_H_
