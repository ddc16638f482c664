// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_ERRNO_MATCHER_H_
#define IOVALID_COMPAT_ERRNO_MATCHER_H_

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "compat/outcome.h"
#include "sim/errno.h"

namespace iovalid::compat {

// "EINVAL (22)".
inline std::string ErrnoText(sim::Errno err) {
  return std::string(sim::ErrnoName(err)) + " (" + std::to_string(static_cast<int>(err)) + ")";
}

// What a failing EXPECT_THAT prints of an outcome: "EINVAL (22), decided by type1.map.rights:
// neither READ ...".
inline void PrintTo(const Outcome& outcome, std::ostream* os) {
  if (outcome.ok()) {
    *os << "success, returns " << outcome.ret;
  } else {
    *os << ErrnoText(outcome.err);
  }
  if (outcome.rule != nullptr) {
    *os << ", decided by " << outcome.rule->id << ": " << outcome.rule->text;
  }
}

// EXPECT_THAT(outcome, Succeeds()), SucceedsWith(7): errno 0 and, if given, that return value.
MATCHER(Succeeds, "succeeds") { return arg.ok(); }
MATCHER_P(SucceedsWith, ret, "succeeds and returns " + testing::PrintToString(ret)) {
  return arg.ok() && arg.ret == ret;
}

// EXPECT_THAT(outcome, FailsWithErrno(EINVAL)) or (Errno::kINVAL): returns -1 with exactly that
// errno.
MATCHER_P(FailsWithErrno, err, "fails with " + ErrnoText(static_cast<sim::Errno>(err))) {
  return arg.err == static_cast<sim::Errno>(err) && arg.ret == -1;
}

// The same, decided by the rule with that id.
MATCHER_P2(FailsBy, err, rule_id,
           "fails with " + ErrnoText(static_cast<sim::Errno>(err)) + " by " + rule_id) {
  return arg.err == static_cast<sim::Errno>(err) && arg.ret == -1 && arg.rule != nullptr &&
         std::string(arg.rule->id) == rule_id;
}

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_ERRNO_MATCHER_H_
