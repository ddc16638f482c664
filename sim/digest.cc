// SPDX-License-Identifier: Apache-2.0
#include "sim/digest.h"

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

constexpr uint64_t Reduce(uint64_t x) {
  const uint64_t folded = (x & kP) + (x >> 61);
  return folded >= kP ? folded - kP : folded;
}

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

// Arbitrary fixed numbers (fractional digits of sqrt(2), sqrt(3), ...), odd where they multiply.
constexpr uint64_t kReachStep[2] = {0x9e3779b97f4a7c15, 0xd1b54a32d192ed03};
constexpr uint64_t kReachRights[2][4] = {
    {0, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b},
    {0, 0x5be0cd19137e2179, 0xcbbb9d5dc1059ed8, 0x629a292a367cd507},
};

// The second lane's mix: another finaliser of full avalanche, so that the lanes have nothing in
// common.
constexpr uint64_t FinishOther(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 29)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 32);
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

Digest DigestOfPart(const Digest& digest, uint32_t part) {
  if (part == 0 || digest.zero()) return digest;
  // Multiplication by a number that is not 0 modulo a prime is linear and loses nothing.
  const Digest factor = HashWords('P', part);
  Digest out;
  for (int i = 0; i < 2; ++i) {
    const uint128 product = static_cast<uint128>(digest.lane[i]) * (factor.lane[i] | 1);
    out.lane[i] = AddMod(static_cast<uint64_t>(product & kP),
                         Reduce(static_cast<uint64_t>(product >> 61)));
  }
  return out;
}

Digest HashWords(uint64_t tag, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return Digest{{HashLane(kLane0, tag, a, b, c, d), HashLane(kLane1, tag, a, b, c, d)}};
}

Digest HashReach(uint64_t iova_page, uint64_t first, uint64_t pages, unsigned rights) {
  rights &= 3;
  if (pages == 0 || rights == 0) return Digest{};
  // Pages with the same distance between IOVA and frame and the same rights form a line. Each point
  // of each line has a pseudo-random value, and a run is the difference of the values of its two
  // ends: the inner ends of runs that meet cancel out.
  const uint64_t distance = first - iova_page;
  const uint64_t end = iova_page + pages;
  const uint64_t line0 = Finish(distance + kReachRights[0][rights]);
  const uint64_t line1 = FinishOther(distance ^ kReachRights[1][rights]);
  const auto point0 = [line0](uint64_t at) { return Reduce(Finish(line0 + at * kReachStep[0])); };
  const auto point1 = [line1](uint64_t at) {
    return Reduce(FinishOther(line1 ^ at * kReachStep[1]));
  };
  return Digest{{SubMod(point0(end), point0(iova_page)), SubMod(point1(end), point1(iova_page))}};
}

}  // namespace iovalid::sim
