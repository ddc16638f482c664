// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_SOUNDNESS_H_
#define IOVALID_CONFORMANCE_CATALOGUE_SOUNDNESS_H_

#include <cstdint>

#include "compat/observation.h"
#include "conformance/catalogue/catalogue.h"
#include "conformance/machine.h"
#include "conformance/step.h"

namespace iovalid::conformance {

// What else is known of one side's step.
struct SideFacts {
  uint64_t removed = 0, added = 0;              // bytes of mappings
  const compat::StateSnapshot* info = nullptr;  // GET_INFO: what the container holds
  Mode mode = Mode::kType1;
  const compat::KernelProfile* profile = nullptr;
};

// Whether an answer fits together: the errno is one that the deciding rule answers with, a size is
// that of what was removed, GET_INFO says what the container holds, and what a call does not write
// is as it was. What is not sound is explained by no row, so that rows need not repeat this.
bool SoundOutcome(const Catalogue& catalogue, const Step& step, const StepResult& result,
                  const SideFacts& facts);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_SOUNDNESS_H_
