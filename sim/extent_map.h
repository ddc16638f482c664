// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_EXTENT_MAP_H_
#define IOVALID_SIM_EXTENT_MAP_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

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
    uint32_t leaf = kNone;
    uint32_t slot = 0;

    explicit operator bool() const { return leaf != kNone; }
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
    leaves_.clear();
    inners_.clear();
    free_leaf_ = free_inner_ = root_ = head_ = tail_ = kNone;
    height_ = 0;
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
    uint32_t node = root_;
    for (unsigned level = height_; level > 0; --level) {
      node = inners_[node].child[ChildIndex(inners_[node], point)];
    }
    const Leaf& leaf = leaves_[node];
    PrefetchKeys(leaf);
    const unsigned n = CountAtMost(leaf.first, leaf.count, point);
    if (n > 0) return Cursor{node, n - 1};
    if (leaf.prev == kNone) return Cursor{};
    return Cursor{leaf.prev, leaves_[leaf.prev].count - 1};
  }

  // The lowest and the highest extent, or the end where the map is empty.
  Cursor Begin() const { return size_ == 0 ? Cursor{} : Cursor{head_, 0}; }
  Cursor Last() const {
    return size_ == 0 ? Cursor{} : Cursor{tail_, leaves_[tail_].count - 1};
  }

  // The neighbours; the end past either edge. `c` must not be the end.
  Cursor Next(Cursor c) const {
    const Leaf& leaf = leaves_[c.leaf];
    if (c.slot + 1 < leaf.count) return Cursor{c.leaf, c.slot + 1};
    return Cursor{leaf.next, 0};
  }
  Cursor Prev(Cursor c) const {
    if (c.slot > 0) return Cursor{c.leaf, c.slot - 1};
    const uint32_t prev = leaves_[c.leaf].prev;
    return prev == kNone ? Cursor{} : Cursor{prev, leaves_[prev].count - 1};
  }

  uint64_t first(Cursor c) const { return leaves_[c.leaf].first[c.slot]; }
  uint64_t last(Cursor c) const { return leaves_[c.leaf].last[c.slot]; }
  const V& value(Cursor c) const { return leaves_[c.leaf].value[c.slot]; }
  V& mutable_value(Cursor c) { return leaves_[c.leaf].value[c.slot]; }
  Entry entry(Cursor c) const { return Entry{first(c), last(c), value(c)}; }

  // Adds [first, last], first <= last, which must not meet any extent of the map (checked where
  // NDEBUG is not defined). Returns its position.
  Cursor Insert(uint64_t first, uint64_t last, V value) {
    assert(first <= last);
    assert(!FirstOverlap(first, last));
    if (size_ == 0) {
      clear();
      root_ = head_ = tail_ = NewLeaf();
      return Put(root_, 0, first, last, value);
    }
    // Programs mostly map upwards.
    const Leaf& highest = leaves_[tail_];
    if (highest.count < kLeafSlots && first > highest.first[highest.count - 1]) {
      return Put(tail_, highest.count, first, last, value);
    }
    Path path;
    uint32_t node = root_;
    for (unsigned level = height_; level > 0; --level) {
      const unsigned index = ChildIndex(inners_[node], first);
      path.node[level] = node;
      path.index[level] = index;
      node = inners_[node].child[index];
    }
    PrefetchKeys(leaves_[node]);
    unsigned slot = CountAtMost(leaves_[node].first, leaves_[node].count, first);
    if (leaves_[node].count == kLeafSlots) {
      const uint32_t right = SplitLeaf(node, slot, &path);
      const unsigned kept = leaves_[node].count;
      // Position `kept` belongs to the left leaf unless `first` reaches the new separator.
      if (slot > kept || leaves_[right].count == 0 || first >= leaves_[right].first[0]) {
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
      const unsigned count = leaves_[before.leaf].count;
      if (before.slot + 1 < count && count < kLeafSlots) {
        assert(first <= last && !FirstOverlap(first, last));
        return Put(before.leaf, before.slot + 1, first, last, value);
      }
    }
    return Insert(first, last, value);
  }

  // Removes the extent at `c`. All cursors become invalid.
  void Erase(Cursor c) {
    Leaf& leaf = leaves_[c.leaf];
    const uint64_t key = leaf.first[c.slot];
    Unshift(leaf.first, c.slot, leaf.count);
    Unshift(leaf.last, c.slot, leaf.count);
    Unshift(leaf.value, c.slot, leaf.count);
    --leaf.count;
    --size_;
    if (size_ == 0) {
      clear();
    } else if (leaf.count < kLeafSlots / 4 && height_ > 0) {
      FixLeaf(key);
    }
  }

  // Removes the extent at `c` and returns the one that followed it.
  Cursor EraseAndNext(Cursor c) {
    const Cursor next = Next(c);
    if (!next) {
      Erase(c);
      return Cursor{};
    }
    if (next.leaf == c.leaf && leaves_[c.leaf].count > kLeafSlots / 4) {
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
    leaves_[c.leaf].last[c.slot] = last;
  }
  void SetFirst(Cursor c, uint64_t new_first) {
    assert(new_first <= last(c));
    assert(!Prev(c) || new_first > last(Prev(c)));
    const uint64_t old_first = first(c);
    if (c.slot == 0 && new_first < old_first) LowerSeparators(old_first, new_first);
    if (c.slot + 1 == leaves_[c.leaf].count && new_first > old_first) {
      RaiseSeparators(old_first, new_first);
    }
    leaves_[c.leaf].first[c.slot] = new_first;
  }

  // Number of leaves in use. For tests and measurements.
  size_t LeafCount() const {
    size_t n = 0;
    for (uint32_t leaf = head_; leaf != kNone && size_ > 0; leaf = leaves_[leaf].next) ++n;
    return n;
  }

  // Walks the whole tree and returns whether it is well formed. For tests.
  bool CheckInvariants() const {
    if (size_ == 0) return root_ == kNone;
    size_t seen = 0;
    uint32_t previous_leaf = kNone;
    bool has_previous = false;
    uint64_t previous_last = 0;
    if (!CheckNode(root_, height_, false, 0, false, 0, &seen, &previous_leaf, &has_previous,
                   &previous_last)) {
      return false;
    }
    return seen == size_ && previous_leaf == tail_;
  }

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  // 2^32 nodes of at least two children each bound the height.
  static constexpr unsigned kMaxHeight = 32;

  struct Leaf {
    uint64_t first[kLeafSlots];
    uint64_t last[kLeafSlots];
    V value[kLeafSlots];
    uint32_t count;
    uint32_t prev;
    uint32_t next;  // also links the free list
  };

  // Child i holds the extents whose `first` is in [key[i], key[i+1]). key[0] is never looked at:
  // the first child has no lower bound of its own.
  struct Inner {
    uint64_t key[kInnerSlots];
    uint32_t child[kInnerSlots];
    uint32_t count;
  };

  // The way from the root to a leaf: node[l] at level l (leaves are level 0) and the child taken.
  struct Path {
    uint32_t node[kMaxHeight + 1];
    unsigned index[kMaxHeight + 1];
  };

  // How many of the `n` ascending numbers are at most `x`.
  static unsigned CountAtMost(const uint64_t* a, unsigned n, uint64_t x) {
    if (n == 0) return 0;
    const uint64_t* base = a;
    while (n > 1) {
      const unsigned half = n / 2;
      base += static_cast<size_t>(base[half - 1] <= x) * half;
      n -= half;
    }
    return static_cast<unsigned>(base - a) + static_cast<unsigned>(*base <= x);
  }
  // Large maps have cold leaves. The steps of the search depend on one another; asking for all
  // lines of the keys at once makes it wait for memory once.
  static void PrefetchKeys(const Leaf& leaf) {
    __builtin_prefetch(&leaf.count);
    for (unsigned i = 0; i < kLeafSlots; i += 8) __builtin_prefetch(&leaf.first[i]);
  }
  static unsigned ChildIndex(const Inner& inner, uint64_t x) {
    return CountAtMost(inner.key + 1, inner.count - 1, x);
  }

  template <typename T>
  static void Shift(T* a, unsigned at, unsigned count) {
    std::memmove(static_cast<void*>(a + at + 1), a + at, (count - at) * sizeof(T));
  }
  template <typename T>
  static void Unshift(T* a, unsigned at, unsigned count) {
    std::memmove(static_cast<void*>(a + at), a + at + 1, (count - at - 1) * sizeof(T));
  }
  template <typename T>
  static void Move(T* to, const T* from, unsigned n) {
    std::memmove(static_cast<void*>(to), from, n * sizeof(T));
  }

  // Makes room in a leaf that has some.
  Cursor Put(uint32_t node, unsigned slot, uint64_t first, uint64_t last, V value) {
    Leaf& leaf = leaves_[node];
    Shift(leaf.first, slot, leaf.count);
    Shift(leaf.last, slot, leaf.count);
    Shift(leaf.value, slot, leaf.count);
    leaf.first[slot] = first;
    leaf.last[slot] = last;
    leaf.value[slot] = value;
    ++leaf.count;
    ++size_;
    return Cursor{node, slot};
  }

  uint32_t NewLeaf() {
    uint32_t index = free_leaf_;
    if (index != kNone) {
      free_leaf_ = leaves_[index].next;
    } else {
      index = static_cast<uint32_t>(leaves_.size());
      leaves_.emplace_back();
    }
    leaves_[index].count = 0;
    leaves_[index].prev = leaves_[index].next = kNone;
    return index;
  }
  void FreeLeaf(uint32_t index) {
    Leaf& leaf = leaves_[index];
    if (leaf.prev != kNone) leaves_[leaf.prev].next = leaf.next;
    if (leaf.next != kNone) leaves_[leaf.next].prev = leaf.prev;
    if (head_ == index) head_ = leaf.next;
    if (tail_ == index) tail_ = leaf.prev;
    leaf.next = free_leaf_;
    free_leaf_ = index;
  }
  uint32_t NewInner() {
    uint32_t index = free_inner_;
    if (index != kNone) {
      free_inner_ = inners_[index].child[0];
    } else {
      index = static_cast<uint32_t>(inners_.size());
      inners_.emplace_back();
    }
    inners_[index].count = 0;
    return index;
  }
  void FreeInner(uint32_t index) {
    inners_[index].child[0] = free_inner_;
    free_inner_ = index;
  }

  // Cuts the full leaf `node` in two, where the next entry will go to `slot`. Appending at the very
  // end starts an empty leaf instead, so that ascending insertion fills leaves wholly.
  uint32_t SplitLeaf(uint32_t node, unsigned slot, Path* path) {
    const uint32_t right = NewLeaf();
    Leaf& a = leaves_[node];
    Leaf& b = leaves_[right];
    const bool append = slot == kLeafSlots && a.next == kNone;
    const unsigned keep = append ? kLeafSlots : kLeafSlots / 2;
    b.count = kLeafSlots - keep;
    Move(b.first, a.first + keep, b.count);
    Move(b.last, a.last + keep, b.count);
    Move(b.value, a.value + keep, b.count);
    a.count = keep;
    b.prev = node;
    b.next = a.next;
    if (a.next != kNone) leaves_[a.next].prev = right;
    a.next = right;
    if (tail_ == node) tail_ = right;
    AddChild(path, 1, append ? a.first[keep - 1] + 1 : b.first[0], right);
    return right;
  }

  // Adds child `right` with separator `key` next to the one that `path` took at `level`.
  void AddChild(Path* path, unsigned level, uint64_t key, uint32_t right) {
    if (level > height_) {
      const uint32_t top = NewInner();
      Inner& inner = inners_[top];
      inner.count = 2;
      inner.key[0] = 0;
      inner.child[0] = root_;
      inner.key[1] = key;
      inner.child[1] = right;
      root_ = top;
      ++height_;
      return;
    }
    uint32_t node = path->node[level];
    unsigned at = path->index[level] + 1;
    if (inners_[node].count == kInnerSlots) {
      const uint32_t sibling = NewInner();
      Inner& a = inners_[node];
      Inner& b = inners_[sibling];
      // At the right edge only one child moves: ascending insertion fills inner nodes too.
      const unsigned keep = at == kInnerSlots ? kInnerSlots - 1 : kInnerSlots / 2;
      b.count = kInnerSlots - keep;
      Move(b.key, a.key + keep, b.count);
      Move(b.child, a.child + keep, b.count);
      a.count = keep;
      const uint64_t separator = b.key[0];
      AddChild(path, level + 1, separator, sibling);
      if (at > keep) {
        node = sibling;
        at -= keep;
      }
    }
    Inner& inner = inners_[node];
    Shift(inner.key, at, inner.count);
    Shift(inner.child, at, inner.count);
    inner.key[at] = key;
    inner.child[at] = right;
    ++inner.count;
  }

  void Descend(uint64_t key, Path* path) const {
    uint32_t node = root_;
    for (unsigned level = height_; level > 0; --level) {
      const unsigned index = ChildIndex(inners_[node], key);
      path->node[level] = node;
      path->index[level] = index;
      node = inners_[node].child[index];
    }
    path->node[0] = node;
  }

  // Refills the too empty leaf that `key` leads to: joins it with a neighbour under the same
  // parent, or shares the neighbour's entries evenly where both don't fit into one with room to
  // spare.
  void FixLeaf(uint64_t key) {
    Path path;
    Descend(key, &path);
    Inner& parent = inners_[path.node[1]];
    const unsigned index = path.index[1];
    const unsigned right_index = index + 1 < parent.count ? index + 1 : index;
    const uint32_t left = parent.child[right_index - 1];
    const uint32_t right = parent.child[right_index];
    Leaf& a = leaves_[left];
    Leaf& b = leaves_[right];
    const unsigned total = a.count + b.count;
    if (total <= kLeafSlots * 3 / 4) {
      Move(a.first + a.count, b.first, b.count);
      Move(a.last + a.count, b.last, b.count);
      Move(a.value + a.count, b.value, b.count);
      a.count = total;
      FreeLeaf(right);
      RemoveChild(&path, 1, right_index);
      return;
    }
    const unsigned keep = total / 2;
    if (a.count > keep) {
      const unsigned n = a.count - keep;
      Move(b.first + n, b.first, b.count);
      Move(b.last + n, b.last, b.count);
      Move(b.value + n, b.value, b.count);
      Move(b.first, a.first + keep, n);
      Move(b.last, a.last + keep, n);
      Move(b.value, a.value + keep, n);
    } else {
      const unsigned n = keep - a.count;
      Move(a.first + a.count, b.first, n);
      Move(a.last + a.count, b.last, n);
      Move(a.value + a.count, b.value, n);
      Move(b.first, b.first + n, b.count - n);
      Move(b.last, b.last + n, b.count - n);
      Move(b.value, b.value + n, b.count - n);
    }
    a.count = keep;
    b.count = total - keep;
    parent.key[right_index] = b.first[0];
  }

  void RemoveChild(Path* path, unsigned level, unsigned index) {
    const uint32_t node = path->node[level];
    Inner& inner = inners_[node];
    Unshift(inner.key, index, inner.count);
    Unshift(inner.child, index, inner.count);
    --inner.count;
    if (level == height_) {
      if (inner.count == 1) {
        root_ = inner.child[0];
        --height_;
        FreeInner(node);
      }
      return;
    }
    if (inner.count < kInnerSlots / 4 || inner.count < 2) FixInner(path, level);
  }

  void FixInner(Path* path, unsigned level) {
    Inner& parent = inners_[path->node[level + 1]];
    const unsigned index = path->index[level + 1];
    const unsigned right_index = index + 1 < parent.count ? index + 1 : index;
    const uint32_t right = parent.child[right_index];
    Inner& a = inners_[parent.child[right_index - 1]];
    Inner& b = inners_[right];
    const unsigned total = a.count + b.count;
    // Inside its own node the first child has no separator; next to others it needs one.
    b.key[0] = parent.key[right_index];
    if (total <= kInnerSlots * 3 / 4) {
      Move(a.key + a.count, b.key, b.count);
      Move(a.child + a.count, b.child, b.count);
      a.count = total;
      FreeInner(right);
      RemoveChild(path, level + 1, right_index);
      return;
    }
    const unsigned keep = total / 2;
    if (a.count > keep) {
      const unsigned n = a.count - keep;
      Move(b.key + n, b.key, b.count);
      Move(b.child + n, b.child, b.count);
      Move(b.key, a.key + keep, n);
      Move(b.child, a.child + keep, n);
    } else {
      const unsigned n = keep - a.count;
      Move(a.key + a.count, b.key, n);
      Move(a.child + a.count, b.child, n);
      Move(b.key, b.key + n, b.count - n);
      Move(b.child, b.child + n, b.count - n);
    }
    a.count = keep;
    b.count = total - keep;
    parent.key[right_index] = b.key[0];
  }

  void LowerSeparators(uint64_t old_first, uint64_t new_first) {
    uint32_t node = root_;
    for (unsigned level = height_; level > 0; --level) {
      Inner& inner = inners_[node];
      const unsigned index = ChildIndex(inner, old_first);
      if (index > 0 && inner.key[index] > new_first) inner.key[index] = new_first;
      node = inner.child[index];
    }
  }

  // A separator can lie anywhere between the neighbours' `first`, inside the left one's extent,
  // too.
  void RaiseSeparators(uint64_t old_first, uint64_t new_first) {
    uint32_t node = root_;
    for (unsigned level = height_; level > 0; --level) {
      Inner& inner = inners_[node];
      const unsigned index = ChildIndex(inner, old_first);
      if (index + 1 < inner.count && inner.key[index + 1] <= new_first) {
        inner.key[index + 1] = new_first + 1;
      }
      node = inner.child[index];
    }
  }

  bool CheckNode(uint32_t node, unsigned level, bool has_low, uint64_t low, bool has_high,
                 uint64_t high, size_t* seen, uint32_t* previous_leaf, bool* has_previous,
                 uint64_t* previous_last) const {
    if (level == 0) {
      const Leaf& leaf = leaves_[node];
      if (leaf.count == 0 || leaf.count > kLeafSlots || leaf.prev != *previous_leaf) return false;
      const uint32_t expected = *previous_leaf == kNone ? head_ : leaves_[*previous_leaf].next;
      if (expected != node) return false;
      for (unsigned i = 0; i < leaf.count; ++i) {
        if (leaf.first[i] > leaf.last[i]) return false;
        if (*has_previous && leaf.first[i] <= *previous_last) return false;
        if (has_low && leaf.first[i] < low) return false;
        if (has_high && leaf.first[i] >= high) return false;
        *has_previous = true;
        *previous_last = leaf.last[i];
        ++*seen;
      }
      *previous_leaf = node;
      return true;
    }
    const Inner& inner = inners_[node];
    if (inner.count < 2 || inner.count > kInnerSlots) return false;
    for (unsigned i = 0; i < inner.count; ++i) {
      if (i > 1 && inner.key[i] <= inner.key[i - 1]) return false;
      const bool low_here = i > 0 || has_low;
      const bool high_here = i + 1 < inner.count || has_high;
      if (!CheckNode(inner.child[i], level - 1, low_here, i > 0 ? inner.key[i] : low, high_here,
                     i + 1 < inner.count ? inner.key[i + 1] : high, seen, previous_leaf,
                     has_previous, previous_last)) {
        return false;
      }
    }
    return true;
  }

  std::vector<Leaf> leaves_;
  std::vector<Inner> inners_;
  uint32_t free_leaf_ = kNone;
  uint32_t free_inner_ = kNone;
  uint32_t root_ = kNone;
  uint32_t head_ = kNone;  // leaf with the lowest extents
  uint32_t tail_ = kNone;  // leaf with the highest
  unsigned height_ = 0;    // levels of inner nodes
  size_t size_ = 0;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_EXTENT_MAP_H_
