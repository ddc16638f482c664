// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_RULE_H_
#define IOVALID_SIM_RULE_H_

namespace iovalid::sim {

// A rule of a modelled kernel: what decided the outcome of a call. Rules are constants with static
// storage; they are compared by address and printed by reports.
struct Rule {
  const char* id;        // stable name, e.g. "type1.map.overlap"
  const char* function;  // kernel function that holds the rule, e.g. "vfio_dma_do_map"
  const char* text;      // one clause, e.g. "the IOVA range overlaps a mapping"
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_RULE_H_
