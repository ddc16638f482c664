// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_RANDOM_PROGRAM_H_
#define IOVALID_CONFORMANCE_SEARCH_RANDOM_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "conformance/search/alphabet.h"

namespace iovalid::conformance::search {

// Chooses letters of the alphabet by their weights. `random` is any 64 random bits; the same bits
// choose the same letter.
class LetterChoice {
 public:
  // Of the search's alphabet, or another.
  LetterChoice();
  explicit LetterChoice(const std::vector<Letter>& letters);
  size_t operator()(uint64_t random) const;

 private:
  std::vector<uint64_t> upto_;  // sums of the weights
};

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_RANDOM_PROGRAM_H_
