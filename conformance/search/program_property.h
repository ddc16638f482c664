// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_PROGRAM_PROPERTY_H_
#define IOVALID_CONFORMANCE_SEARCH_PROGRAM_PROPERTY_H_

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <utility>

#include "conformance/search/failed_program.h"

namespace iovalid::conformance::search {

// rc::check for a property over programs: `property(shown)` makes its program from generators,
// stores header and events in *shown before it runs them, and uses RC_ASSERT. The message of a
// failure is FailureText() of the program as rapidcheck shrank it.
//
//   EXPECT_TRUE(HoldsForPrograms([&](FailedProgram* shown) { ... }));
template <typename Property>
testing::AssertionResult HoldsForPrograms(Property property) {
  FailedProgram failed;
  const bool holds = rc::check([&] {
    FailedProgram shown;
    try {
      property(&shown);
    } catch (const rc::detail::CaseResult& result) {
      // Shrinking goes from one failure to a smaller one, so the last one is the smallest.
      if (result.type == rc::detail::CaseResult::Type::Failure) {
        shown.broken = result.description;
        failed = std::move(shown);
      }
      throw;
    }
  });
  if (holds) return testing::AssertionSuccess();
  const std::string seed = std::to_string(rc::detail::configuration().testParams.seed);
  failed.seed = "rapidcheck, seed " + seed;
  failed.environment = "RC_PARAMS=seed=" + seed;
  return testing::AssertionFailure() << FailureText(failed);
}

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_PROGRAM_PROPERTY_H_
