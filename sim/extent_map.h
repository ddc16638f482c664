// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_EXTENT_MAP_H_
#define IOVALID_SIM_EXTENT_MAP_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "sim/extent_node.h"
#include "sim/extent_tree.h"
#include "sim/extent_tree_check.h"

namespace iovalid::sim {

// An ordered map from disjoint closed extents [first, last] of 64-bit numbers (both ends inclusive,
// so that an extent can end at 2^64-1) to a trivially copyable value.
//
// It is a B+-tree whose nodes live in two vectors and name one another by index. Copying a map is
// therefore two block copies, and its shape depends on nothing but the calls made. No operation
// allocates once the vectors have grown to the largest number of nodes used. The node sizes are
// those that bench/extent_bench found fastest at 65,535 extents.
//
// Inner nodes separate their children by the lower bound of `first` only. An extent may thus reach
// past the separator of the next leaf; searches look one extent to the left to find it.
template <typename V, unsigned kLeafSlots = 32, unsigned kInnerSlots = 64>
class ExtentMap {
  static_assert(std::is_trivially_copyable_v<V>);
  static_assert(kLeafSlots >= 4 && kInnerSlots >= 4);

 public:
  // A position. Valid until the map changes; changes in place (SetFirst, SetLast, mutable_value)
  // keep it valid. A cursor that converts to false stands past the end.
  struct Cursor {
    uint32_t leaf = kNoNode;
    uint32_t slot = 0;

    explicit operator bool() const { return leaf != kNoNode; }
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };

  struct Entry {
    uint64_t first;
    uint64_t last;
    V value;
  };

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // Removes everything; keeps the memory.
  void clear() {
    tree_.Clear();
    size_ = 0;
  }

  // The extent that contains `point`, or the end.
  Cursor Find(uint64_t point) const {
    const Cursor c = AtOrBefore(point);
    if (!c || last(c) < point) return Cursor{};
    return c;
  }

  // The lowest extent whose last number is at least `point`, or the end.
  Cursor LowerBound(uint64_t point) const {
    const Cursor c = AtOrBefore(point);
    if (!c) return Begin();
    return last(c) >= point ? c : Next(c);
  }

  // The lowest extent that meets [lo, hi], or the end.
  Cursor FirstOverlap(uint64_t lo, uint64_t hi) const {
    const Cursor c = LowerBound(lo);
    return c && first(c) <= hi ? c : Cursor{};
  }

  // The highest extent that starts at or below `point`, or the end (also where none does).
  Cursor AtOrBefore(uint64_t point) const {
    if (size_ == 0) return Cursor{};
    uint32_t node = tree_.root;
    for (unsigned level = tree_.height; level > 0; --level) {
      node = tree_.inners[node].child[ChildIndex(tree_.inners[node], point)];
    }
    const Leaf& leaf = tree_.leaves[node];
    PrefetchKeys(leaf);
    const unsigned n = CountAtMost(leaf.first, leaf.count, point);
    if (n > 0) return Cursor{node, n - 1};
    if (leaf.prev == kNoNode) return Cursor{};
    return Cursor{leaf.prev, tree_.leaves[leaf.prev].count - 1};
  }

  // The lowest and the highest extent, or the end where the map is empty.
  Cursor Begin() const { return size_ == 0 ? Cursor{} : Cursor{tree_.head, 0}; }
  Cursor Last() const {
    return size_ == 0 ? Cursor{} : Cursor{tree_.tail, tree_.leaves[tree_.tail].count - 1};
  }

  // The neighbours; the end past either edge. `c` must not be the end.
  Cursor Next(Cursor c) const {
    const Leaf& leaf = tree_.leaves[c.leaf];
    if (c.slot + 1 < leaf.count) return Cursor{c.leaf, c.slot + 1};
    return Cursor{leaf.next, 0};
  }
  Cursor Prev(Cursor c) const {
    if (c.slot > 0) return Cursor{c.leaf, c.slot - 1};
    const uint32_t prev = tree_.leaves[c.leaf].prev;
    return prev == kNoNode ? Cursor{} : Cursor{prev, tree_.leaves[prev].count - 1};
  }

  uint64_t first(Cursor c) const { return tree_.leaves[c.leaf].first[c.slot]; }
  uint64_t last(Cursor c) const { return tree_.leaves[c.leaf].last[c.slot]; }
  const V& value(Cursor c) const { return tree_.leaves[c.leaf].value[c.slot]; }
  V& mutable_value(Cursor c) { return tree_.leaves[c.leaf].value[c.slot]; }
  Entry entry(Cursor c) const { return Entry{first(c), last(c), value(c)}; }

