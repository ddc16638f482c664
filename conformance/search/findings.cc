// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/findings.h"

#include <algorithm>
#include <tuple>

#include "conformance/search/drop_pieces.h"

namespace iovalid::conformance::search {
namespace {

// Runs the letters from the root; the signature of the last one's difference, if it differs.
std::optional<Signature> LastSignature(const World& world, const Node& root,
                                       const std::vector<uint16_t>& letters) {
  Node node = root;
  Facets differing = 0;
  for (const uint16_t letter : letters) differing = world.RunUnlabelled(&node, letter);
  if (differing == 0) return std::nullopt;
  return world.SignatureOf(node, letters.back(), differing);
}

bool IsUnexplained(const World& world, const Node& root, const std::vector<uint16_t>& letters) {
  Node node = root;
  const Label* label = world.Run(&node, letters);
  return label != nullptr && !label->explained();
}

}  // namespace

void Reproducer::TakeLabel(const Label& label) {
  rows.clear();
  explained = label.explained();
  consequence = label.is_consequence();
  for (const Label::Part& part : label.parts) {
    if (explained && part.row >= 0) rows.push_back(part.row);
  }
}

bool Reproducer::Before(const Reproducer& other) const {
  return std::forward_as_tuple(letters.size(), consequence, root, letters) <
         std::forward_as_tuple(other.letters.size(), other.consequence, other.root, other.letters);
}

Reproducer Shrink(const World& world, const Node& root, Reproducer found, Guidance guidance,
                  uint64_t* runs) {
  const bool unexplained =
      guidance == Guidance::kCatalogue && IsUnexplained(world, root, found.letters);
  const auto keeps = [&](const std::vector<uint16_t>& letters) {
    ++*runs;
    return LastSignature(world, root, letters) == found.signature &&
           (!unexplained || IsUnexplained(world, root, letters));
  };
  std::vector<uint16_t>& letters = found.letters;
  DropPieces(&letters, 1, keeps);
  // Each letter is replaced by the first one of its command that will do.
  for (size_t i = 0; i < letters.size(); ++i) {
    const uint32_t call = CallOf(world.letters()[letters[i]]);
    for (uint16_t other = 0; other < letters[i]; ++other) {
      if (CallOf(world.letters()[other]) != call) continue;
      std::vector<uint16_t> simpler = letters;
      simpler[i] = other;
      if (!keeps(simpler)) continue;
      letters = simpler;
      break;
    }
  }
  // What the catalogue says of the shortest form.
  Node node = root;
  found.TakeLabel(*world.Run(&node, letters));
  return found;
}

void Findings::Add(const Reproducer& reproducer) {
  const auto keep = [&](auto* map, const auto& key) {
    const auto [place, added] = map->emplace(key, reproducer);
    if (!added && reproducer.Before(place->second)) place->second = reproducer;
  };
  for (const int row : reproducer.rows) keep(&explained_, row);
  if (!reproducer.explained) keep(&unexplained_, reproducer.signature.ToString());
}

void Findings::Merge(const Findings& other) {
  for (const auto& [row, reproducer] : other.explained_) Add(reproducer);
  for (const auto& [text, reproducer] : other.unexplained_) Add(reproducer);
}

bool Findings::Knows(const Reproducer& reproducer) const {
  const auto knows = [&](const auto& map, const auto& key) {
    const auto place = map.find(key);
    return place != map.end() && !reproducer.Before(place->second);
  };
  for (const int row : reproducer.rows) {
    if (!knows(explained_, row)) return false;
  }
  return reproducer.explained || knows(unexplained_, reproducer.signature.ToString());
}

std::vector<Reproducer> Findings::All() const {
  std::vector<Reproducer> all;
  for (const auto& [row, reproducer] : explained_) all.push_back(reproducer);
  for (const auto& [text, reproducer] : unexplained_) all.push_back(reproducer);
  return all;
}

size_t Findings::MedianCalls() const {
  std::vector<size_t> calls;
  for (const auto& [row, reproducer] : explained_) calls.push_back(reproducer.letters.size());
  for (const auto& [text, reproducer] : unexplained_) calls.push_back(reproducer.letters.size());
  if (calls.empty()) return 0;
  std::sort(calls.begin(), calls.end());
  return calls[(calls.size() - 1) / 2];
}

}  // namespace iovalid::conformance::search
