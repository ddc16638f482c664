// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/labeller.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>

#include "compat/abi/vfio.h"
#include "conformance/catalogue/soundness.h"
#include "conformance/dma_range.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

uint64_t& At(Variables& variables, Variable variable) {
  return variables[static_cast<size_t>(variable)];
}
uint64_t At(const Variables& variables, Variable variable) {
  return variables[static_cast<size_t>(variable)];
}

// Devices in a domain; with `space`, in one of that container or iommufd.
uint64_t CountAttached(const std::vector<compat::DeviceState>& devices,
                       std::optional<uint32_t> space = std::nullopt) {
  return static_cast<uint64_t>(std::count_if(devices.begin(), devices.end(), [&](const auto& d) {
    return d.attached && (!space.has_value() || d.space == *space);
  }));
}

// Whether the call is one on a container that attaches and detaches nothing.
bool KeepsAttached(uint32_t call) {
  return call == abi::kVfioCheckExtension || call == abi::kVfioIommuGetInfo ||
         call == abi::kVfioIommuMapDma || call == abi::kVfioIommuUnmapDma ||
         call == abi::kVfioIommuDirtyPages;
}

// The IOVAs that a MAP_DMA or UNMAP_DMA names, inclusive; everything for any other call, and where
// the call names none or passes the end of the space.
std::pair<uint64_t, uint64_t> RangeOf(const Step& step) {
  constexpr std::pair<uint64_t, uint64_t> kAll = {0, ~uint64_t{0}};
  const uint32_t call = CallOf(step);
  if (call != abi::kVfioIommuMapDma && call != abi::kVfioIommuUnmapDma) return kAll;
  const std::optional<DmaRange> range = DmaRangeOf(step);
  if (!range.has_value()) return kAll;
  const std::optional<uint64_t> last = range->last();
  if (!last.has_value()) return kAll;
  return {range->first, *last};
}

uint32_t MarkBit(uint32_t marks) { return static_cast<uint32_t>(std::countr_zero(marks)); }
uint32_t StateIndex(Facets facet) {
  return static_cast<uint32_t>(std::countr_zero(facet)) - kFirstStateFacet;
}

}  // namespace

Facets Difference::differing() const {
  Facets facets = OutcomeFacets(*step, *left, *right);
  for (const StateDiff::Change& change : state) {
    if (!change.resolved) facets |= FacetOf(change.component);
  }
  return facets;
}

Facets Difference::changed() const {
  Facets facets = 0;
  for (const StateDiff::Change& change : state) facets |= FacetOf(change.component);
  return facets;
}

// What conditions can hold depends on the call and the deciding rules alone; strings are compared
// once for each such triple.
struct Labeller::Candidates {
  using Key = std::tuple<uint32_t, const compat::Rule*, const compat::Rule*>;
  struct Hash {
    size_t operator()(const Key& key) const {
      const auto mix = [](const void* p) { return reinterpret_cast<uintptr_t>(p) >> 3; };
      return (std::get<0>(key) * 0x9e3779b97f4a7c15 ^ mix(std::get<1>(key))) * 0xd6e8feb86659fd93 ^
             mix(std::get<2>(key));
    }
  };
  // Looked up only, never walked: the order of its elements shows nowhere.
  std::unordered_map<Key, std::vector<Applicable>, Hash> by_key;
};

Labeller::Labeller(const Catalogue& catalogue, const Side& left, const Side& right)
    : catalogue_(&catalogue), sides_{left, right}, candidates_(std::make_shared<Candidates>()) {
  for (const Condition& condition : catalogue.conditions()) {
    const bool is_row = condition.row >= 0;
    const catalogue::Row* row = is_row ? &catalogue.rows()[condition.row] : nullptr;
    const catalogue::Consequence* consequence =
        is_row ? nullptr : &catalogue.consequences()[condition.consequence];
    const Catalogue::Orientation orientation =
        is_row ? Catalogue::Orient(row->left(), row->right(), left, right)
               : Catalogue::Orient(consequence->left(), consequence->right(), left, right);
    if (orientation == Catalogue::Orientation::kNo) continue;
    applicable_.push_back({&condition, orientation == Catalogue::Orientation::kSwapped});
  }
}

