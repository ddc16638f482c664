// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_EXTENT_TREE_CHECK_H_
#define IOVALID_SIM_EXTENT_TREE_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sim/extent_tree.h"

namespace iovalid::sim {

// Walks a whole ExtentTree and says whether it is well formed. For tests.
template <typename V, unsigned kLeafSlots, unsigned kInnerSlots>
class ExtentTreeCheck {
 public:
  using Tree = ExtentTree<V, kLeafSlots, kInnerSlots>;

  explicit ExtentTreeCheck(const Tree& tree) : tree_(tree) {}

  // `size`: how many extents there should be.
  bool Holds(size_t size) {
    if (size == 0) return tree_.root == kNoNode;
    return CheckNode(tree_.root, tree_.height, {}, {}) && seen_ == size &&
           previous_leaf_ == tree_.tail;
  }

 private:
  using Bound = std::optional<uint64_t>;

  // All `first` below must be at least `low` and less than `high`.
  bool CheckNode(uint32_t node, unsigned level, Bound low, Bound high) {
    if (level == 0) return CheckLeaf(node, low, high);
    const typename Tree::Inner& inner = tree_.inners[node];
    if (inner.count < 2 || inner.count > kInnerSlots) return false;
    for (unsigned i = 0; i < inner.count; ++i) {
      if (i > 1 && inner.key[i] <= inner.key[i - 1]) return false;
      const Bound from = i > 0 ? Bound(inner.key[i]) : low;
      const Bound to = i + 1 < inner.count ? Bound(inner.key[i + 1]) : high;
      if (!CheckNode(inner.child[i], level - 1, from, to)) return false;
    }
    return true;
  }

  bool CheckLeaf(uint32_t node, Bound low, Bound high) {
    const typename Tree::Leaf& leaf = tree_.leaves[node];
    if (leaf.count == 0 || leaf.count > kLeafSlots || leaf.prev != previous_leaf_) return false;
    const uint32_t expected =
        previous_leaf_ == kNoNode ? tree_.head : tree_.leaves[previous_leaf_].next;
    if (expected != node) return false;
    for (unsigned i = 0; i < leaf.count; ++i) {
      if (leaf.first[i] > leaf.last[i]) return false;
      if (previous_last_ && leaf.first[i] <= *previous_last_) return false;
      if (low && leaf.first[i] < *low) return false;
      if (high && leaf.first[i] >= *high) return false;
      previous_last_ = leaf.last[i];
      ++seen_;
    }
    previous_leaf_ = node;
    return true;
  }

  const Tree& tree_;
  size_t seen_ = 0;  // extents
  uint32_t previous_leaf_ = kNoNode;
  std::optional<uint64_t> previous_last_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_EXTENT_TREE_CHECK_H_
