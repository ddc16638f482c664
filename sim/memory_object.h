// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_MEMORY_OBJECT_H_
#define IOVALID_SIM_MEMORY_OBJECT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/extent_map.h"
#include "sim/frame_allocator.h"
#include "sim/units.h"

namespace iovalid::sim {

// Index of a memory object.
using ObjectId = uint32_t;
inline constexpr ObjectId kNoObject = 0xffffffff;

enum class ObjectKind : uint8_t {
  kShmem,     // a memfd, a file in a tmpfs, or what stands behind a shared anonymous mapping
  kHugetlb,   // a file in a hugetlbfs with 2 MiB pages
  kDiskFile,  // a file of a file system that tracks dirty pages
};

// The memory objects of one simulated machine: what can be mapped by more than one address space.
//
// An object has a page id for each page below its end. They are given out when the object is
// created or grows, never by a fault or a pin, so that two replays of the same script that differ
// in their pins have the same ids. A page that an object loses by shrinking never comes back: after
// growing again there is another id in its place.
class MemoryObjects {
 public:
  // `size` in bytes.
  ObjectId Create(ObjectKind kind, uint64_t size, FrameAllocator* frames);

  // ftruncate. False where the machine has no page ids left; then nothing has changed.
  bool Resize(ObjectId id, uint64_t size, FrameAllocator* frames);

  bool Has(ObjectId id) const { return id < objects_.size(); }
  size_t count() const { return objects_.size(); }
  ObjectKind kind(ObjectId id) const { return objects_[id].kind; }
  // In bytes, and in pages (rounded up; a huge page counts as 512).
  uint64_t size(ObjectId id) const { return objects_[id].size; }
  uint64_t pages(ObjectId id) const { return objects_[id].pages; }

  // The page at `index`, which must be below pages(id). `run` gets how many of the following pages
  // (this one included) have consecutive ids, at most to the end of the object.
  PageId Page(ObjectId id, uint64_t index, uint64_t* run) const;

  // The pages [first, last] (indexes below pages(id)) are in the page cache, because something has
  // reached them. Nothing but fault-around asks for that.
  void MarkCached(ObjectId id, uint64_t first, uint64_t last);
  // Calls fn(first, last) for each run of cached pages in [first, last], ascending.
  template <typename Fn>
  void ForEachCached(ObjectId id, uint64_t first, uint64_t last, Fn fn) const {
    const auto& cached = objects_[id].cached;
    for (auto c = cached.FirstOverlap(first, last); c && cached.first(c) <= last;
         c = cached.Next(c)) {
      fn(std::max(first, cached.first(c)), std::min(last, cached.last(c)));
    }
  }

 private:
  struct Object {
    ObjectKind kind;
    uint64_t size = 0;
    uint64_t pages = 0;
    // By page index; the value is id minus index (modulo 2^64).
    ExtentMap<uint64_t, 8, 8> ids;
    ExtentMap<uint8_t, 8, 8> cached;  // by page index; the value says nothing
  };

  std::vector<Object> objects_;
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_MEMORY_OBJECT_H_
