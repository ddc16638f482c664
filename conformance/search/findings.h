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
  std::vector<int> rows;     // of the catalogue, each of which accounts for a part of it
  bool explained = false;    // all of it is accounted for
  bool consequence = false;  // of an earlier difference only

  // What the catalogue says of the last call.
  void TakeLabel(const Label& label);

  // Shorter first, then by root and letters: an order that does not depend on who found what first.
  bool Before(const Reproducer& other) const;
};

// How a search compares one find with another.
enum class Guidance : uint8_t {
  kBlind,      // by the signature alone, no row is looked at before the find is shrunk
  kCatalogue,  // what the catalogue explains and what it does not are different finds
};

// Drops calls, then takes earlier letters of the same command in place of the rest, as long as the
// last call still differs with the same signature (delta debugging to 1-minimality), and with
// kCatalogue is still unexplained if it was. Says afterwards what the catalogue says of it. `runs`
// counts the programs that were run.
Reproducer Shrink(const World& world, const Node& root, Reproducer found, Guidance guidance,
                  uint64_t* runs);

// What a search has found: a reproducer for each catalogue row, and for each signature that no row
// explains.
class Findings {
 public:
  // Keeps the reproducer if it is the first or the shortest of its kind.
  void Add(const Reproducer& reproducer);
  void Merge(const Findings& other);
  // Whether Add would change nothing.
  bool Knows(const Reproducer& reproducer) const;
  // Every reproducer, one for each row and each signature.
  std::vector<Reproducer> All() const;

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
