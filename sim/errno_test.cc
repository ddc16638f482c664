// SPDX-License-Identifier: Apache-2.0
#include "sim/errno.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace iovalid::sim {
namespace {

TEST(ErrnoTest, NumbersAreThoseOfLinux) {
  EXPECT_EQ(static_cast<int>(Errno::kNOTTY), ENOTTY);
  EXPECT_EQ(static_cast<int>(Errno::kOVERFLOW), EOVERFLOW);
  EXPECT_EQ(static_cast<int>(Errno::kOPNOTSUPP), EOPNOTSUPP);
  EXPECT_EQ(static_cast<int>(Errno::kADDRINUSE), EADDRINUSE);
}

// Every name is that of the C library; a number without a name of its own is spelled out.
TEST(ErrnoTest, NamesAreThoseOfTheCLibrary) {
  int named = 0;
  for (int e = 1; e < 134; ++e) {
    const std::string name(ErrnoName(static_cast<Errno>(e)));
    if (name == "E" + std::to_string(e)) continue;
    const char* const libc = strerrorname_np(e);
    ASSERT_NE(libc, nullptr) << e;
    // The C library calls EOPNOTSUPP by its other name.
    EXPECT_EQ(name, e == EOPNOTSUPP ? "EOPNOTSUPP" : libc);
    ++named;
  }
  EXPECT_EQ(named, 28);
  EXPECT_EQ(ErrnoName(Errno::kOk), "0");
  EXPECT_EQ(ErrnoName(static_cast<Errno>(133)), "E133");
  EXPECT_EQ(ErrnoName(static_cast<Errno>(-5)), "E?");
}

}  // namespace
}  // namespace iovalid::sim
