// SPDX-License-Identifier: Apache-2.0
#include "ioas/reserved_iova.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/state_hash.h"

namespace iovalid::ioas {
namespace {

constexpr uint64_t kTop = ~uint64_t{0};

TEST(IovaSpansTest, TouchingRangesAreOneSpan) {
  EXPECT_EQ(UsedSpans({{0x3000, 0x3fff}, {0x1000, 0x1fff}, {0x2000, 0x2fff}}),
            (std::vector<IovaRange>{{0x1000, 0x3fff}}));
  EXPECT_EQ(UsedSpans({{0, kTop}, {5, 6}}), (std::vector<IovaRange>{{0, kTop}}));
}

TEST(IovaSpansTest, HolesReachBothEnds) {
  EXPECT_EQ(Holes({}), (std::vector<IovaRange>{{0, kTop}}));
  EXPECT_EQ(Holes({{0, 9}}), (std::vector<IovaRange>{{10, kTop}}));
  EXPECT_EQ(Holes({{5, 9}, {20, kTop}}), (std::vector<IovaRange>{{0, 4}, {10, 19}}));
  EXPECT_TRUE(Holes({{0, kTop}}).empty());
}

TEST(ReservedIovaTest, UnattachedIsOneRange) {
  const ReservedIova reserved;
  EXPECT_EQ(reserved.holes(), (std::vector<IovaRange>{{0, kTop}}));
  EXPECT_EQ(reserved.holes_digest(), sim::HashRange(0, kTop));
  EXPECT_FALSE(reserved.Overlaps(0, kTop));
}

TEST(ReservedIovaTest, SameRangeOfTwoOwnersStaysUntilBothAreGone) {
  ReservedIova reserved;
  reserved.Add(0xfee00000, 0xfeefffff, 1);
  reserved.Add(0xfee00000, 0xfeefffff, 2);
  reserved.Add(uint64_t{1} << 39, kTop, 3);
  EXPECT_EQ(reserved.holes(),
            (std::vector<IovaRange>{{0, 0xfedfffff}, {0xfef00000, (uint64_t{1} << 39) - 1}}));
  reserved.RemoveOwner(1);
  EXPECT_TRUE(reserved.Overlaps(0xfeefffff, 0xfeffffff));
  reserved.RemoveOwner(2);
  EXPECT_FALSE(reserved.Overlaps(0xfeefffff, 0xfeffffff));
  EXPECT_EQ(reserved.holes_digest(), sim::HashRange(0, (uint64_t{1} << 39) - 1));
}

TEST(ReservedIovaTest, IdentityKnowsOwners) {
  ReservedIova a, b;
  a.Add(0, 9, 1);
  b.Add(0, 9, 2);
  EXPECT_EQ(a.holes_digest(), b.holes_digest());
  EXPECT_FALSE(a.IdentityDigest() == b.IdentityDigest());
}

}  // namespace
}  // namespace iovalid::ioas
