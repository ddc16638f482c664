// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_NAIVE_BITS_H_
#define IOVALID_HWMODEL_NAIVE_BITS_H_

#include <cstdint>

// The bits of a word for the naive walkers alone, which share nothing with the model.
namespace iovalid::hwmodel::naive {

inline bool Bit(uint64_t word, int number) { return word / (uint64_t{1} << number) % 2 == 1; }

// Bits high..low of a word, as specifications write [high:low].
inline uint64_t Field(uint64_t word, int high, int low) {
  uint64_t value = 0;
  for (int bit = high; bit >= low; --bit) value = value * 2 + (Bit(word, bit) ? 1 : 0);
  return value;
}

inline bool AnySet(uint64_t word, int high, int low) {
  for (int bit = low; bit <= high; ++bit) {
    if (Bit(word, bit)) return true;
  }
  return false;
}

}  // namespace iovalid::hwmodel::naive

#endif  // IOVALID_HWMODEL_NAIVE_BITS_H_
