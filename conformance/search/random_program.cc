// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/random_program.h"

#include <algorithm>

namespace iovalid::conformance::search {

LetterChoice::LetterChoice() : LetterChoice(Alphabet()) {}

LetterChoice::LetterChoice(const std::vector<Letter>& letters) {
  uint64_t sum = 0;
  for (const Letter& letter : letters) upto_.push_back(sum += letter.weight);
}

size_t LetterChoice::operator()(uint64_t random) const {
  const uint64_t at = random % upto_.back();
  return static_cast<size_t>(std::upper_bound(upto_.begin(), upto_.end(), at) - upto_.begin());
}

}  // namespace iovalid::conformance::search
