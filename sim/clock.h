// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_CLOCK_H_
#define IOVALID_SIM_CLOCK_H_

#include <cstdint>

namespace iovalid::sim {

// The time of a simulated machine, in nanoseconds since it started. It stands still unless told
// otherwise: nothing in the models looks at the time of the machine that runs them.
class Clock {
 public:
  uint64_t now() const { return now_; }
  void Advance(uint64_t nanoseconds) { now_ += nanoseconds; }

 private:
  uint64_t now_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_CLOCK_H_
