// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_RUN_DIGEST_H_
#define IOVALID_CONFORMANCE_RUN_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace iovalid::conformance {

// The digest of a run: everything that the models answered and all observed state, in order. Equal
// on every compiler and with all build flags, for the same trace and sides. Two 64-bit lanes, each
// word folded in by a 64x64->128 bit multiplication.
class RunDigest {
 public:
  void Add(uint64_t word) {
    lane_[0] = Fold(lane_[0] ^ word, 0x9e3779b97f4a7c15);
    lane_[1] = Fold(lane_[1] + word, 0xd6e8feb86659fd93) + 1;
  }
  void AddBytes(const uint8_t* bytes, size_t size) {
    Add(size);
    size_t i = 0;
    for (; i + 8 <= size; i += 8) Add(Word(bytes + i, 8));
    if (i < size) Add(Word(bytes + i, size - i));
  }

  // 32 hexadecimal digits.
  std::string ToString() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const uint64_t lane : lane_) {
      for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[lane >> shift & 15];
    }
    return out;
  }
  friend bool operator==(const RunDigest&, const RunDigest&) = default;

 private:
  static uint64_t Word(const uint8_t* bytes, size_t size) {
    uint64_t word = 0;
    for (size_t i = 0; i < size; ++i) word |= uint64_t{bytes[i]} << (8 * i);
    return word;
  }
  static uint64_t Fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  std::array<uint64_t, 2> lane_ = {0x243f6a8885a308d3, 0x13198a2e03707344};
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_RUN_DIGEST_H_
