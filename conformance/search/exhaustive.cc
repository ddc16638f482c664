// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/exhaustive.h"

#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "sim/digest.h"

namespace iovalid::conformance::search {
namespace {

// A program that is gone on from.
struct Path {
  std::vector<uint16_t> letters;
  uint64_t memory;  // stands for what the program did to its memory, descriptors' names included
};

bool ChangesMemory(const Step& step) {
  return std::holds_alternative<MapAction>(step.action) ||
         std::holds_alternative<UnmapAction>(step.action) ||
         std::holds_alternative<ProtectAction>(step.action);
}

// The memory after a letter. Memory that was not touched before is made present by whoever pins it,
// so that from the first letter that changes memory on every letter counts.
uint64_t MemoryAfter(uint64_t memory, const Step& step, uint16_t letter) {
  if (memory == 0 && !ChangesMemory(step)) return 0;
  return (memory ^ (letter + 1)) * 0x9e3779b97f4a7c15 + 1;
}

using StateKey = std::pair<uint64_t, uint64_t>;

StateKey StateOf(const Node& node, uint64_t memory) {
  sim::Digest digest = sim::HashWords('L', memory);
  const sim::Digest left = node.differ.left().Identity();
  const sim::Digest right = node.differ.right().Identity();
  digest += sim::HashWords('l', left.lane[0], left.lane[1]);
  digest += sim::HashWords('r', right.lane[0], right.lane[1]);
  return {digest.lane[0], digest.lane[1]};
}

}  // namespace

ExhaustiveResult SearchExhaustively(const World& world, const ExhaustiveOptions& options,
                                    const std::function<void(uint64_t, uint64_t)>& progress) {
  ExhaustiveResult result;
  const size_t letters = world.letters().size();
  for (size_t root = 0; root < world.roots().size(); ++root) {
    const Node start = world.MakeNode(root);
    absl::flat_hash_set<StateKey> known = {StateOf(start, 0)};
    std::vector<Path> level = {Path{{}, 0}};
    for (size_t depth = 1; depth <= options.depth; ++depth) {
      std::vector<Path> next;
      for (size_t i = 0; i < level.size(); ++i) {
        if (i % 64 == 0) progress(i, level.size());
        ++result.states;
        Node base = start;
        (void)world.Run(&base, level[i].letters);
        Path path = level[i];
        path.letters.push_back(0);
        Node node = base;
        for (uint16_t letter = 0; letter < letters; ++letter) {
          if (depth == 1 && letter % options.shards != options.shard) continue;
          node = base;
          const Label& label = world.Run(&node, size_t{letter});
          ++result.sequences;
          path.letters.back() = letter;
          if (label.differing != 0) {
            result.findings.Add({root, path.letters, world.SignatureOf(node, letter, label),
                                 label.explained() ? label.row() : Cause::kUnexplained,
                                 label.is_consequence()});
          }
          if (depth == options.depth) continue;
          path.memory = MemoryAfter(level[i].memory, world.letters()[letter], letter);
          if (known.insert(StateOf(node, path.memory)).second) {
            next.push_back(path);
          } else {
            ++result.merged;
          }
        }
      }
      level = std::move(next);
    }
  }
  return result;
}

}  // namespace iovalid::conformance::search
