// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_LABELLER_H_
#define IOVALID_CONFORMANCE_CATALOGUE_LABELLER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "compat/observation.h"
#include "conformance/catalogue/catalogue.h"
#include "conformance/catalogue/facets.h"
#include "conformance/catalogue/mapping_difference.h"
#include "conformance/differ.h"

namespace iovalid::conformance {

// A row that brought about what differs, and where: the number of the step counted by the labeller
// since the last Reset, and the script's own number of it.
struct Cause {
  static constexpr int kUnexplained = -1;
  int row = kUnexplained;
  uint64_t step = 0;
  uint64_t number = 0;
};

// One differing step, with all that labelling looks at: plain data, so that a test can plant
// another answer in it. Points into the differ's report.
struct Difference {
  const Step* step = nullptr;
  const StepResult* left = nullptr;
  const StepResult* right = nullptr;
  std::span<const StateDiff::Change> state;
  Variables variables{};
  // GET_INFO: what each container holds; null for other calls.
  const compat::StateSnapshot* left_info = nullptr;
  const compat::StateSnapshot* right_info = nullptr;

  // What differs: the outcome, and components of the state whose difference is new.
  Facets differing() const;
  // Components whose difference is new, or gone.
  Facets changed() const;
};

// Why a step differs.
struct Label {
  struct Part {
    Facets facets = 0;
    int row = Cause::kUnexplained;
    // A consequence: through which facet or mark (index into Catalogue::consequences()), and of
    // what. -1: the row itself.
    int consequence = -1;
    Cause cause;
  };
  // The most specific first. Empty where nothing differs.
  std::vector<Part> parts;
  Facets differing = 0;
  // What no row and no consequence of an explained step accounts for.
  Facets unexplained = 0;

  bool explained() const { return unexplained == 0; }
  // The row to name: -1 where nothing is explained.
  int row() const { return parts.empty() ? Cause::kUnexplained : parts[0].row; }
  bool is_consequence() const { return !parts.empty() && parts[0].consequence >= 0; }
};

// Labels what a Differ finds, step by step. A value: a copy goes on from the same standing
// situation, and shares only a cache (use one thread for all copies). Costs next to nothing for
// steps that do not differ; no strings are built or compared once a pair of answers has been seen.
class Labeller {
 public:
  // `catalogue` must outlive it.
  Labeller(const Catalogue& catalogue, const Side& left, const Side& right);

  // Call after every Differ::Run, with the same step. The label is valid until the next call.
  const Label& Observe(const Step& step, Differ& differ);

  // The parts of Observe. Describe says how the step differs; Explain labels it by the situation
  // that stood before it; Advance takes the step into that situation.
  Difference Describe(const Step& step, Differ& differ);
  Label Explain(const Difference& difference) const;
  void Advance(const Difference& difference, const Label& label, Differ& differ);

  // What stands now: state components that differ, and what brought each about.
  Facets standing() const { return standing_; }
  const Cause& cause_of(Facets one_state_facet) const;

  const Catalogue& catalogue() const { return *catalogue_; }
  // The rows and consequences that hold for these sides at all.
  bool Applies(const Condition& condition) const;

 private:
  struct Applicable {
    const Condition* condition;
    bool swapped;
  };
  struct Candidates;  // by call and deciding rules

  void Reset();
  void TakeState(const Differ& differ);
  void TakeType(const Step& step, const Differ& differ);
  uint64_t AttachedBefore(const Step& step, size_t side, const Machine& machine) const;
  uint64_t TypeOf(size_t side, std::optional<uint32_t> space) const;
  bool Sound(const Difference& difference) const;
  bool Holds(const Applicable& applicable, const Difference& difference, Facets changed) const;
  const Cause* FollowedCause(const Condition& condition, const Difference& difference) const;
  const Cause* DescriptorCause(const Step& step) const;
  Cause NameCause(const Step& step) const;
  void TrackDescriptors(const Step& step, const Cause& cause, const Differ& differ);
  const std::vector<Applicable>& CandidatesFor(const Difference& difference) const;

  const Catalogue* catalogue_;
  std::array<Side, 2> sides_;
  std::vector<Applicable> applicable_;  // most specific first
  std::shared_ptr<Candidates> candidates_;

  // --- the standing situation ---
  uint64_t steps_ = 0;
  Facets standing_ = 0;
  uint64_t standing_components_ = 0;  // bit: component
  std::array<Cause, kStateFacetCount> causes_;
  uint32_t marks_ = 0;
  std::array<Cause, Catalogue::kMaxMarks> mark_causes_;
  MappingDifference<Cause> mapping_difference_;
  // Names that stand for an open descriptor on one side only.
  std::vector<std::pair<uint32_t, Cause>> descriptors_;
  std::array<uint64_t, 2> mapped_{};  // left, right
  std::array<std::vector<compat::DeviceState>, 2> devices_;
  // Left, right: by number of the space, the type that it was set to; 0: none.
  std::array<std::vector<uint64_t>, 2> types_;

  Label label_;
  std::array<compat::StateSnapshot, 2> snapshots_;  // scratch
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_LABELLER_H_
