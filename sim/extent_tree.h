// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_EXTENT_TREE_H_
#define IOVALID_SIM_EXTENT_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/extent_node.h"

namespace iovalid::sim {

// The B+-tree of an ExtentMap: its nodes, and how they split, join and keep their separators. What
// it holds, and where, is the map's business.
//
// Nodes live in two vectors, so that a copy is two block copies. No operation allocates once the
// vectors have grown to the largest number of nodes used.
//
// Inner nodes separate their children by the lower bound of `first` only. An extent may thus reach
// past the separator of the next leaf.
template <typename V, unsigned kLeafSlots, unsigned kInnerSlots>
struct ExtentTree {
  using Leaf = ExtentLeaf<V, kLeafSlots>;
  using Inner = ExtentInner<kInnerSlots>;
  // 2^32 nodes of at least two children each bound the height.
  static constexpr unsigned kMaxHeight = 32;

  // The way from the root to a leaf: node[l] at level l (leaves are level 0) and the child taken.
  struct Path {
    uint32_t node[kMaxHeight + 1];
    unsigned index[kMaxHeight + 1];
  };

  // Removes everything; keeps the memory.
  void Clear() {
    leaves.clear();
    inners.clear();
    free_leaf = free_inner = root = head = tail = kNoNode;
    height = 0;
  }

  // The way to the leaf that `key` leads to.
  void Descend(uint64_t key, Path* path) const {
    uint32_t node = root;
    for (unsigned level = height; level > 0; --level) {
      const unsigned index = ChildIndex(inners[node], key);
      path->node[level] = node;
      path->index[level] = index;
      node = inners[node].child[index];
    }
    path->node[0] = node;
  }

  uint32_t NewLeaf() {
    uint32_t index = free_leaf;
    if (index != kNoNode) {
      free_leaf = leaves[index].next;
    } else {
      index = static_cast<uint32_t>(leaves.size());
      leaves.emplace_back();
    }
    leaves[index].count = 0;
    leaves[index].prev = leaves[index].next = kNoNode;
    return index;
  }
  void FreeLeaf(uint32_t index) {
    Leaf& leaf = leaves[index];
    if (leaf.prev != kNoNode) leaves[leaf.prev].next = leaf.next;
    if (leaf.next != kNoNode) leaves[leaf.next].prev = leaf.prev;
    if (head == index) head = leaf.next;
    if (tail == index) tail = leaf.prev;
    leaf.next = free_leaf;
    free_leaf = index;
  }
  uint32_t NewInner() {
    uint32_t index = free_inner;
    if (index != kNoNode) {
      free_inner = inners[index].child[0];
    } else {
      index = static_cast<uint32_t>(inners.size());
      inners.emplace_back();
    }
    inners[index].count = 0;
    return index;
  }
  void FreeInner(uint32_t index) {
    inners[index].child[0] = free_inner;
    free_inner = index;
  }

  // Cuts the full leaf `node` in two, where the next entry will go to `slot`. Appending at the very
  // end starts an empty leaf instead, so that ascending insertion fills leaves wholly.
  uint32_t SplitLeaf(uint32_t node, unsigned slot, Path* path) {
    const uint32_t right = NewLeaf();
    Leaf& a = leaves[node];
    Leaf& b = leaves[right];
    const bool append = slot == kLeafSlots && a.next == kNoNode;
    const unsigned keep = append ? kLeafSlots : kLeafSlots / 2;
    b.count = kLeafSlots - keep;
    MoveSlots(b.first, a.first + keep, b.count);
    MoveSlots(b.last, a.last + keep, b.count);
    MoveSlots(b.value, a.value + keep, b.count);
    a.count = keep;
    b.prev = node;
    b.next = a.next;
    if (a.next != kNoNode) leaves[a.next].prev = right;
    a.next = right;
    if (tail == node) tail = right;
    AddChild(path, 1, append ? a.first[keep - 1] + 1 : b.first[0], right);
    return right;
  }

  // Adds child `right` with separator `key` next to the one that `path` took at `level`.
  void AddChild(Path* path, unsigned level, uint64_t key, uint32_t right) {
    if (level > height) {
      const uint32_t top = NewInner();
      Inner& inner = inners[top];
      inner.count = 2;
      inner.key[0] = 0;
      inner.child[0] = root;
      inner.key[1] = key;
      inner.child[1] = right;
      root = top;
      ++height;
      return;
    }
    uint32_t node = path->node[level];
    unsigned at = path->index[level] + 1;
    if (inners[node].count == kInnerSlots) {
      const uint32_t sibling = NewInner();
      Inner& a = inners[node];
      Inner& b = inners[sibling];
      // At the right edge only one child moves: ascending insertion fills inner nodes too.
      const unsigned keep = at == kInnerSlots ? kInnerSlots - 1 : kInnerSlots / 2;
      b.count = kInnerSlots - keep;
      MoveSlots(b.key, a.key + keep, b.count);
      MoveSlots(b.child, a.child + keep, b.count);
      a.count = keep;
      const uint64_t separator = b.key[0];
      AddChild(path, level + 1, separator, sibling);
      if (at > keep) {
        node = sibling;
        at -= keep;
      }
    }
    Inner& inner = inners[node];
    ShiftSlots(inner.key, at, inner.count);
    ShiftSlots(inner.child, at, inner.count);
    inner.key[at] = key;
    inner.child[at] = right;
    ++inner.count;
  }

