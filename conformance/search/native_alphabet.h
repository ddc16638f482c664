// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_NATIVE_ALPHABET_H_
#define IOVALID_CONFORMANCE_SEARCH_NATIVE_ALPHABET_H_

#include <vector>

#include "conformance/search/alphabet.h"

namespace iovalid::conformance::search {

// Where native programs start: iommufd i0; kAttached: v0 and v1 (cdevs of dev0 and dev1) bound as
// objects 1 and 2, IOASs 3 and 4; kReady: v0 attached to IOAS 3 as well.
std::vector<traces::Event> NativeStartingCalls(Start start);

// Calls on /dev/iommu and on device files for the properties of the native model: every command of
// 7.3 but those that only a kernel's own tests have.
const std::vector<Letter>& NativeAlphabet();

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_NATIVE_ALPHABET_H_