bool Labeller::Applies(const Condition& condition) const {
  return std::any_of(applicable_.begin(), applicable_.end(),
                     [&](const Applicable& a) { return a.condition == &condition; });
}

const Cause& Labeller::cause_of(Facets one_state_facet) const {
  return causes_[StateIndex(one_state_facet)];
}

void Labeller::Reset() {
  steps_ = 0;
  standing_ = 0;
  standing_components_ = 0;
  marks_ = 0;
  mapping_difference_.Clear();
  descriptors_.clear();
  mapped_ = {};
  for (std::vector<compat::DeviceState>& devices : devices_) devices.clear();
  types_ = {};
}

const std::vector<Labeller::Applicable>& Labeller::CandidatesFor(
    const Difference& difference) const {
  const uint32_t call = CallOf(*difference.step);
  const auto [found, is_new] =
      candidates_->by_key.try_emplace({call, difference.left->rule, difference.right->rule});
  if (!is_new) return found->second;
  const bool is_ioctl = std::holds_alternative<IoctlAction>(difference.step->action);
  const auto id = [](const compat::Rule* rule) { return rule == nullptr ? nullptr : rule->id; };
  for (const Applicable& a : applicable_) {
    const Condition& condition = *a.condition;
    const bool is_call =
        condition.call == 0 || condition.call == call || (condition.call == kAnyIoctl && is_ioctl);
    const compat::Rule* left = a.swapped ? difference.right->rule : difference.left->rule;
    const compat::Rule* right = a.swapped ? difference.left->rule : difference.right->rule;
    if (is_call && condition.left.AdmitsRule(id(left)) && condition.right.AdmitsRule(id(right))) {
      found->second.push_back(a);
    }
  }
  return found->second;
}

Difference Labeller::Describe(const Step& step, Differ& differ) {
  const Differ::Report& report = differ.report();
  Difference d;
  d.step = &step;
  d.left = &report.left;
  d.right = &report.right;
  d.state = report.state;
  const compat::ObservedState* states[] = {&differ.left_state(), &differ.right_state()};
  const Machine* machines[] = {&differ.left(), &differ.right()};
  const uint32_t call = CallOf(step);
  for (size_t side = 0; side < 2; ++side) {
    const auto at = [&](Variable variable) -> uint64_t& {
      return d.variables[static_cast<size_t>(variable) + side];
    };
    const uint64_t now = states[side]->mapped_bytes, before = mapped_[side];
    at(Variable::kLeftRet) = static_cast<uint64_t>((side == 0 ? d.left : d.right)->ret);
    // Of several address spaces together, so that the sum may pass 2^64: MAP_DMA only adds to it, and
    // UNMAP_DMA only takes away.
    const bool adds =
        call == abi::kVfioIommuMapDma || (call != abi::kVfioIommuUnmapDma && now > before);
    at(Variable::kLeftRemoved) = adds ? 0 : before - now;
    at(Variable::kLeftAdded) = adds ? now - before : 0;
    at(Variable::kLeftAttached) = AttachedBefore(step, side, *machines[side]);
    at(Variable::kLeftMapped) = before;
    if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
      const std::optional<uint32_t> space = machines[side]->SpaceNumber(ioctl->fd);
      at(Variable::kLeftType) = TypeOf(side, space);
      at(Variable::kLeftContainer) = space.has_value() ? uint64_t{*space} + 1 : 0;
    }
    at(Variable::kLeftWrote) = (side == 0 ? d.left : d.right)->out_changed;
  }
  if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
    At(d.variables, Variable::kArg) = ioctl->value;
    if (ioctl->nr == abi::kVfioIommuGetInfo && report.outcome_differs) {
      if (differ.left().SnapshotOf(ioctl->fd, &snapshots_[0])) d.left_info = &snapshots_[0];
      if (differ.right().SnapshotOf(ioctl->fd, &snapshots_[1])) d.right_info = &snapshots_[1];
    }
  }
  if (const auto* driver = std::get_if<DriverAction>(&step.action)) {
    At(d.variables, Variable::kArg) = static_cast<uint64_t>(driver->pages);
  }
  if ((d.changed() & kMappingsFacet) != 0) {
    differ.left().system().SnapshotMappings(&snapshots_[0]);
    differ.right().system().SnapshotMappings(&snapshots_[1]);
    At(d.variables, Variable::kMappingsNew) =
        mapping_difference_.Compare(snapshots_[0].mappings, snapshots_[1].mappings);
  }
  const auto [first, last] = RangeOf(step);
  At(d.variables, Variable::kRangeDiffers) = mapping_difference_.FindIn(first, last) != nullptr;
  return d;
}

