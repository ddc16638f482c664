// SPDX-License-Identifier: Apache-2.0
#include "sim/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace iovalid::sim {
namespace {

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;

Digest PageByPage(uint64_t iova_page, uint64_t first, uint64_t pages, unsigned rights) {
  Digest sum;
  for (uint64_t k = 0; k < pages; ++k) sum += HashReach(iova_page + k, first + k, 1, rights);
  return sum;
}

TEST(DigestTest, AddingAndTakingAwayAreInverses) {
  const Digest a = HashWords(1, 2, 3);
  const Digest b = HashWords(4, 5, 6);
  EXPECT_EQ(a + b - b, a);
  EXPECT_EQ(a + b, b + a);
  EXPECT_TRUE((a - a).zero());
  EXPECT_FALSE(a.zero());
}

TEST(DigestTest, ArithmeticStaysBelowThePrime) {
  Digest almost;
  almost.lane[0] = almost.lane[1] = kPrime - 1;
  Digest one;
  one.lane[0] = one.lane[1] = 1;
  EXPECT_TRUE((almost + one).zero());
  EXPECT_EQ(Digest{} - one, almost);
}

TEST(DigestTest, PartsAddUpAndDoNotMakeUpForOneAnother) {
  const Digest a = HashWords(1, 2), b = HashWords(3, 4);
  EXPECT_EQ(DigestOfPart(a, 0), a);
  for (uint32_t part = 1; part < 5; ++part) {
    EXPECT_EQ(DigestOfPart(a + b, part), DigestOfPart(a, part) + DigestOfPart(b, part));
    EXPECT_EQ(DigestOfPart(a - b, part), DigestOfPart(a, part) - DigestOfPart(b, part));
    EXPECT_TRUE(DigestOfPart(Digest(), part).zero());
    for (uint32_t other = 0; other < part; ++other) {
      EXPECT_NE(DigestOfPart(a, part), DigestOfPart(a, other));
      EXPECT_FALSE((DigestOfPart(a, part) - DigestOfPart(a, other)).zero());
    }
  }
}

TEST(DigestTest, PrintsAllDigits) {
  Digest digest;
  digest.lane[0] = 0x0123456789abcdef;
  digest.lane[1] = 0xf;
  EXPECT_EQ(digest.ToString(), "0123456789abcdef000000000000000f");
}

// The values are written into reports and compared between builds: they never change.
TEST(DigestTest, FixedValues) {
  EXPECT_EQ(HashWords(1, 2, 3, 4, 5).ToString(), "08f215f8277bc22d0da9e10d2f3f0b84");
  EXPECT_EQ(HashReach(0x100, 0x100000, 1, 3).ToString(), "1d666ac42a09dcc1177e9efb7c50e371");
  EXPECT_EQ(HashReach(0x12345678, 0xabcdef01, 1000000, 1).ToString(),
            "104cdc73a41bb8140eefe163e9e341ac");
}

TEST(HashWordsTest, EveryPositionCounts) {
  std::set<std::string> seen;
  for (uint64_t v : {uint64_t{0}, uint64_t{1}, uint64_t{2}, ~uint64_t{0}}) {
    for (int position = 0; position < 5; ++position) {
      uint64_t words[5] = {7, 7, 7, 7, 7};
      words[position] = v;
      seen.insert(HashWords(words[0], words[1], words[2], words[3], words[4]).ToString());
    }
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_NE(HashWords(1, 2, 3), HashWords(1, 3, 2));
  EXPECT_FALSE(HashWords(0, 0).zero());
}

// Flipping any bit of any word flips about half of the 122 bits of the digest.
TEST(HashWordsTest, Avalanche) {
  const Digest base = HashWords(1, 0x1000, 0x2000, 3, 0);
  for (int word = 0; word < 5; ++word) {
    for (int bit = 0; bit < 64; ++bit) {
      uint64_t words[5] = {1, 0x1000, 0x2000, 3, 0};
      words[word] ^= uint64_t{1} << bit;
      const Digest other = HashWords(words[0], words[1], words[2], words[3], words[4]);
      const int flipped = std::popcount(base.lane[0] ^ other.lane[0]) +
                          std::popcount(base.lane[1] ^ other.lane[1]);
      EXPECT_GT(flipped, 30) << word << " " << bit;
      EXPECT_LT(flipped, 92) << word << " " << bit;
    }
  }
}

TEST(HashReachTest, RunIsTheSumOfItsPages) {
  for (unsigned rights = 1; rights <= 3; ++rights) {
    EXPECT_EQ(HashReach(0, 0, 1, rights), PageByPage(0, 0, 1, rights));
    EXPECT_EQ(HashReach(0x100, 0x100000, 2, rights), PageByPage(0x100, 0x100000, 2, rights));
    EXPECT_EQ(HashReach(0xff, 0xffffe, 513, rights), PageByPage(0xff, 0xffffe, 513, rights));
  }
}

TEST(HashReachTest, NothingReachedIsZero) {
  EXPECT_TRUE(HashReach(5, 6, 0, 3).zero());
  EXPECT_TRUE(HashReach(5, 6, 7, 0).zero());
}

TEST(HashReachTest, AddressPageAndRightsMatter) {
  std::set<std::string> seen;
  for (uint64_t iova : {0, 1, 2, 256, 512}) {
    for (uint64_t page : {0, 1, 2, 256, 512}) {
      for (unsigned rights : {1, 2, 3}) {
        seen.insert(HashReach(iova, page, 1, rights).ToString());
      }
    }
  }
  EXPECT_EQ(seen.size(), 75u);
  // Read on one page and write on the same is not read and write.
  EXPECT_NE(HashReach(1, 1, 1, 1) + HashReach(1, 1, 1, 2), HashReach(1, 1, 1, 3));
  // Two pages swapped.
  EXPECT_NE(HashReach(1, 10, 1, 3) + HashReach(2, 20, 1, 3),
            HashReach(1, 20, 1, 3) + HashReach(2, 10, 1, 3));
}

TEST(HashReachTest, ReachesTheTopOfTheSpace) {
  const uint64_t top = (uint64_t{1} << 52) - 2;
  EXPECT_EQ(HashReach(top, (uint64_t{1} << 40) - 2, 2, 3),
            PageByPage(top, (uint64_t{1} << 40) - 2, 2, 3));
}

// The values of a million ends are as different as random ones: in 24 bits of either lane they
// collide as often as chance has it, in the whole lane never.
TEST(HashReachTest, EndsCollideNoMoreThanChance) {
  constexpr int kLines = 64;
  constexpr int kPoints = 256;
  constexpr uint64_t kBuckets = 1u << 24;
  for (int lane = 0; lane < 2; ++lane) {
    std::set<uint64_t> whole;
    std::set<uint64_t> low;
    std::set<uint64_t> high;
    for (uint64_t line = 0; line < kLines; ++line) {
      for (uint64_t page = 0; page < kPoints; ++page) {
        for (unsigned rights = 1; rights <= 3; ++rights) {
          const uint64_t value = HashReach(page << 9, line + (page << 9), 1, rights).lane[lane];
          whole.insert(value);
          low.insert(value % kBuckets);
          high.insert(value >> 37);
        }
      }
    }
    const double n = kLines * kPoints * 3;
    EXPECT_EQ(whole.size(), static_cast<size_t>(n));
    const double expected = n * n / 2 / kBuckets;  // about 72 pairs
    EXPECT_NEAR(n - static_cast<double>(low.size()), expected, 6 * std::sqrt(expected));
    EXPECT_NEAR(n - static_cast<double>(high.size()), expected, 6 * std::sqrt(expected));
  }
}

// Flipping a bit of a run's place, frame or length flips about half of the digest's bits.
TEST(HashReachTest, Avalanche) {
  const Digest base = HashReach(0x12345, 0x98765, 77, 3);
  for (int word = 0; word < 3; ++word) {
    for (int bit = 0; bit < 36; ++bit) {
      uint64_t words[3] = {0x12345, 0x98765, 77};
      words[word] ^= uint64_t{1} << bit;
      const Digest other = HashReach(words[0], words[1], words[2], 3);
      const int flipped = std::popcount(base.lane[0] ^ other.lane[0]) +
                          std::popcount(base.lane[1] ^ other.lane[1]);
      EXPECT_GT(flipped, 30) << word << " " << bit;
      EXPECT_LT(flipped, 92) << word << " " << bit;
    }
  }
}

RC_GTEST_PROP(HashReachProperty, AnyCutGivesTheSameSum, ()) {
  const uint64_t iova = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 52);
  const uint64_t page = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 40);
  const uint64_t pages = *rc::gen::inRange<uint64_t>(1, uint64_t{1} << 30);
  const unsigned rights = *rc::gen::inRange(1u, 4u);
  const uint64_t cut = *rc::gen::inRange<uint64_t>(0, pages + 1);
  RC_ASSERT(HashReach(iova, page, pages, rights) ==
            HashReach(iova, page, cut, rights) +
                HashReach(iova + cut, page + cut, pages - cut, rights));
}

