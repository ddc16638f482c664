// SPDX-License-Identifier: Apache-2.0
// Dirty tracking through type1. Expected values: recordings "edges", sequences dirty-*; facts 2.5.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compat/errno_matcher.h"
#include "compat/test_process.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr uint64_t kPage = TestProcess::kPage;
constexpr uint64_t kBuffer = TestProcess::kBuffer;

struct DirtyGet {
  abi::VfioIommuType1DirtyBitmap head;
  abi::VfioIommuType1DirtyBitmapGet get;
};

Outcome Control(TestProcess* p, int container, uint32_t flags) {
  abi::VfioIommuType1DirtyBitmap dirty = {.argsz = sizeof(dirty), .flags = flags};
  return p->Ioctl(container, abi::kVfioIommuDirtyPages, &dirty);
}

// GET of [iova, iova+size) into two words at kScratch, which hold `before` first.
Outcome Get(TestProcess* p, int container, uint64_t iova, uint64_t size, uint64_t words[2],
            uint64_t page = kPage, uint64_t bytes = 16) {
  p->mm().Poke(TestProcess::kScratch, words, 16);
  DirtyGet dirty = {{.argsz = sizeof(dirty), .flags = abi::kVfioIommuDirtyPagesFlagGetBitmap},
                    {.iova = iova,
                     .size = size,
                     .bitmap = {.pgsize = page, .size = bytes, .data = TestProcess::kScratch}}};
  Outcome outcome = p->Ioctl(container, abi::kVfioIommuDirtyPages, &dirty);
  p->mm().Peek(TestProcess::kScratch, words, 16);
  return outcome;
}

TEST(Type1DirtyTest, V1HasNone) {
  TestProcess p;
  const int c = p.SetUp(abi::kVfioType1Iommu);
  EXPECT_THAT(p.Ioctl(c, abi::kVfioIommuDirtyPages, 0x10),
              FailsBy(Errno::kACCES, "type1.dirty.v1"));
}

TEST(Type1DirtyTest, ExactlyOneFlag) {
  TestProcess p;
  const int c = p.SetUp();
  for (uint32_t flags : {0u, 3u, 5u, 7u, 8u, 9u}) {
    EXPECT_THAT(Control(&p, c, flags), FailsBy(Errno::kINVAL, "type1.dirty.flags")) << flags;
  }
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  EXPECT_THAT(Control(&p, c, 2), Succeeds());
  EXPECT_THAT(Control(&p, c, 2), Succeeds());
}

// A group that never used page pinning may have written anything: all pages are dirty, every time.
TEST(Type1DirtyTest, EveryMappedPageIsDirtyEveryTime) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 4 * kPage), Succeeds());
  uint64_t words[2] = {};
  EXPECT_THAT(Get(&p, c, 0x10000, 4 * kPage, words), FailsBy(Errno::kINVAL, "type1.dirty.get.off"));
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  for (int i = 0; i < 2; ++i) {
    words[0] = words[1] = 0;
    EXPECT_THAT(Get(&p, c, 0x10000, 4 * kPage, words), Succeeds());
    EXPECT_EQ(words[0], 0xfu);
    EXPECT_EQ(words[1], 0u);
  }
}

// A mapping that does not start at a word of the bitmap is ORed into what the user had there.
TEST(Type1DirtyTest, LeadingWordIsKept) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0x12000, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  uint64_t words[2] = {0xf000000000000001, ~uint64_t{0}};
  EXPECT_THAT(Get(&p, c, 0x10000, 16 * kPage, words), Succeeds());
  EXPECT_EQ(words[0], 0xf00000000000000du);
  EXPECT_EQ(words[1], ~uint64_t{0});  // beyond what the mapping needs
}

TEST(Type1DirtyTest, GetArguments) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 4 * kPage), Succeeds());
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  uint64_t words[2] = {};
  EXPECT_THAT(Get(&p, c, 0x10000, 0, words), FailsBy(Errno::kINVAL, "type1.dirty.get.size"));
  EXPECT_THAT(Get(&p, c, 0x10000, 3 * kPage, words),
              FailsBy(Errno::kINVAL, "type1.dirty.get.bisect"));
  EXPECT_THAT(Get(&p, c, 0x11000, 3 * kPage, words),
              FailsBy(Errno::kINVAL, "type1.dirty.get.bisect"));
  EXPECT_THAT(Get(&p, c, 0x10000, 4 * kPage, words, 8192),
              FailsBy(Errno::kINVAL, "type1.dirty.get.aligned"));
  EXPECT_THAT(Get(&p, c, 0x10000, 65 * kPage, words, kPage, 8),
              FailsBy(Errno::kINVAL, "type1.dirty.bitmap_size"));
  EXPECT_THAT(Get(&p, c, ~uint64_t{0} - 0xfff, 2 * kPage, words),
              FailsBy(Errno::kOVERFLOW, "type1.dirty.get.wrap"));
}

// 7.3 alone can ask for the last page of the 64-bit space.
TEST(Type1DirtyTest, LastPage) {
  for (const char* kernel : {"6.1", "6.12", "7.3"}) {
    SCOPED_TRACE(kernel);
    TestProcess p(GoldenMachine(kernel));
    const int c = p.SetUp();
    EXPECT_THAT(Control(&p, c, 1), Succeeds());
    uint64_t words[2] = {};
    const Outcome outcome = Get(&p, c, ~uint64_t{0} - 0xfff, kPage, words);
    if (std::string(kernel) == "7.3") {
      EXPECT_THAT(outcome, Succeeds());
    } else {
      EXPECT_THAT(outcome, FailsBy(Errno::kINVAL, "type1.dirty.get.wrap"));
    }
  }
}

TEST(Type1DirtyTest, UnmapReportsAndRemoves) {
  TestProcess p;
  const int c = p.SetUp();
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 4 * kPage), Succeeds());
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  const uint64_t zero[2] = {};
  p.mm().Poke(TestProcess::kScratch, zero, 16);
  struct {
    abi::VfioIommuType1DmaUnmap unmap;
    abi::VfioBitmap bitmap;
  } arg = {{.argsz = 48,
            .flags = abi::kVfioDmaUnmapFlagGetDirtyBitmap,
            .iova = 0x10000,
            .size = 4 * kPage},
           {.pgsize = kPage, .size = 8, .data = TestProcess::kScratch}};
  EXPECT_THAT(p.Ioctl(c, abi::kVfioIommuUnmapDma, &arg), Succeeds());
  uint64_t word = 0;
  p.mm().Peek(TestProcess::kScratch, &word, 8);
  EXPECT_EQ(word, 0xfu);
  EXPECT_EQ(arg.unmap.size, 4 * kPage);
  EXPECT_EQ(p.locked_pages(), 0u);
}

// A group without tracking that leaves may have written everything until then.
TEST(Type1DirtyTest, LeavingGroupMarksAllDirtyOnce) {
  TestProcess p;
  const int c = p.SetUp();
  const int g1 = p.OpenGroup(1);
  EXPECT_THAT(p.SetContainer(g1, c), Succeeds());
  EXPECT_THAT(p.Map(c, 0x10000, kBuffer, 2 * kPage), Succeeds());
  EXPECT_THAT(Control(&p, c, 1), Succeeds());
  const sim::Digest before = p.system().IdentityDigest();
  EXPECT_THAT(p.Ioctl(g1, abi::kVfioGroupUnsetContainer, 0), Succeeds());
  EXPECT_NE(p.system().IdentityDigest(), before);
  EXPECT_EQ(p.system().Snapshot().dirty.size(), 2u);
}

}  // namespace
}  // namespace iovalid::compat