bool Labeller::Holds(const Applicable& applicable, const Difference& difference,
                     Facets changed) const {
  const Condition& condition = *applicable.condition;
  const StepResult& left = applicable.swapped ? *difference.right : *difference.left;
  const StepResult& right = applicable.swapped ? *difference.left : *difference.right;
  if (!condition.left.AdmitsError(static_cast<uint32_t>(left.err)) ||
      !condition.right.AdmitsError(static_cast<uint32_t>(right.err)) ||
      (condition.requires_state & ~changed) != 0) {
    return false;
  }
  const auto* ioctl = std::get_if<IoctlAction>(&difference.step->action);
  ExpressionInput input;
  if (ioctl != nullptr) input.in = ioctl->in;
  input.left = StructAfter(*difference.step, *difference.left);
  input.right = StructAfter(*difference.step, *difference.right);
  input.variables = &difference.variables;
  input.swapped = applicable.swapped;
  return std::all_of(condition.tests.begin(), condition.tests.end(),
                     [&](const Expression& test) { return test.Evaluate(input) != 0; });
}

// What a consequence follows from, if that stands; null if not.
const Cause* Labeller::FollowedCause(const Condition& condition,
                                     const Difference& difference) const {
  if (condition.follows_mark != 0) {
    const uint32_t bit = MarkBit(condition.follows_mark);
    return (marks_ & condition.follows_mark) != 0 ? &mark_causes_[bit] : nullptr;
  }
  if (condition.follows_descriptor) return DescriptorCause(*difference.step);
  if (condition.follows == kMappingsFacet) {
    const auto [first, last] = RangeOf(*difference.step);
    return mapping_difference_.FindIn(first, last);
  }
  if ((standing_ & condition.follows) == 0) return nullptr;
  return &causes_[StateIndex(condition.follows)];
}

const Cause* Labeller::DescriptorCause(const Step& step) const {
  const auto find = [&](const Handle& handle) -> const Cause* {
    for (const auto& [name, cause] : descriptors_) {
      if (handle.named() && name == handle.name) return &cause;
    }
    return nullptr;
  };
  if (descriptors_.empty()) return nullptr;
  if (const auto* close = std::get_if<CloseAction>(&step.action)) return find(close->fd);
  if (const auto* dup = std::get_if<DupAction>(&step.action)) return find(dup->fd);
  if (const auto* map = std::get_if<MapAction>(&step.action)) return find(map->obj);
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr) return nullptr;
  if (const Cause* cause = find(ioctl->fd)) return cause;
  for (const IoctlAction::FdField& field : ioctl->fdfix) {
    if (const Cause* cause = find(field.handle)) return cause;
  }
  return nullptr;
}

