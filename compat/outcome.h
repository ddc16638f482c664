// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_OUTCOME_H_
#define IOVALID_COMPAT_OUTCOME_H_

#include <cstdint>

#include "compat/rule.h"
#include "sim/errno.h"

namespace iovalid::compat {

// What a simulated system call answered. Bytes that the call wrote are in the caller's memory.
struct [[nodiscard]] Outcome {
  int64_t ret = 0;                    // return value; -1 where `err` is set
  sim::Errno err = sim::Errno::kOk;   // errno
  const Rule* rule = nullptr;         // what decided; null for a plain success

  bool ok() const { return err == sim::Errno::kOk; }
};

inline Outcome Ok(int64_t ret = 0, const Rule* rule = nullptr) {
  return {ret, sim::Errno::kOk, rule};
}
inline Outcome Fail(sim::Errno err, const Rule& rule) { return {-1, err, &rule}; }

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_OUTCOME_H_
