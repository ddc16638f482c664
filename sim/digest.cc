// SPDX-License-Identifier: Apache-2.0
#include "sim/digest.h"

#include <array>
#include <cstddef>

namespace iovalid::sim {
namespace {

__extension__ typedef unsigned __int128 uint128;

// The Mersenne prime 2^61 - 1: reduction is a shift and an addition.
constexpr uint64_t kP = (uint64_t{1} << 61) - 1;

constexpr uint64_t AddMod(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum >= kP ? sum - kP : sum;
}

constexpr uint64_t SubMod(uint64_t a, uint64_t b) { return a >= b ? a - b : a + kP - b; }

constexpr uint64_t MulMod(uint64_t a, uint64_t b) {
  const uint128 product = static_cast<uint128>(a) * b;
  return AddMod(static_cast<uint64_t>(product) & kP, static_cast<uint64_t>(product >> 61));
}

constexpr uint64_t Reduce(uint64_t x) {
  const uint64_t folded = (x & kP) + (x >> 61);
  return folded >= kP ? folded - kP : folded;
}

constexpr uint64_t PowMod(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = MulMod(result, base);
    base = MulMod(base, base);
  }
  return result;
}

// Powers of one base for exponents of 64 bits, a byte of the exponent at a time.
class PowerTable {
 public:
  explicit constexpr PowerTable(uint64_t base) : power_{} {
    uint64_t step = base;  // base ^ (256 ^ byte)
    for (size_t byte = 0; byte < kBytes; ++byte) {
      uint64_t value = 1;
      for (size_t digit = 0; digit < kDigits; ++digit) {
        power_[byte * kDigits + digit] = value;
        value = MulMod(value, step);
      }
      step = value;
    }
  }

  // factor * base^exponent. The time grows with the number of non-zero bytes of the exponent.
  uint64_t Times(uint64_t factor, uint64_t exponent) const {
    for (size_t byte = 0; exponent != 0; ++byte, exponent >>= 8) {
      const size_t digit = exponent & 0xff;
      if (digit != 0) factor = MulMod(factor, power_[byte * kDigits + digit]);
    }
    return factor;
  }

 private:
  static constexpr size_t kBytes = 8;
  static constexpr size_t kDigits = 256;

  std::array<uint64_t, kBytes * kDigits> power_;
};

// Arbitrary fixed numbers below the prime (fractional digits of sqrt(2), sqrt(3), sqrt(5), ...).
constexpr uint64_t kIovaBase[2] = {0x6a09e667f3bcc908 & kP, 0x1b67ae8584caa73b};
constexpr uint64_t kPageBase[2] = {0x1c6ef372fe94f82b, 0x054ff53a5f1d36f1};
constexpr uint64_t kRights[2][4] = {
    {0, 0x110e527fade682d1, 0x1b05688c2b3e6c1f, 0x1f83d9abfb41bd6b},
    {0, 0x0be0cd19137e2179, 0x0bbb9d5dc1059ed8, 0x029a292a367cd507},
};

// The ratio of the geometric series of a run: one page further in both address and frame.
constexpr uint64_t kRunBase[2] = {MulMod(kIovaBase[0], kPageBase[0]),
                                  MulMod(kIovaBase[1], kPageBase[1])};
static_assert(kRunBase[0] != 1 && kRunBase[1] != 1, "the series formula divides by ratio - 1");
constexpr uint64_t kSeriesFactor[2] = {PowMod(kRunBase[0] - 1, kP - 2),
                                       PowMod(kRunBase[1] - 1, kP - 2)};

// One constant each, so that each stays within the compilers' limits for constant evaluation.
constexpr PowerTable kIovaPower0(kIovaBase[0]);
constexpr PowerTable kIovaPower1(kIovaBase[1]);
constexpr PowerTable kPagePower0(kPageBase[0]);
constexpr PowerTable kPagePower1(kPageBase[1]);
constexpr PowerTable kRunPower0(kRunBase[0]);
constexpr PowerTable kRunPower1(kRunBase[1]);

// Folds the 128-bit product: every bit of both factors reaches every bit of the result.
constexpr uint64_t Fold(uint64_t a, uint64_t b) {
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A final mix of full avalanche (the splitmix64 finaliser).
constexpr uint64_t Finish(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A product with a zero factor would hide the other word, so each word is added to a running value
// before a multiplication by a constant; no input pair can cancel.
constexpr uint64_t Absorb(uint64_t state, uint64_t word, uint64_t constant) {
  return Fold((state ^ word) * 0x9e3779b97f4a7c15 + constant, constant) + word;
}

constexpr uint64_t HashLane(const uint64_t (&constant)[5], uint64_t tag, uint64_t a, uint64_t b,
                            uint64_t c, uint64_t d) {
  uint64_t state = Absorb(constant[0], tag, constant[0]);
  state = Absorb(state, a, constant[1]);
  state = Absorb(state, b, constant[2]);
  state = Absorb(state, c, constant[3]);
  state = Absorb(state, d, constant[4]);
  return Reduce(Finish(state));
}

constexpr uint64_t kLane0[5] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1,
                                0x082efa98ec4e6c89, 0x452821e638d01377};
constexpr uint64_t kLane1[5] = {0xbe5466cf34e90c6d, 0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917,
                                0x9216d5d98979fb1b, 0xd1310ba698dfb5ad};

}  // namespace

Digest& Digest::operator+=(const Digest& o) {
  lane[0] = AddMod(lane[0], o.lane[0]);
  lane[1] = AddMod(lane[1], o.lane[1]);
  return *this;
}

Digest& Digest::operator-=(const Digest& o) {
  lane[0] = SubMod(lane[0], o.lane[0]);
  lane[1] = SubMod(lane[1], o.lane[1]);
  return *this;
}

std::string Digest::ToString() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (uint64_t value : lane) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(value >> shift) & 0xf]);
  }
  return text;
}

Digest HashWords(uint64_t tag, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return Digest{{HashLane(kLane0, tag, a, b, c, d), HashLane(kLane1, tag, a, b, c, d)}};
}

Digest HashReach(uint64_t iova_page, uint64_t first, uint64_t pages, unsigned rights) {
  rights &= 3;
  if (pages == 0 || rights == 0) return Digest{};
  uint64_t sum0 = kRights[0][rights];
  uint64_t sum1 = kRights[1][rights];
  if (pages != 1) {
    // 1 + q + ... + q^(n-1) = (q^n - 1) / (q - 1).
    sum0 = MulMod(sum0, MulMod(SubMod(kRunPower0.Times(1, pages), 1), kSeriesFactor[0]));
    sum1 = MulMod(sum1, MulMod(SubMod(kRunPower1.Times(1, pages), 1), kSeriesFactor[1]));
  }
  sum0 = kPagePower0.Times(kIovaPower0.Times(sum0, iova_page), first);
  sum1 = kPagePower1.Times(kIovaPower1.Times(sum1, iova_page), first);
  return Digest{{sum0, sum1}};
}

}  // namespace iovalid::sim
