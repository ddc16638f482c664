// SPDX-License-Identifier: Apache-2.0
#include "conformance/fuzz/oracle.h"

#include <string_view>
#include <utility>

#include "conformance/decode.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/drop_pieces.h"
#include "conformance/search/invariants.h"
#include "sim/state_hash.h"

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

bool Unmodelled(const StepResult& result) {
  return result.rule != nullptr && std::string_view(result.rule->id).starts_with("unmodelled.");
}

// Of every how many programs all is checked. The copy that is torn down costs as much as the calls.
constexpr uint64_t kThoroughEach = 64;
// Numbers of states that are remembered; 16 bytes each.
constexpr size_t kMostStates = size_t{1} << 22;

// What the invariants are about: mappings, usable ranges, charges, pins, and what devices reach.
uint64_t StateNumber(const Machine& machine, const compat::ObservedState& state) {
  sim::Digest digest = sim::HashWords('s', static_cast<uint64_t>(machine.side().mode),
                                      state.charged_pages, machine.memory().pinned_pages());
  digest += sim::HashWords('m', state.mappings.lane[0], state.mappings.lane[1]);
  digest += sim::HashWords('u', state.usable.lane[0], state.usable.lane[1]);
  for (size_t device = 0; device < state.devices.size(); ++device) {
    const compat::DeviceState& d = state.devices[device];
    digest += sim::HashWords('d', device << 1 | d.attached, d.reach.lane[0], d.reach.lane[1]);
  }
  return digest.lane[0];
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
  return Run(program, runs_++ % kThoroughEach == 0, calls);
}

std::optional<Finding> Oracle::Run(const Program& program, bool thorough, uint64_t* calls) {
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
    // What the models refuse to say, they cannot be compared on, and what follows neither.
    if (Unmodelled(node.differ.report().left) || Unmodelled(node.differ.report().right)) {
      return std::nullopt;
    }
    if (label->differing != 0 && !label->explained()) {
      return Finding{world.left().Name() + " " + world.right().Name() + " " +
                         search::MakeSignature(
                             call.value == 0 ? world.letters()[call.letter] : changed_,
                             node.differ.report(), label->differing)
                             .ToString(),
                     program};
    }
  }
  std::string broken = Broken(node.differ.left(), node.differ.left_state(), thorough);
  if (broken.empty()) broken = Broken(node.differ.right(), node.differ.right_state(), thorough);
  if (broken.empty()) return std::nullopt;
  return Finding{broken, program};
}

std::string Oracle::Broken(const Machine& machine, const compat::ObservedState& state,
                           bool thorough) {
  if (sound_.size() >= kMostStates) sound_.clear();
  std::string broken;
  if (sound_.insert(StateNumber(machine, state)).second || thorough) {
    broken = search::BrokenInvariant(machine);
  }
  if (broken.empty() && thorough) broken = search::BrokenTeardown(machine);
  return broken.empty() ? broken : machine.side().Name() + ": " + KindOfMessage(broken);
}

Finding Oracle::Shrink(Finding finding) {
  uint64_t calls = 0;
  const auto keeps = [&](const Program& program) {
    const std::optional<Finding> other = Run(program, /*thorough=*/true, &calls);
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
