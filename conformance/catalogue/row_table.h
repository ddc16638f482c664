// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_ROW_TABLE_H_
#define IOVALID_CONFORMANCE_CATALOGUE_ROW_TABLE_H_

#include <string>

#include "conformance/catalogue/catalogue.h"
#include "conformance/catalogue/catalogue.pb.h"

namespace iovalid::conformance {

// "compat", "type1 up to 6.12", "any from 7.3".
std::string SideText(const catalogue::Side& side);

// The rows as a table in Markdown, the end of docs/divergences.md: by their first numbers, those
// without a number last. Its links are relative to docs/.
std::string RowTable(const Catalogue& catalogue);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_ROW_TABLE_H_
