// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_FINDINGS_H_
#define IOVALID_CONFORMANCE_SEARCH_FINDINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conformance/search/world.h"

namespace iovalid::conformance::search {

// The shortest program known to end in a certain difference.
struct Reproducer {
  size_t root = 0;
  std::vector<uint16_t> letters;  // after the root's set-up; the last one differs
  Signature signature;
  int row = Cause::kUnexplained;  // of the catalogue
  bool consequence = false;       // of an earlier difference of that row

  // Shorter first, then by root and letters: an order that does not depend on who found what first.
  bool Before(const Reproducer& other) const;
};

// Drops calls, then takes earlier letters of the same command in place of the rest, as long as the
// last call still differs with the same signature (delta debugging to 1-minimality). `runs` counts
// the programs that were run.
Reproducer Shrink(const World& world, const Node& root, Reproducer found, uint64_t* runs);

// What a search has found: a reproducer for each catalogue row, and for each signature that no row
// explains.
class Findings {
 public:
  // Keeps the reproducer if it is the first or the shortest of its kind.
  void Add(const Reproducer& reproducer);
  void Merge(const Findings& other);

  const std::map<int, Reproducer>& explained() const { return explained_; }
  // By the text of the signature.
  const std::map<std::string, Reproducer>& unexplained() const { return unexplained_; }
  size_t distinct() const { return explained_.size() + unexplained_.size(); }
  // Half of the reproducers have at most this many calls.
  size_t MedianCalls() const;

 private:
  std::map<int, Reproducer> explained_;
  std::map<std::string, Reproducer> unexplained_;
};

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_FINDINGS_H_
