// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_FAIL_NTH_H_
#define IOVALID_SIM_FAIL_NTH_H_

#include <cstdint>
#include <string>

#include "sim/fault_point.h"

namespace iovalid::sim {

// Fails the n-th point that is reached, from 1 on, and no other: of a call, for each n in turn, until
// the call has fewer points (as /proc/self/fail-nth does for a kernel's allocations).
class FailNth : public PointHook {
 public:
  explicit FailNth(uint64_t n) : n_(n) {}
  bool Reached(const char* point) override {
    if (++reached_ != n_) return false;
    failed_ = point;
    return true;
  }
  // Points so far.
  uint64_t reached() const { return reached_; }
  // The point that failed; empty where fewer were reached.
  const std::string& failed() const { return failed_; }

 private:
  uint64_t n_;
  uint64_t reached_ = 0;
  std::string failed_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_FAIL_NTH_H_
