// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_BUILT_IN_H_
#define IOVALID_CONFORMANCE_CATALOGUE_BUILT_IN_H_

#include <string>
#include <utility>
#include <vector>

namespace iovalid::conformance {

// The files of this directory as they were when the program was built, so that it needs none of
// them where it runs: {path from conformance/catalogue, contents}, by path.
std::vector<std::pair<std::string, std::string>> BuiltInCatalogueFiles();
// Minimal traces and near misses, the same way: "traces/ID.textproto", "traces/ID.near.textproto".
std::vector<std::pair<std::string, std::string>> BuiltInCatalogueTraces();

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_BUILT_IN_H_
