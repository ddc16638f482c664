// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_WORLD_H_
#define IOVALID_CONFORMANCE_SEARCH_WORLD_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/catalogue/labeller.h"
#include "conformance/differ.h"
#include "conformance/search/alphabet.h"
#include "conformance/side.h"
#include "conformance/step_compiler.h"

namespace iovalid::conformance::search {

// Where a program begins: one of the starts, with one of the IOMMU types.
struct Root {
  Start start;
  uint32_t iommu_type;
  // "ready v2".
  std::string Name() const;
};

// Where programs begin: each of kStarts with type1 v2 and v1, but for the one that sets no type.
std::vector<Root> Roots();

// In what way a step differs, whatever the catalogue says: the call, what both sides answered, the
// rules that decided, and what of outcome and state differs. Two steps with the same signature are
// the same finding.
struct Signature {
  uint32_t call = 0;
  uint64_t operation = 0;  // the flags of the call's struct, or its integer argument
  sim::Errno left_error{}, right_error{};
  const compat::Rule* left_rule = nullptr;
  const compat::Rule* right_rule = nullptr;
  Facets facets = 0;
  friend bool operator==(const Signature&, const Signature&) = default;
  // "VFIO_IOMMU_MAP_DMA(0x3) EINVAL/0 (type1.map.x / -) result,mappings".
  std::string ToString() const;
};

// Of the step that was run last, which differs in `differing`.
Signature MakeSignature(const Step& step, const Differ::Report& report, Facets differing);

// Two machines side by side, and what is known about why they differ. A value.
struct Node {
  Differ differ;
  Labeller labeller;
};

// The two kernels that are compared, the compiled alphabet, and the roots. Immutable once made;
// several threads may use one, each with nodes of its own.
class World {
 public:
  // The sides that `left` and `right` name; both run the same trace.
  static absl::StatusOr<World> Create(const Side& left, const Side& right,
                                      const std::vector<Root>& roots);

  const Side& left() const { return left_; }
  const Side& right() const { return right_; }
  const std::vector<Root>& roots() const { return roots_; }
  const std::vector<Step>& letters() const { return letters_; }

  // A node after the root's set-up, which shares nothing with other threads' nodes.
  Node MakeNode(size_t root) const;

  // Runs a letter. The label is valid until the next step of the node.
  const Label& Run(Node* node, size_t letter) const;
  // The same for all letters in turn; null where there are none.
  const Label* Run(Node* node, std::span<const uint16_t> letters) const;
  // The same without the catalogue: in what the call differs. Such a node can be labelled no more.
  Facets RunUnlabelled(Node* node, size_t letter) const;
  // Of the node's last step, which was `letter` and differs in `differing`.
  Signature SignatureOf(const Node& node, size_t letter, Facets differing) const;

  // The root's calls and the letters, as a trace.
  std::vector<traces::Event> Program(size_t root, std::span<const uint16_t> letters) const;
  const traces::Header& header() const { return header_; }

 private:
  World(const Side& left, const Side& right, const std::vector<Root>& roots);

  Side left_, right_;
  std::vector<Root> roots_;
  traces::Header header_;
  std::vector<Step> letters_;
  std::vector<std::vector<Step>> set_ups_;  // by root
};

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_WORLD_H_