// A descriptor that both sides got has another name on each where a name it might have taken stands
// for one on one side only.
Cause Labeller::NameCause(const Step& step) const {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr || !ioctl->returns_fd) return Cause();
  for (const auto& [name, cause] : descriptors_) {
    for (const Handle* handle : {&ioctl->retfd, &ioctl->retfd_else, &ioctl->retfd_second}) {
      if (handle->named() && handle->name == name) return cause;
    }
  }
  return Cause();
}

void Labeller::TrackDescriptors(const Step& step, const Cause& cause, const Differ& differ) {
  const auto track = [&](const Handle& handle) {
    if (!handle.named()) return;
    const auto known = std::find_if(descriptors_.begin(), descriptors_.end(),
                                    [&](const auto& d) { return d.first == handle.name; });
    const bool left = differ.left().FdOf(handle) != -1, right = differ.right().FdOf(handle) != -1;
    if (left == right) {
      if (known != descriptors_.end()) descriptors_.erase(known);
    } else if (known == descriptors_.end()) {
      descriptors_.emplace_back(handle.name, cause);
    }
  };
  if (const auto* open = std::get_if<OpenAction>(&step.action)) {
    track(open->as);
  } else if (const auto* close = std::get_if<CloseAction>(&step.action)) {
    track(close->fd);
  } else if (const auto* dup = std::get_if<DupAction>(&step.action)) {
    track(dup->as);
  } else if (const auto* ioctl = std::get_if<IoctlAction>(&step.action)) {
    if (ioctl->returns_fd) {
      track(ioctl->retfd);
      track(ioctl->retfd_else);
      track(ioctl->retfd_second);
    }
    for (const IoctlAction::FdField& field : ioctl->fdout) track(field.handle);
  }
}

Label Labeller::Explain(const Difference& difference) const {
  Label label;
  label.differing = difference.differing();
  Facets open = label.differing;
  if (open == 0) return label;
  const Facets changed = difference.changed();
  if (Sound(difference)) {
    for (const Applicable& applicable : CandidatesFor(difference)) {
      const Condition& condition = *applicable.condition;
      Facets covers = condition.explains & open;
      if (covers == 0 || !Holds(applicable, difference, changed)) continue;
      Label::Part part;
      if (condition.row >= 0) {
        part.row = condition.row;
        part.cause = {condition.row, steps_, difference.step->number};
      } else {
        const Cause* cause = FollowedCause(condition, difference);
        // What follows from something unexplained is not explained either.
        if (cause == nullptr || cause->row == Cause::kUnexplained) continue;
        part.row = cause->row;
        part.consequence = condition.consequence;
        part.cause = *cause;
      }
      part.facets = covers;
      label.parts.push_back(part);
      open &= ~covers;
      if (open == 0) break;
    }
  }
  label.unexplained = open;
  return label;
}

bool Labeller::Sound(const Difference& d) const {
  const Variables& v = d.variables;
  const SideFacts left{At(v, Variable::kLeftRemoved), At(v, Variable::kLeftAdded), d.left_info,
                       sides_[0].mode, sides_[0].profile};
  const SideFacts right{At(v, Variable::kRightRemoved), At(v, Variable::kRightAdded), d.right_info,
                        sides_[1].mode, sides_[1].profile};
  return SoundOutcome(*catalogue_, *d.step, *d.left, left) &&
         SoundOutcome(*catalogue_, *d.step, *d.right, right);
}