  // Refills the too empty leaf that `key` leads to: joins it with a neighbour under the same
  // parent, or shares the neighbour's entries evenly where both don't fit into one with room to
  // spare.
  void FixLeaf(uint64_t key) {
    Path path;
    Descend(key, &path);
    Inner& parent = inners[path.node[1]];
    const unsigned index = path.index[1];
    const unsigned right_index = index + 1 < parent.count ? index + 1 : index;
    const uint32_t left = parent.child[right_index - 1];
    const uint32_t right = parent.child[right_index];
    Leaf& a = leaves[left];
    Leaf& b = leaves[right];
    const unsigned total = a.count + b.count;
    const unsigned keep = total <= kLeafSlots * 3 / 4 ? total : total / 2;
    ShareSlots(a.first, a.count, b.first, b.count, keep);
    ShareSlots(a.last, a.count, b.last, b.count, keep);
    ShareSlots(a.value, a.count, b.value, b.count, keep);
    a.count = keep;
    b.count = total - keep;
    if (b.count == 0) {
      FreeLeaf(right);
      RemoveChild(&path, 1, right_index);
      return;
    }
    parent.key[right_index] = b.first[0];
  }

  // Takes child `index` out of the node that `path` passes at `level`.
  void RemoveChild(Path* path, unsigned level, unsigned index) {
    const uint32_t node = path->node[level];
    Inner& inner = inners[node];
    UnshiftSlots(inner.key, index, inner.count);
    UnshiftSlots(inner.child, index, inner.count);
    --inner.count;
    if (level == height) {
      if (inner.count == 1) {
        root = inner.child[0];
        --height;
        FreeInner(node);
      }
      return;
    }
    if (inner.count < kInnerSlots / 4 || inner.count < 2) FixInner(path, level);
  }

  // As FixLeaf, of the inner node that `path` passes at `level`.
  void FixInner(Path* path, unsigned level) {
    Inner& parent = inners[path->node[level + 1]];
    const unsigned index = path->index[level + 1];
    const unsigned right_index = index + 1 < parent.count ? index + 1 : index;
    const uint32_t right = parent.child[right_index];
    Inner& a = inners[parent.child[right_index - 1]];
    Inner& b = inners[right];
    const unsigned total = a.count + b.count;
    // Inside its own node the first child has no separator; next to others it needs one.
    b.key[0] = parent.key[right_index];
    const unsigned keep = total <= kInnerSlots * 3 / 4 ? total : total / 2;
    ShareSlots(a.key, a.count, b.key, b.count, keep);
    ShareSlots(a.child, a.count, b.child, b.count, keep);
    a.count = keep;
    b.count = total - keep;
    if (b.count == 0) {
      FreeInner(right);
      RemoveChild(path, level + 1, right_index);
      return;
    }
    parent.key[right_index] = b.key[0];
  }

  // The extent that began at `old_first` begins at `new_first` now, lower or higher.
  void LowerSeparators(uint64_t old_first, uint64_t new_first) {
    uint32_t node = root;
    for (unsigned level = height; level > 0; --level) {
      Inner& inner = inners[node];
      const unsigned index = ChildIndex(inner, old_first);
      if (index > 0 && inner.key[index] > new_first) inner.key[index] = new_first;
      node = inner.child[index];
    }
  }

  // A separator can lie anywhere between the neighbours' `first`, inside the left one's extent,
  // too.
  void RaiseSeparators(uint64_t old_first, uint64_t new_first) {
    uint32_t node = root;
    for (unsigned level = height; level > 0; --level) {
      Inner& inner = inners[node];
      const unsigned index = ChildIndex(inner, old_first);
      if (index + 1 < inner.count && inner.key[index + 1] <= new_first) {
        inner.key[index + 1] = new_first + 1;
      }
      node = inner.child[index];
    }
  }

  std::vector<Leaf> leaves;
  std::vector<Inner> inners;
  uint32_t free_leaf = kNoNode;
  uint32_t free_inner = kNoNode;
  uint32_t root = kNoNode;
  uint32_t head = kNoNode;  // leaf with the lowest extents
  uint32_t tail = kNoNode;  // leaf with the highest
  unsigned height = 0;    // levels of inner nodes
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_EXTENT_TREE_H_
