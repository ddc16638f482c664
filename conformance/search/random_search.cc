// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/random_search.h"

#include <random>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "conformance/search/random_program.h"

namespace iovalid::conformance::search {
namespace {

// Looked up only, never walked: hashing the addresses of rules decides nothing that is told.
using SeenKey = std::tuple<uint32_t, uint64_t, int, int, const void*, const void*, Facets, int>;

SeenKey KeyOf(const Signature& s, int row) {
  return {s.call,
          s.operation,
          static_cast<int>(s.left_error),
          static_cast<int>(s.right_error),
          s.left_rule,
          s.right_rule,
          s.facets,
          row};
}

// How long the shortest program of a signature must be before another find of it is shrunk again: a
// different one may be shorter.
constexpr size_t kGoodEnough = 3;
constexpr int kMostShrinks = 4;

// What a find counts as besides its signature: with the catalogue, the row that names it.
constexpr int kAnyRow = -2;
int RowKey(const Label& label) {
  return label.explained() && label.differing != 0 ? label.row() : Cause::kUnexplained;
}

}  // namespace

RandomResult SearchAtRandom(const World& world, const RandomOptions& options,
                            const std::function<bool(uint64_t)>& stop) {
  struct Seen {
    size_t shortest;
    int shrinks;
  };
  RandomResult result;
  absl::flat_hash_map<SeenKey, Seen> seen;
  std::vector<Node> roots;
  for (size_t root = 0; root < world.roots().size(); ++root) roots.push_back(world.MakeNode(root));
  const LetterChoice choice;
  Node node = roots[0];
  std::vector<uint16_t> letters;
  for (uint64_t number = options.first; !stop(result.sequences);
       number += options.stride, ++result.sequences) {
    std::mt19937_64 random(options.seed * 0x9e3779b97f4a7c15 + number);
    const size_t root = number % roots.size();
    node = roots[root];
    letters.clear();
    for (size_t length = 1 + random() % options.max_calls; letters.size() < length;) {
      const size_t letter = choice(random());
      letters.push_back(static_cast<uint16_t>(letter));
      Facets differing;
      int row = kAnyRow;
      if (options.guidance == Guidance::kBlind) {
        differing = world.RunUnlabelled(&node, letter);
      } else {
        const Label& label = world.Run(&node, letter);
        differing = label.differing;
        row = RowKey(label);
      }
      ++result.calls;
      if (differing == 0) continue;
      const Signature signature = world.SignatureOf(node, letter, differing);
      Seen& known = seen.try_emplace(KeyOf(signature, row), Seen{~size_t{0}, 0}).first->second;
      if (known.shortest <= kGoodEnough || known.shrinks == kMostShrinks ||
          known.shortest <= letters.size()) {
        continue;
      }
      uint64_t runs = 0;
      const Reproducer shrunk =
          Shrink(world, roots[root], {root, letters, signature, {}, false, false},
                 options.guidance, &runs);
      ++known.shrinks;
      known.shortest = std::min(known.shortest, shrunk.letters.size());
      result.findings.Add(shrunk);
    }
  }
  return result;
}

}  // namespace iovalid::conformance::search