void Labeller::Advance(const Difference& difference, const Label& label, Differ& differ) {
  ++steps_;
  const Cause unexplained{Cause::kUnexplained, steps_ - 1, difference.step->number};
  // Which part accounts for a facet.
  const auto cause_of = [&](Facets facet) {
    for (const Label::Part& part : label.parts) {
      if ((part.facets & facet) != 0) return part.cause;
    }
    return unexplained;
  };
  for (const Label::Part& part : label.parts) {
    const bool is_row = part.consequence < 0;
    if (is_row) marks_ &= ~catalogue_->ClearsOf(part.row);
    for (uint32_t sets = is_row ? catalogue_->SetsOf(part.row)
                                : catalogue_->ConsequenceSetsOf(part.consequence);
         sets != 0; sets &= sets - 1) {
      const uint32_t bit = MarkBit(sets);
      if ((marks_ >> bit & 1) == 0) mark_causes_[bit] = part.cause;
      marks_ |= 1u << bit;
    }
  }
  bool mappings_changed = false;
  for (const StateDiff::Change& change : difference.state) {
    const uint64_t bit = uint64_t{1} << std::min<Component>(change.component, 63);
    const Facets facet = FacetOf(change.component);
    mappings_changed |= change.component == kMappings;
    if (change.resolved) {
      standing_components_ &= ~bit;
      continue;
    }
    standing_components_ |= bit;
    causes_[StateIndex(facet)] = cause_of(facet);
  }
  if (!difference.state.empty()) {
    standing_ = 0;
    for (uint64_t left = standing_components_; left != 0; left &= left - 1) {
      standing_ |= FacetOf(static_cast<Component>(std::countr_zero(left)));
    }
  }
  if (mappings_changed) mapping_difference_.Update(cause_of(kMappingsFacet));
  TakeType(*difference.step, differ);
  const bool result_differs = (label.differing & kResultFacet) != 0;
  TrackDescriptors(*difference.step,
                   result_differs ? cause_of(kResultFacet) : NameCause(*difference.step), differ);
  TakeState(differ);
}

uint64_t Labeller::AttachedBefore(const Step& step, size_t side, const Machine& machine) const {
  const uint32_t call = CallOf(step);
  if (KeepsAttached(call)) {
    return machine.AttachedTo(std::get<IoctlAction>(step.action).fd).value_or(0);
  }
  if (call != abi::kVfioGroupGetDeviceFd) return CountAttached(devices_[side]);
  return CountAttached(devices_[side],
                       machine.SpaceNumber(std::get<IoctlAction>(step.action).fd));
}

uint64_t Labeller::TypeOf(size_t side, std::optional<uint32_t> space) const {
  return space.has_value() && *space < types_[side].size() ? types_[side][*space] : 0;
}

void Labeller::TakeType(const Step& step, const Differ& differ) {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr || ioctl->nr != abi::kVfioSetIommu) return;
  const Machine* machines[] = {&differ.left(), &differ.right()};
  const StepResult* results[] = {&differ.report().left, &differ.report().right};
  for (size_t side = 0; side < 2; ++side) {
    if (results[side]->err != sim::Errno::kOk) continue;
    const std::optional<uint32_t> space = machines[side]->SpaceNumber(ioctl->fd);
    if (!space.has_value()) continue;
    std::vector<uint64_t>& types = types_[side];
    if (*space >= types.size()) types.resize(*space + 1);
    // An iommufd that was type 1 once cuts mappings for good (iopt_disable_large_pages).
    const bool stays =
        types[*space] == abi::kVfioType1Iommu && sides_[side].mode != Mode::kType1;
    if (!stays) types[*space] = ioctl->value;
  }
}

void Labeller::TakeState(const Differ& differ) {
  mapped_ = {differ.left_state().mapped_bytes, differ.right_state().mapped_bytes};
  devices_[0] = differ.left_state().devices;
  devices_[1] = differ.right_state().devices;
}

const Label& Labeller::Observe(const Step& step, Differ& differ) {
  if (std::holds_alternative<BeginAction>(step.action)) Reset();
  const Differ::Report& report = differ.report();
  label_.parts.clear();
  label_.differing = label_.unexplained = 0;
  if (!report.outcome_differs && report.state.empty()) {
    ++steps_;
    TakeType(step, differ);
    if (!descriptors_.empty()) TrackDescriptors(step, NameCause(step), differ);
    TakeState(differ);
    return label_;
  }
  const Difference difference = Describe(step, differ);
  label_ = Explain(difference);
  Advance(difference, label_, differ);
  return label_;
}

}  // namespace iovalid::conformance
