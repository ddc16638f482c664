// SPDX-License-Identifier: Apache-2.0
// GET_INFO byte by byte, for every size of the caller's struct.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kArg = TestProcess::kArg;

struct Info {
  Outcome outcome;
  std::vector<uint8_t> bytes;  // the argument page, 0xAA where nothing was written
  template <typename T>
  T At(size_t offset) const {
    T value;
    std::memcpy(&value, &bytes[offset], sizeof(value));
    return value;
  }
  // Whether [from, to) is as it was.
  bool Untouched(size_t from, size_t to) const {
    for (size_t i = from; i < to; ++i) {
      if (bytes[i] != 0xAA) return false;
    }
    return true;
  }
};

Info GetInfo(TestProcess& p, int container, uint32_t argsz, uint64_t at = kArg) {
  Info info;
  info.bytes.assign(sim::kPageSize, 0xAA);
  p.mm().Poke(kArg, info.bytes.data(), info.bytes.size());
  p.mm().Poke(at, &argsz, sizeof(argsz));
  info.outcome = p.Ioctl(container, abi::kVfioIommuGetInfo, at);
  p.mm().Peek(kArg, info.bytes.data(), info.bytes.size());
  return info;
}

TEST(VfioGetInfoTest, UnattachedHasOneRange) {
  TestProcess p;
  const int c = p.SetUp(3, "/dev/iommu");
  const Info info = GetInfo(p, c, 4096);
  ASSERT_TRUE(info.outcome.ok());
  EXPECT_EQ(info.At<uint32_t>(0), 72u);
  EXPECT_EQ(info.At<uint32_t>(4), 3u);
  EXPECT_EQ(info.At<uint64_t>(8), ~uint64_t{0xfff});
  EXPECT_EQ(info.At<uint32_t>(16), 24u);
  // DMA_AVAIL, then a gap of 4 bytes that is not written.
  EXPECT_EQ(info.At<uint32_t>(24), 0x00010003u);
  EXPECT_EQ(info.At<uint32_t>(28), 40u);
  EXPECT_EQ(info.At<uint32_t>(32), ~uint32_t{0});
  EXPECT_TRUE(info.Untouched(36, 40));
  EXPECT_EQ(info.At<uint32_t>(40), 0x00010001u);
  EXPECT_EQ(info.At<uint32_t>(44), 0u);
  EXPECT_EQ(info.At<uint32_t>(48), 1u);
  EXPECT_EQ(info.At<uint64_t>(56), 0u);
  EXPECT_EQ(info.At<uint64_t>(64), ~uint64_t{0});
  EXPECT_TRUE(info.Untouched(72, 4096));
}

TEST(VfioGetInfoTest, AttachedShowsApertureAndWindow) {
  TestProcess p;
  const int c = p.SetUp(3, "/dev/iommu");
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  const Info info = GetInfo(p, c, 88);
  ASSERT_TRUE(info.outcome.ok());
  EXPECT_EQ(info.At<uint32_t>(0), 88u);
  EXPECT_EQ(info.At<uint64_t>(8), 0x40201000u);
  EXPECT_EQ(info.At<uint32_t>(48), 2u);
  EXPECT_EQ(info.At<uint64_t>(64), 0xfedfffffu);
  EXPECT_EQ(info.At<uint64_t>(72), 0xfef00000u);
  EXPECT_EQ(info.At<uint64_t>(80), 0x7fffffffffu);
}

TEST(VfioGetInfoTest, WhatFitsIsWrittenEvenIfTheChainDoesNot) {
  TestProcess p;
  const int c = p.SetUp(3, "/dev/iommu");
  ASSERT_TRUE(p.GetDeviceFd(p.group(), 0).ok());
  for (uint32_t argsz = 0; argsz <= 96; ++argsz) {
    const Info info = GetInfo(p, c, argsz);
    if (argsz < 16) {
      EXPECT_EQ(info.outcome.err, Errno::kINVAL) << argsz;
      continue;
    }
    ASSERT_TRUE(info.outcome.ok()) << argsz;
    EXPECT_EQ(info.At<uint32_t>(0), 88u) << argsz;
    const size_t head = std::min<uint32_t>(argsz, 24);
    EXPECT_TRUE(info.Untouched(head, 24)) << argsz;
    if (argsz >= 20) {
      EXPECT_EQ(info.At<uint32_t>(16), argsz >= 88 ? 24u : 0u) << argsz;
    }
    const bool dma_avail = argsz >= 36;
    EXPECT_EQ(info.Untouched(24, 28), !dma_avail) << argsz;
    EXPECT_EQ(info.Untouched(32, 36), !dma_avail) << argsz;
    // The link to the next capability is written as soon as that starts within argsz.
    EXPECT_EQ(info.Untouched(28, 32), argsz < 36) << argsz;
    if (argsz >= 36) {
      EXPECT_EQ(info.At<uint32_t>(28), argsz >= 40 ? 40u : 0u) << argsz;
    }
    // Ranges are written one by one, their header only behind all of them.
    EXPECT_EQ(info.Untouched(56, 72), argsz < 72) << argsz;
    EXPECT_EQ(info.Untouched(72, 88), argsz < 88) << argsz;
    EXPECT_EQ(info.Untouched(40, 56), argsz < 88) << argsz;
  }
}

TEST(VfioGetInfoTest, Faults) {
  TestProcess p;
  const int c = p.SetUp(3, "/dev/iommu");
  EXPECT_EQ(p.Ioctl(c, abi::kVfioIommuGetInfo, 0).err, Errno::kFAULT);
  // 16 bytes at the end of the page: read, and the answer of 16 bytes fits; capabilities do not.
  const uint64_t end = kArg + sim::kPageSize - 16;
  EXPECT_TRUE(GetInfo(p, c, 16, end).outcome.ok());
  EXPECT_EQ(GetInfo(p, c, 24, end).outcome.err, Errno::kFAULT);
  EXPECT_EQ(GetInfo(p, c, 100, end).outcome.err, Errno::kFAULT);
}

}  // namespace
}  // namespace iovalid::compat
