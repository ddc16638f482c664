// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_INVARIANTS_H_
#define IOVALID_CONFORMANCE_SEARCH_INVARIANTS_H_

#include <string>

#include "conformance/machine.h"

namespace iovalid::conformance::search {

// What holds for every kernel after every call, checked against the page tables, the pins of the
// simulated memory and the accounts, which the models update each in its own place. Returns what is
// broken, in a line; empty where nothing is. O(state). For machines with one process.
//
// * A device reaches exactly mappings, each whole or not at all, with the mapping's rights.
// * A page is pinned once for each mapping that covers it and that some device reaches; no page is
//   pinned that no mapping covers. (Not of native programs.)
// * The charges are the pins: mm->locked_vm with type1, mm->pinned_vm with iommufd.
// * The digests of the state are those of the snapshot.
std::string BrokenInvariant(const Machine& machine);

// Ends the process on a copy of the machine: nothing may be pinned, charged or alive afterwards.
std::string BrokenTeardown(const Machine& machine);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_INVARIANTS_H_
