// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_EXTENT_NODE_H_
#define IOVALID_SIM_EXTENT_NODE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace iovalid::sim {

// The nodes of an ExtentTree, and the arrays that they are made of. Nodes name one another by index.
inline constexpr uint32_t kNoNode = 0xffffffff;

template <typename V, unsigned kSlots>
struct ExtentLeaf {
  uint64_t first[kSlots];
  uint64_t last[kSlots];
  V value[kSlots];
  uint32_t count;
  uint32_t prev;
  uint32_t next;  // also links the free list
};

// Child i holds the extents whose `first` is in [key[i], key[i+1]). key[0] is never looked at: the
// first child has no lower bound of its own.
template <unsigned kSlots>
struct ExtentInner {
  uint64_t key[kSlots];
  uint32_t child[kSlots];
  uint32_t count;
};

// How many of the `n` ascending numbers are at most `x`.
inline unsigned CountAtMost(const uint64_t* a, unsigned n, uint64_t x) {
  if (n == 0) return 0;
  const uint64_t* base = a;
  while (n > 1) {
    const unsigned half = n / 2;
    base += static_cast<size_t>(base[half - 1] <= x) * half;
    n -= half;
  }
  return static_cast<unsigned>(base - a) + static_cast<unsigned>(*base <= x);
}

template <unsigned kSlots>
unsigned ChildIndex(const ExtentInner<kSlots>& inner, uint64_t x) {
  return CountAtMost(inner.key + 1, inner.count - 1, x);
}

// Large maps have cold leaves. The steps of the search depend on one another; asking for all lines of
// the keys at once makes it wait for memory once.
template <typename V, unsigned kSlots>
void PrefetchKeys(const ExtentLeaf<V, kSlots>& leaf) {
  __builtin_prefetch(&leaf.count);
  for (unsigned i = 0; i < kSlots; i += 8) __builtin_prefetch(&leaf.first[i]);
}

// Makes room at `at` of `count` elements; closes the gap at `at`; copies `n` that may overlap.
template <typename T>
void ShiftSlots(T* a, unsigned at, unsigned count) {
  std::memmove(static_cast<void*>(a + at + 1), a + at, (count - at) * sizeof(T));
}
template <typename T>
void UnshiftSlots(T* a, unsigned at, unsigned count) {
  std::memmove(static_cast<void*>(a + at), a + at + 1, (count - at - 1) * sizeof(T));
}
template <typename T>
void MoveSlots(T* to, const T* from, unsigned n) {
  std::memmove(static_cast<void*>(to), from, n * sizeof(T));
}

// Moves elements between `a`, of which `a_count` are in use, and `b` behind it, in their order, so that
// `keep` of all are in `a`.
template <typename T>
void ShareSlots(T* a, unsigned a_count, T* b, unsigned b_count, unsigned keep) {
  if (a_count > keep) {
    const unsigned n = a_count - keep;
    MoveSlots(b + n, b, b_count);
    MoveSlots(b, a + keep, n);
  } else {
    const unsigned n = keep - a_count;
    MoveSlots(a + a_count, b, n);
    MoveSlots(b, b + n, b_count - n);
  }
}

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_EXTENT_NODE_H_
