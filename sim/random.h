// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_RANDOM_H_
#define IOVALID_SIM_RANDOM_H_

#include <cstdint>

namespace iovalid::sim {

// Seeded random numbers: xoshiro256** 1.0 (Blackman and Vigna), its state filled by splitmix64 from
// the seed. The sequence of a seed is part of the behaviour: it is the same with every compiler and
// in every version.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      // splitmix64.
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }

  // 64 random bits.
  uint64_t Next() {
    const uint64_t result = RotateLeft(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = RotateLeft(state_[3], 45);
    return result;
  }

  // A number in [0, bound), bound > 0, each equally likely.
  uint64_t Below(uint64_t bound) {
    // Numbers under 2^64 mod bound would favour the low results.
    const uint64_t skip = (0 - bound) % bound;
    for (;;) {
      const uint64_t value = Next();
      if (value >= skip) return value % bound;
    }
  }

  // True in `numerator` of `denominator` cases; denominator > 0.
  bool Chance(uint64_t numerator, uint64_t denominator) { return Below(denominator) < numerator; }

 private:
  static constexpr uint64_t RotateLeft(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  uint64_t state_[4];
};

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_RANDOM_H_
