// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_PIN_TABLE_H_
#define IOVALID_IOAS_PIN_TABLE_H_

#include <cstdint>
#include <vector>

#include "sim/digest.h"
#include "sim/extent_map.h"
#include "sim/units.h"

namespace iovalid::ioas {

// Index of a pages object in its PagesStore.
using PagesId = uint32_t;

// Frames of the pages [index, index + pages) of a pages object.
struct PinnedFrames {
  uint64_t index;  // page index in the pages object
  sim::PageId first;
  uint64_t pages;
};

// The pinned frames of those pages objects that more than one area, or an access, uses: which frame
// stands at which page index, and how many areas that are filled into a domain, and how many
// accesses, need it. A page is in the table exactly while somebody needs it, and that is while it
// is pinned (domains_itree, access_itree and pinned_pfns of struct iopt_pages in one).
//
// A pages object with one area needs no entries: its frames are in the page tables. All objects
// share one ordered map, so that a copy of the table is two block copies.
class PinTable {
 public:
  enum class User : uint8_t { kArea, kAccess };

  // Indexes are below this: more than 128 TiB of memory is never pinned in one pages object.
  static constexpr unsigned kIndexBits = 35;

  // One more user of the pages [first, last] (indexes, inclusive). `added` are the frames of those
  // that nobody used before, ascending.
  void AddUser(PagesId pages, uint64_t first, uint64_t last, User user,
               const std::vector<PinnedFrames>& added);
  // One user less. Pages that nobody uses any more leave the table; their frames are appended to
  // `released`, ascending.
  void RemoveUser(PagesId pages, uint64_t first, uint64_t last, User user,
                  std::vector<PinnedFrames>* released);

  // The frames from page `index` on, at most up to page `last`. True: `index` is pinned, and `run`
  // has the frames from there up to a change of frame or users. False: it is not, and run->pages is
  // how many pages from there on (within `last`) are not.
  bool Find(PagesId pages, uint64_t index, uint64_t last, PinnedFrames* run) const;

  bool empty() const { return runs_.empty(); }
  size_t runs() const { return runs_.size(); }

 private:
  struct Run {
    sim::PageId first;
    uint32_t areas;
    uint32_t accesses;
  };

  static uint64_t Key(PagesId pages, uint64_t index) {
    return uint64_t{pages} << kIndexBits | index;
  }
  void Cut(uint64_t key);
  void Join(uint64_t key);

  sim::ExtentMap<Run> runs_;  // by Key
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_PIN_TABLE_H_
