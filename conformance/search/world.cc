// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/world.h"

#include <cstring>
#include <utility>
#include <variant>

#include "conformance/search/call_builder.h"
#include "fmt/format.h"
#include "traces/ioctl_names.h"

namespace iovalid::conformance::search {
namespace {

std::string CallName(uint32_t call) {
  switch (call) {
    case kOpenCall:
      return "open";
    case kCloseCall:
      return "close";
    case kDupCall:
      return "dup";
    case kMapCall:
      return "mmap";
    case kUnmapCall:
      return "munmap";
    case kOtherCall:
      return "other";
    default:
      break;
  }
  for (const traces::IoctlName& name : traces::IoctlNames()) {
    if (name.nr == call) return std::string(name.cmd);
  }
  return fmt::format("{:#x}", call);
}

uint64_t OperationOf(const Step& step) {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr) return 0;
  if (ioctl->argument != IoctlAction::Argument::kStruct) return ioctl->value;
  const StructLayout* layout = LayoutOfCall(ioctl->nr);
  if (layout == nullptr) return 0;
  for (const FieldLayout& field : layout->fields) {
    uint32_t flags = 0;
    if (std::string_view(field.name) != "flags" || field.width != sizeof(flags)) continue;
    if (ioctl->in.size() < field.offset + sizeof(flags)) return 0;
    std::memcpy(&flags, &ioctl->in[field.offset], sizeof(flags));
    return flags;
  }
  return 0;
}

const char* IdOf(const compat::Rule* rule) { return rule == nullptr ? "-" : rule->id; }

}  // namespace

Signature MakeSignature(const Step& step, const Differ::Report& report, Facets differing) {
  return {CallOf(step),         OperationOf(step),     report.left.err,  report.right.err,
          report.left.rule,     report.right.rule,     differing};
}

std::string Root::Name() const {
  return std::string(StartName(start)) + (iommu_type == 1 ? " v1" : " v2");
}

std::vector<Root> Roots() {
  std::vector<Root> roots;
  for (const uint32_t type : {3u, 1u}) {
    for (const Start start : kStarts) {
      if (type == 1 && start == Start::kOpened) continue;  // no type is set yet
      roots.push_back({start, type});
    }
  }
  return roots;
}

std::string Signature::ToString() const {
  return fmt::format("{}({:#x}) {}/{} ({} / {}) {:#x}", CallName(call), operation,
                     sim::ErrnoName(left_error), sim::ErrnoName(right_error), IdOf(left_rule),
                     IdOf(right_rule), facets);
}

World::World(const Side& left, const Side& right, const std::vector<Root>& roots)
    : left_(left), right_(right), roots_(roots), header_(SearchHeader(traces::TYPE1)) {}

absl::StatusOr<World> World::Create(const Side& left, const Side& right,
                                    const std::vector<Root>& roots) {
  World world(left, right, roots);
  for (const Side& side : {left, right}) {
    const auto machine = Machine::Create(world.header_, side, {.views = false});
    if (!machine.ok()) return machine.status();
  }
  StepCompiler compiler(world.header_);
  Expectation expected;
  for (const Root& root : roots) {
    std::vector<Step>& set_up = world.set_ups_.emplace_back();
    for (const traces::Event& event : StartingCalls(root.start, root.iommu_type)) {
      const absl::Status status = compiler.Compile(event, &set_up.emplace_back(), &expected);
      if (!status.ok()) return status;
    }
  }
  for (const Letter& letter : Alphabet()) {
    const absl::Status status =
        compiler.Compile(letter.event, &world.letters_.emplace_back(), &expected);
    if (!status.ok()) return status;
  }
  return world;
}

Node World::MakeNode(size_t root) const {
  Node node{Differ(*Machine::Create(header_, left_, {.views = false}),
                   *Machine::Create(header_, right_, {.views = false})),
            Labeller(Catalogue::BuiltIn(), left_, right_)};
  for (const Step& step : set_ups_[root]) {
    (void)node.differ.Run(step);
    (void)node.labeller.Observe(step, node.differ);
  }
  return node;
}

const Label& World::Run(Node* node, size_t letter) const {
  (void)node->differ.Run(letters_[letter]);
  return node->labeller.Observe(letters_[letter], node->differ);
}

const Label* World::Run(Node* node, std::span<const uint16_t> letters) const {
  const Label* label = nullptr;
  for (const uint16_t letter : letters) label = &Run(node, size_t{letter});
  return label;
}

Facets World::RunUnlabelled(Node* node, size_t letter) const {
  (void)node->differ.Run(letters_[letter]);
  const Differ::Report& report = node->differ.report();
  if (!report.outcome_differs && report.state.empty()) return 0;
  Difference difference;
  difference.step = &letters_[letter];
  difference.left = &report.left;
  difference.right = &report.right;
  difference.state = report.state;
  return difference.differing();
}

Signature World::SignatureOf(const Node& node, size_t letter, Facets differing) const {
  return MakeSignature(letters_[letter], node.differ.report(), differing);
}

std::vector<traces::Event> World::Program(size_t root, std::span<const uint16_t> letters) const {
  std::vector<traces::Event> events = StartingCalls(roots_[root].start, roots_[root].iommu_type);
  for (const uint16_t letter : letters) events.push_back(Alphabet()[letter].event);
  traces::Event end;
  end.mutable_sequence_end()->set_seq(1);
  events.push_back(end);
  uint64_t step = 0;
  for (traces::Event& event : events) {
    if (!event.has_sequence_begin() && !event.has_sequence_end()) event.set_step(++step);
  }
  return events;
}

}  // namespace iovalid::conformance::search
