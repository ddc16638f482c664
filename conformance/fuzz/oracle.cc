// SPDX-License-Identifier: Apache-2.0
#include "conformance/fuzz/oracle.h"

#include <utility>

#include "conformance/decode.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/drop_pieces.h"
#include "conformance/search/invariants.h"

namespace iovalid::conformance::fuzz {
namespace {

// Of a state, whichever numbers are in it: the words of the message without its numbers.
std::string KindOfMessage(const std::string& message) {
  std::string kind;
  for (const char c : message) {
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

}  // namespace

Oracle::Oracle(std::vector<search::World> worlds) : worlds_(std::move(worlds)) {
  for (size_t world = 0; world < worlds_.size(); ++world) {
    for (size_t root = 0; root < worlds_[world].roots().size(); ++root) {
      roots_.push_back({world, root, worlds_[world].MakeNode(root)});
      scratch_.push_back(roots_.back().node);
    }
  }
}

absl::StatusOr<Oracle> Oracle::Create() {
  std::vector<search::World> worlds;
  for (const char* kernel : {"7.3", "6.12"}) {
    const auto left = ParseSide("type1", kernel), right = ParseSide("compat", kernel);
    if (!left.ok()) return left.status();
    if (!right.ok()) return right.status();
    auto world = search::World::Create(*left, *right, search::Roots());
    if (!world.ok()) return world.status();
    worlds.push_back(*std::move(world));
  }
  return Oracle(std::move(worlds));
}

std::optional<Finding> Oracle::Run(const Program& program, uint64_t* calls) {
  const Start& start = roots_[RootOf(program)];
  const search::World& world = worlds_[start.world];
  search::Node& node = scratch_[RootOf(program)];
  node = start.node;
  for (const Call& call : program.calls) {
    const Label* label;
    if (call.value == 0) {
      label = &world.Run(&node, call.letter);
    } else {
      changed_ = world.letters()[call.letter];
      ChangeArgument(call, &changed_);
      if (!node.differ.Run(changed_).ok()) return std::nullopt;
      label = &node.labeller.Observe(changed_, node.differ);
    }
    ++*calls;
    if (label->differing != 0 && !label->explained()) {
      return Finding{world.left().Name() + " " + world.right().Name() + " " +
                         search::MakeSignature(
                             call.value == 0 ? world.letters()[call.letter] : changed_,
                             node.differ.report(), label->differing)
                             .ToString(),
                     program};
    }
  }
  for (const Machine* machine : {&node.differ.left(), &node.differ.right()}) {
    std::string broken = search::BrokenInvariant(*machine);
    if (broken.empty() && program.calls.size() % 4 == 0) broken = search::BrokenTeardown(*machine);
    if (broken.empty()) continue;
    return Finding{machine->side().Name() + ": " + KindOfMessage(broken), program};
  }
  return std::nullopt;
}

Finding Oracle::Shrink(Finding finding) {
  uint64_t calls = 0;
  const auto keeps = [&](const Program& program) {
    const std::optional<Finding> other = Run(program, &calls);
    return other.has_value() && other->kind == finding.kind;
  };
  Program& program = finding.program;
  search::DropPieces(&program.calls, 0, [&](const std::vector<Call>& fewer) {
    return keeps({program.start, fewer});
  });
  for (size_t i = 0; i < program.calls.size(); ++i) {
    Program plain = program;
    plain.calls[i].where = plain.calls[i].value = 0;
    if (!(plain == program) && keeps(plain)) program = plain;
  }
  return finding;
}

std::vector<traces::Event> Oracle::Events(const Program& program) const {
  const Start& start = roots_[RootOf(program)];
  const search::Root& root = worlds_[start.world].roots()[start.root];
  std::vector<traces::Event> events = search::StartingCalls(root.start, root.iommu_type);
  for (const Call& call : program.calls) {
    events.push_back(search::Alphabet()[call.letter].event);
    ChangeArgument(call, &events.back());
  }
  events.emplace_back().mutable_sequence_end()->set_seq(1);
  uint64_t step = 0;
  for (traces::Event& event : events) {
    if (!event.has_sequence_begin() && !event.has_sequence_end()) event.set_step(++step);
  }
  return events;
}

std::string Oracle::ToText(const Finding& finding) const {
  const Start& start = roots_[RootOf(finding.program)];
  std::string text = finding.kind + "\n  from " + worlds_[start.world].roots()[start.root].Name();
  for (const Call& call : finding.program.calls) {
    traces::Event event = search::Alphabet()[call.letter].event;
    ChangeArgument(call, &event);
    text += "\n  " + DecodeCall(event);
  }
  return text + "\n";
}

}  // namespace iovalid::conformance::fuzz
