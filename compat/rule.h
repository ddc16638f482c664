// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_RULE_H_
#define IOVALID_COMPAT_RULE_H_

#include "sim/rule.h"

namespace iovalid::compat {

// What decided the outcome of a call; see sim/rule.h.
using Rule = sim::Rule;

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_RULE_H_