  // Adds [first, last], first <= last, which must not meet any extent of the map (checked where
  // NDEBUG is not defined). Returns its position.
  Cursor Insert(uint64_t first, uint64_t last, V value) {
    assert(first <= last);
    assert(!FirstOverlap(first, last));
    if (size_ == 0) {
      clear();
      tree_.root = tree_.head = tree_.tail = tree_.NewLeaf();
      return Put(tree_.root, 0, first, last, value);
    }
    // Programs mostly map upwards.
    const Leaf& highest = tree_.leaves[tree_.tail];
    if (highest.count < kLeafSlots && first > highest.first[highest.count - 1]) {
      return Put(tree_.tail, highest.count, first, last, value);
    }
    typename Tree::Path path;
    tree_.Descend(first, &path);
    uint32_t node = path.node[0];
    PrefetchKeys(tree_.leaves[node]);
    unsigned slot = CountAtMost(tree_.leaves[node].first, tree_.leaves[node].count, first);
    if (tree_.leaves[node].count == kLeafSlots) {
      const uint32_t right = tree_.SplitLeaf(node, slot, &path);
      const unsigned kept = tree_.leaves[node].count;
      // Position `kept` belongs to the left leaf unless `first` reaches the new separator.
      if (slot > kept || tree_.leaves[right].count == 0 || first >= tree_.leaves[right].first[0]) {
        node = right;
        slot -= kept;
      }
    }
    return Put(node, slot, first, last, value);
  }

  // As Insert, for a caller that has just asked AtOrBefore(first) and passes on what it got: mostly
  // saves the search.
  Cursor InsertAfter(Cursor before, uint64_t first, uint64_t last, V value) {
    assert(before == AtOrBefore(first));
    if (before) {
      // At the end of a leaf it takes a search to know whether this leaf or the next is meant.
      const unsigned count = tree_.leaves[before.leaf].count;
      if (before.slot + 1 < count && count < kLeafSlots) {
        assert(first <= last && !FirstOverlap(first, last));
        return Put(before.leaf, before.slot + 1, first, last, value);
      }
    }
    return Insert(first, last, value);
  }

  // Removes the extent at `c`. All cursors become invalid.
  void Erase(Cursor c) {
    Leaf& leaf = tree_.leaves[c.leaf];
    const uint64_t key = leaf.first[c.slot];
    UnshiftSlots(leaf.first, c.slot, leaf.count);
    UnshiftSlots(leaf.last, c.slot, leaf.count);
    UnshiftSlots(leaf.value, c.slot, leaf.count);
    --leaf.count;
    --size_;
    if (size_ == 0) {
      clear();
    } else if (leaf.count < kLeafSlots / 4 && tree_.height > 0) {
      tree_.FixLeaf(key);
    }
  }

  // Removes the extent at `c` and returns the one that followed it.
  Cursor EraseAndNext(Cursor c) {
    const Cursor next = Next(c);
    if (!next) {
      Erase(c);
      return Cursor{};
    }
    if (next.leaf == c.leaf && tree_.leaves[c.leaf].count > kLeafSlots / 4) {
      Erase(c);
      return c;
    }
    const uint64_t key = first(next);
    Erase(c);
    return AtOrBefore(key);
  }

  // Moves one end of the extent at `c`. It must stay non-empty and apart from its neighbours.
  void SetLast(Cursor c, uint64_t last) {
    assert(last >= first(c));
    assert(!Next(c) || last < first(Next(c)));
    tree_.leaves[c.leaf].last[c.slot] = last;
  }
  void SetFirst(Cursor c, uint64_t new_first) {
    assert(new_first <= last(c));
    assert(!Prev(c) || new_first > last(Prev(c)));
    const uint64_t old_first = first(c);
    if (c.slot == 0 && new_first < old_first) tree_.LowerSeparators(old_first, new_first);
    if (c.slot + 1 == tree_.leaves[c.leaf].count && new_first > old_first) {
      tree_.RaiseSeparators(old_first, new_first);
    }
    tree_.leaves[c.leaf].first[c.slot] = new_first;
  }

  // Number of leaves in use. For tests and measurements.
  size_t LeafCount() const {
    size_t n = 0;
    for (uint32_t leaf = tree_.head; leaf != kNoNode && size_ > 0; leaf = tree_.leaves[leaf].next) ++n;
    return n;
  }

  // Walks the whole tree and returns whether it is well formed. For tests.
  bool CheckInvariants() const { return ExtentTreeCheck(tree_).Holds(size_); }

 private:
  using Tree = ExtentTree<V, kLeafSlots, kInnerSlots>;
  using Leaf = typename Tree::Leaf;

  // Makes room in a leaf that has some.
  Cursor Put(uint32_t node, unsigned slot, uint64_t first, uint64_t last, V value) {
    Leaf& leaf = tree_.leaves[node];
    ShiftSlots(leaf.first, slot, leaf.count);
    ShiftSlots(leaf.last, slot, leaf.count);
    ShiftSlots(leaf.value, slot, leaf.count);
    leaf.first[slot] = first;
    leaf.last[slot] = last;
    leaf.value[slot] = value;
    ++leaf.count;
    ++size_;
    return Cursor{node, slot};
  }

  Tree tree_;
  size_t size_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_EXTENT_MAP_H_
