// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_DROP_PIECES_H_
#define IOVALID_CONFORMANCE_SEARCH_DROP_PIECES_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace iovalid::conformance::search {

// Delta debugging: leaves out pieces of `items` for which `keeps(fewer)` still holds, of halving
// length and from the back (what is near the difference is needed more often), until no single item
// can be spared. The last `tail` items, and those that `stays(item)` holds for, are never left out.
template <typename T, typename Keeps, typename Stays>
void DropPieces(std::vector<T>* items, size_t tail, Keeps keeps, Stays stays) {
  for (size_t piece = std::max<size_t>(items->size() / 2, 1);;
       piece = std::max<size_t>(piece / 2, 1)) {
    bool dropped = false;
    for (size_t end = items->size() - std::min(tail, items->size()); end > 0;) {
      const size_t begin = end > piece ? end - piece : 0;
      std::vector<T> fewer;
      for (size_t i = 0; i < items->size(); ++i) {
        if (i < begin || i >= end || stays((*items)[i])) fewer.push_back((*items)[i]);
      }
      if (fewer.size() < items->size() && keeps(fewer)) {
        *items = std::move(fewer);
        dropped = true;
      }
      end = begin;
    }
    if (piece == 1 && !dropped) return;
  }
}

template <typename T, typename Keeps>
void DropPieces(std::vector<T>* items, size_t tail, Keeps keeps) {
  DropPieces(items, tail, keeps, [](const T&) { return false; });
}

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_DROP_PIECES_H_
