// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/findings.h"

#include <algorithm>
#include <tuple>

namespace iovalid::conformance::search {
namespace {

// Runs the letters from the root; the signature of the last one's difference, if it differs.
std::optional<Signature> LastSignature(const World& world, const Node& root,
                                       const std::vector<uint16_t>& letters) {
  Node node = root;
  const Label* label = world.Run(&node, letters);
  if (label == nullptr || label->differing == 0) return std::nullopt;
  return world.SignatureOf(node, letters.back(), *label);
}

}  // namespace

bool Reproducer::Before(const Reproducer& other) const {
  return std::forward_as_tuple(letters.size(), consequence, root, letters) <
         std::forward_as_tuple(other.letters.size(), other.consequence, other.root, other.letters);
}

Reproducer Shrink(const World& world, const Node& root, Reproducer found, uint64_t* runs) {
  const auto keeps = [&](const std::vector<uint16_t>& letters) {
    ++*runs;
    return LastSignature(world, root, letters) == found.signature;
  };
  std::vector<uint16_t>& letters = found.letters;
  // Pieces of halving length, from the back: what is near the difference is needed more often.
  for (size_t piece = std::max<size_t>(letters.size() / 2, 1);;
       piece = std::max<size_t>(piece / 2, 1)) {
    bool dropped = false;
    for (size_t end = letters.size() - 1; end >= 1;) {
      const size_t begin = end > piece ? end - piece : 0;
      std::vector<uint16_t> fewer(letters.begin(), letters.begin() + static_cast<long>(begin));
      fewer.insert(fewer.end(), letters.begin() + static_cast<long>(end), letters.end());
      if (keeps(fewer)) {
        letters = fewer;
        dropped = true;
      }
      end = begin;
    }
    if (piece == 1 && !dropped) break;
  }
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
  const Label& label = *world.Run(&node, letters);
  found.row = label.explained() ? label.row() : Cause::kUnexplained;
  found.consequence = label.is_consequence();
  return found;
}

void Findings::Add(const Reproducer& reproducer) {
  const auto keep = [&](auto* map, const auto& key) {
    const auto [place, added] = map->emplace(key, reproducer);
    if (!added && reproducer.Before(place->second)) place->second = reproducer;
  };
  if (reproducer.row >= 0) {
    keep(&explained_, reproducer.row);
  } else {
    keep(&unexplained_, reproducer.signature.ToString());
  }
}

void Findings::Merge(const Findings& other) {
  for (const auto& [row, reproducer] : other.explained_) Add(reproducer);
  for (const auto& [text, reproducer] : other.unexplained_) Add(reproducer);
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
