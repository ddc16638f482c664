// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/exhaustive.h"

#include <algorithm>
#include <variant>

#include "conformance/parallel.h"
#include "sim/digest.h"

namespace iovalid::conformance::search {
namespace {

using Path = ExhaustiveProgress::Path;
using StateKey = ExhaustiveProgress::StateKey;

// Paths between two looks at the clock and at what is known. Any number gives the same result.
constexpr size_t kBatch = 256;

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

StateKey StateOf(const Node& node, uint64_t memory) {
  sim::Digest digest = sim::HashWords('L', memory);
  const sim::Digest left = node.differ.left().Identity();
  const sim::Digest right = node.differ.right().Identity();
  digest += sim::HashWords('l', left.lane[0], left.lane[1]);
  digest += sim::HashWords('r', right.lane[0], right.lane[1]);
  return {digest.lane[0], digest.lane[1]};
}

// What one path leads to.
struct Expansion {
  struct Child {
    uint16_t letter;
    uint64_t memory;
    StateKey state;
  };
  uint64_t sequences = 0, merged = 0;
  std::vector<Child> children;
  std::vector<Reproducer> found;
};

Expansion Expand(const World& world, const ExhaustiveOptions& options,
                 const ExhaustiveProgress& progress, const Node& start, const Path& path) {
  Expansion out;
  const bool last = progress.depth == options.depth;
  Node base = start;
  (void)world.Run(&base, path.letters);
  std::vector<uint16_t> letters = path.letters;
  letters.push_back(0);
  Node node = base;
  for (uint16_t letter = 0; letter < world.letters().size(); ++letter) {
    if (progress.depth == 1 && letter % options.shards != options.shard) continue;
    node = base;
    const Label& label = world.Run(&node, size_t{letter});
    ++out.sequences;
    letters.back() = letter;
    if (label.differing != 0) {
      Reproducer found{progress.root, letters, world.SignatureOf(node, letter, label.differing),
                       {},            false,   false};
      found.TakeLabel(label);
      if (!progress.findings.Knows(found)) out.found.push_back(std::move(found));
    }
    if (last) continue;
    const uint64_t memory = MemoryAfter(path.memory, world.letters()[letter], letter);
    const StateKey state = StateOf(node, memory);
    if (progress.known.contains(state)) {
      ++out.merged;
    } else {
      out.children.push_back({letter, memory, state});
    }
  }
  return out;
}

}  // namespace

void SearchExhaustively(const World& world, const ExhaustiveOptions& options,
                        ExhaustiveProgress* progress,
                        const std::function<bool(const ExhaustiveProgress&)>& go_on) {
  std::vector<Expansion> batch;
  for (; progress->root < world.roots().size(); ++progress->root, progress->depth = 0) {
    // Nodes of different threads share nothing.
    std::vector<Node> starts;
    for (unsigned job = 0; job < std::max(1u, options.jobs); ++job) {
      starts.push_back(world.MakeNode(progress->root));
    }
    if (progress->depth == 0) {
      progress->known = {StateOf(starts[0], 0)};
      progress->level = {Path{{}, 0}};
      progress->next.clear();
      progress->depth = 1;
      progress->done = 0;
    }
    for (; progress->depth <= options.depth; ++progress->depth) {
      while (progress->done < progress->level.size()) {
        const size_t first = progress->done;
        const size_t count = std::min(kBatch, progress->level.size() - first);
        batch.assign(count, Expansion());
        ForEachIndex(count, static_cast<unsigned>(starts.size()), [&](size_t i, unsigned job) {
          batch[i] = Expand(world, options, *progress, starts[job], progress->level[first + i]);
        });
        // In the order of the paths, whoever ran them.
        for (size_t i = 0; i < count; ++i) {
          ++progress->states;
          progress->sequences += batch[i].sequences;
          progress->merged += batch[i].merged;
          for (const Reproducer& found : batch[i].found) progress->findings.Add(found);
          for (const Expansion::Child& child : batch[i].children) {
            if (!progress->known.insert(child.state).second) {
              ++progress->merged;
              continue;
            }
            Path path = progress->level[first + i];
            path.letters.push_back(child.letter);
            path.memory = child.memory;
            progress->next.push_back(std::move(path));
          }
        }
        progress->done += count;
        if (!go_on(*progress)) return;
      }
      progress->level = std::move(progress->next);
      progress->next.clear();
      progress->done = 0;
    }
  }
}

}  // namespace iovalid::conformance::search
