// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_CHECK_H_
#define IOVALID_CONFORMANCE_CATALOGUE_CHECK_H_

#include <string>
#include <utility>
#include <vector>

#include "conformance/catalogue/catalogue.h"
#include "conformance/side.h"

namespace iovalid::conformance {

// What the check of one row found.
struct RowCheck {
  int row = 0;
  uint64_t plants = 0;                // wrong outcomes that were tried
  std::vector<std::string> problems;  // empty: the row is sound
};

// Proves of every row: its minimal trace shows it, nothing unexplained, and no rows but those of
// `with`; its near miss does not show it; and a wrong outcome at the step that shows it (another
// errno or return value on either side, another size, a component of the state that it does not
// account for, or the lack of one that it needs) is no longer explained by it. `traces`: {name,
// text} as BuiltInCatalogueTraces gives them.
std::vector<RowCheck> CheckCatalogue(
    const Catalogue& catalogue, const std::vector<std::pair<std::string, std::string>>& traces);

// The sides that a row's minimal trace is for.
std::pair<Side, Side> ShowSides(const catalogue::Row& row);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_CHECK_H_