// Any number of cuts, the pieces added in any order, and some taken away and put back.
RC_GTEST_PROP(HashReachProperty, PiecesInAnyOrder, ()) {
  const uint64_t iova = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 52);
  const uint64_t page = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 40);
  const unsigned rights = *rc::gen::inRange(1u, 4u);
  const auto lengths = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(1, 1u << 20)));
  std::vector<Digest> pieces;
  uint64_t at = 0;
  for (const uint64_t length : lengths) {
    pieces.push_back(HashReach(iova + at, page + at, length, rights));
    at += length;
  }
  Digest sum;
  for (size_t taken = pieces.size(); taken > 0; --taken) {
    const size_t which = *rc::gen::inRange<size_t>(0, taken);
    sum += pieces[which];
    sum -= pieces[0];
    sum += pieces[0];
    std::swap(pieces[which], pieces[taken - 1]);
  }
  RC_ASSERT(sum == HashReach(iova, page, at, rights));
  // One page more, or one elsewhere, is another set.
  RC_ASSERT(sum != HashReach(iova, page, at + 1, rights));
  RC_ASSERT(sum != HashReach(iova + 1, page + 1, at, rights));
}

RC_GTEST_PROP(HashReachProperty, RunIsTheSumOfItsPages, ()) {
  const uint64_t iova = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 52);
  const uint64_t page = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 40);
  const uint64_t pages = *rc::gen::inRange<uint64_t>(1, 600);
  const unsigned rights = *rc::gen::inRange(1u, 4u);
  RC_ASSERT(HashReach(iova, page, pages, rights) == PageByPage(iova, page, pages, rights));
}

}  // namespace
}  // namespace iovalid::sim
