// SPDX-License-Identifier: Apache-2.0
#include "traces/errno_names.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace iovalid::traces {
namespace {

TEST(ErrnoNames, AgreesWithTheSystemHeaders) {
  EXPECT_EQ(ErrnoToName(0), "0");
  EXPECT_EQ(ErrnoToName(EPERM), "EPERM");
  EXPECT_EQ(ErrnoToName(EINVAL), "EINVAL");
  EXPECT_EQ(ErrnoToName(EOVERFLOW), "EOVERFLOW");
  EXPECT_EQ(ErrnoToName(EBADFD), "EBADFD");
  EXPECT_EQ(ErrnoToName(EHWPOISON), "EHWPOISON");
}

// Where a number has two names, the recordings use one of them.
TEST(ErrnoNames, SpellsAliasesAsRecorded) {
  EXPECT_EQ(ErrnoToName(EOPNOTSUPP), "EOPNOTSUPP");
  EXPECT_EQ(ErrnoToName(EAGAIN), "EAGAIN");
  EXPECT_EQ(ErrnoToName(EDEADLK), "EDEADLK");
  EXPECT_EQ(ErrnoFromName("ENOTSUP"), 95u);
  EXPECT_EQ(ErrnoFromName("EWOULDBLOCK"), 11u);
}

TEST(ErrnoNames, NumbersWithoutName) {
  EXPECT_EQ(ErrnoToName(524), "E524");
  EXPECT_EQ(ErrnoToName(41), "E41");
  EXPECT_EQ(ErrnoFromName("ENOTSUPP"), 524u);
  EXPECT_EQ(ErrnoFromName("E524"), 524u);
  EXPECT_EQ(ErrnoFromName("E2BIG"), 7u);
}

TEST(ErrnoNames, EveryNumberComesBack) {
  for (uint32_t number = 0; number <= 4095; ++number) {
    EXPECT_EQ(ErrnoFromName(ErrnoToName(number)), number);
  }
}

TEST(ErrnoNames, RefusesWhatIsNone) {
  for (const char* name :
       {"", "E", "EFOO", "einval", "4096", "E4096", "-1", "007", "E01", "EINVAL "}) {
    EXPECT_EQ(ErrnoFromName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace iovalid::traces
