// SPDX-License-Identifier: Apache-2.0
// GET_INFO and CHECK_EXTENSION through type1. Expected bytes: recordings "edges", sequences info-*,
// of the named kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

// GET_INFO into 160 bytes of 0xAA behind an argsz.
struct Answer {
  std::array<uint8_t, 160> bytes;

  uint32_t u32(size_t at) const {
    uint32_t value;
    std::memcpy(&value, &bytes[at], sizeof(value));
    return value;
  }
  uint64_t u64(size_t at) const {
    uint64_t value;
    std::memcpy(&value, &bytes[at], sizeof(value));
    return value;
  }
};

Outcome GetInfo(TestProcess* p, int container, uint32_t argsz, Answer* answer) {
  answer->bytes.fill(0xAA);
  std::memcpy(answer->bytes.data(), &argsz, sizeof(argsz));
  return p->Ioctl(container, abi::kVfioIommuGetInfo, answer);
}

TEST(Type1InfoTest, WholeChainOn73) {
  TestProcess p;
  const int c = p.SetUp();
  Answer a;
  EXPECT_THAT(GetInfo(&p, c, 120, &a), Succeeds());
  EXPECT_EQ(a.u32(0), 120u);         // argsz is left as given
  EXPECT_EQ(a.u32(4), 3u);           // PGSIZES | CAPS
  EXPECT_EQ(a.u64(8), 0x40201000u);  // 4K, 2M, 1G
  EXPECT_EQ(a.u32(16), 24u);         // cap_offset
  EXPECT_EQ(a.u32(20), 0u);          // padding
  // migration: id 2 version 1, next 56, flags 0, pgsize 4096, 256 MiB
  EXPECT_EQ(a.u32(24), 0x00010002u);
  EXPECT_EQ(a.u32(28), 56u);
  EXPECT_EQ(a.u64(40), 4096u);
  EXPECT_EQ(a.u64(48), 0x10000000u);
  // dma_avail: id 3, next 72, 65535, padding 0
  EXPECT_EQ(a.u32(56), 0x00010003u);
  EXPECT_EQ(a.u32(60), 72u);
  EXPECT_EQ(a.u32(64), 65535u);
  EXPECT_EQ(a.u32(68), 0u);
  // IOVA ranges: id 1, last, two ranges around the MSI window
  EXPECT_EQ(a.u32(72), 0x00010001u);
  EXPECT_EQ(a.u32(76), 0u);
  EXPECT_EQ(a.u32(80), 2u);
  EXPECT_EQ(a.u64(88), 0u);
  EXPECT_EQ(a.u64(96), 0xfedfffffu);
  EXPECT_EQ(a.u64(104), 0xfef00000u);
  EXPECT_EQ(a.u64(112), 0x7fffffffffu);
  EXPECT_EQ(a.bytes[120], 0xAA);
}

TEST(Type1InfoTest, TooSmallForTheChainSaysHowMuch) {
  TestProcess p;
  const int c = p.SetUp();
  Answer a;
  EXPECT_THAT(GetInfo(&p, c, 119, &a), Succeeds());
  EXPECT_EQ(a.u32(0), 120u);
  EXPECT_EQ(a.u32(16), 0u);
  EXPECT_EQ(a.bytes[24], 0xAA);  // none of the chain
  EXPECT_THAT(GetInfo(&p, c, 16, &a), Succeeds());
  EXPECT_EQ(a.u32(0), 120u);
  EXPECT_EQ(a.bytes[16], 0xAA);  // only what the caller has room for
  EXPECT_THAT(GetInfo(&p, c, 15, &a), FailsBy(Errno::kINVAL, "type1.info.argsz"));
  EXPECT_EQ(a.u32(0), 15u);
}

// 6.1 neither aligns capabilities nor writes the padding of the struct.
TEST(Type1InfoTest, ChainOf61IsUnaligned) {
  TestProcess p(GoldenMachine("6.1"));
  const int c = p.SetUp();
  Answer a;
  EXPECT_THAT(GetInfo(&p, c, 24, &a), Succeeds());
  EXPECT_EQ(a.u32(0), 116u);
  EXPECT_EQ(a.u32(20), 0xAAAAAAAAu);
  EXPECT_THAT(GetInfo(&p, c, 116, &a), Succeeds());
  EXPECT_EQ(a.u32(60), 68u);  // dma_avail's next
  EXPECT_EQ(a.u32(68), 0x00010001u);
  EXPECT_THAT(GetInfo(&p, c, 19, &a), Succeeds());
  EXPECT_EQ(a.bytes[16], 0xAA);
}

TEST(Type1InfoTest, AvailCountsMappings) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0, TestProcess::kBuffer, TestProcess::kPage), Succeeds());
  Answer a;
  EXPECT_THAT(GetInfo(&p, c, 120, &a), Succeeds());
  EXPECT_EQ(a.u32(64), 65534u);
}

// Facts 2.1, columns "type1, unset" and "type1, set".
TEST(Type1ExtensionTest, BeforeAndAfterSetIommu) {
  TestProcess p;
  const int unset = p.Open("/dev/vfio/vfio");
  const int set = p.SetUp();
  const struct {
    uint64_t extension;
    int64_t unset, set;
  } rows[] = {{0, 0, 0}, {1, 1, 1}, {2, 0, 0}, {3, 1, 1}, {4, 0, 0},  {5, 0, 0},
              {6, 0, 0}, {7, 0, 0}, {8, 0, 0}, {9, 1, 1}, {10, 0, 1}, {11, 0, 0}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.extension);
    EXPECT_THAT(p.Ioctl(unset, abi::kVfioCheckExtension, row.extension), SucceedsWith(row.unset));
    EXPECT_THAT(p.Ioctl(set, abi::kVfioCheckExtension, row.extension), SucceedsWith(row.set));
  }
}

}  // namespace
}  // namespace iovalid::compat
