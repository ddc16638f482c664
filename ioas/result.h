// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_RESULT_H_
#define IOVALID_IOAS_RESULT_H_

#include "sim/errno.h"
#include "sim/rule.h"

namespace iovalid::ioas {

// What an operation of the core answered, and the rule that decided. Success has no rule.
struct [[nodiscard]] Result {
  sim::Errno err = sim::Errno::kOk;
  const sim::Rule* rule = nullptr;

  bool ok() const { return err == sim::Errno::kOk; }
};

inline Result Success() { return {}; }
inline Result Failure(sim::Errno err, const sim::Rule& rule) { return {err, &rule}; }

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_RESULT_H_
