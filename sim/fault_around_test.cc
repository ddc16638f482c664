// SPDX-License-Identifier: Apache-2.0
// What a read fault maps besides the page it is for: do_fault_around of mm/memory.c.
#include <gtest/gtest.h>

#include <string>

#include "sim/memory_fixture.h"

namespace iovalid::sim {
namespace {

constexpr uint64_t kAddr = 0x100000000;

// Pages of the object, and of the mapping from kAddr + offset on: 'x' present, '.' not.
std::string Present(const MemoryFixture& m, uint64_t addr, unsigned pages) {
  std::string text;
  for (unsigned i = 0; i < pages; ++i) {
    PageId page;
    text += m.memory.mm(0).PresentPage(addr + i * kPageSize, &page) ? 'x' : '.';
  }
  return text;
}

struct FaultAround : ::testing::Test {
  void Cache(uint64_t first, uint64_t pages) {
    std::vector<PageRun> pinned;
    ASSERT_EQ(m.mm().PinFile(object, first, pages, &pinned).error, Errno::kOk);
  }
  MemoryFixture m;
  ObjectId object = m.memory.CreateObject(ObjectKind::kShmem, 64 * kPageSize);
};

TEST_F(FaultAround, MapsWhatIsCachedInTheWindow) {
  Cache(1, 3);
  Cache(14, 6);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 32, object)), Errno::kOk);
  m.mm().Touch(kAddr + 5 * kPageSize, 1, false);
  EXPECT_EQ(Present(m, kAddr, 20), ".xxx.x........xx....");
}

TEST_F(FaultAround, NotForAWrite) {
  Cache(0, 16);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 32, object)), Errno::kOk);
  m.mm().Touch(kAddr + 5 * kPageSize, 1, true);
  EXPECT_EQ(Present(m, kAddr, 16), ".....x..........");
}

// The window starts with the mapping where that starts in it, and is as long as ever.
TEST_F(FaultAround, WindowIsCutAtTheStartOfTheMapping) {
  Cache(0, 40);
  const uint64_t start = kAddr + 3 * kPageSize;
  ASSERT_EQ(m.Map(MemoryFixture::Shared(start, 30, object)), Errno::kOk);
  m.mm().Touch(start + kPageSize, 1, false);
  EXPECT_EQ(Present(m, start, 20), "xxxxxxxxxxxxxxxx....");
}

TEST_F(FaultAround, PinForReadingIsARead) {
  Cache(0, 16);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 8, object)), Errno::kOk);
  EXPECT_EQ(m.Pin(kAddr + 7 * kPageSize, 1, false).pages, 1u);
  EXPECT_EQ(Present(m, kAddr, 9), "xxxxxxxx.");
}

// What the file has lost and got again is not cached.
TEST_F(FaultAround, ShrinkingForgets) {
  Cache(0, 16);
  ASSERT_EQ(m.memory.Resize(object, 4 * kPageSize), Errno::kOk);
  ASSERT_EQ(m.memory.Resize(object, 16 * kPageSize), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 16, object)), Errno::kOk);
  m.mm().Touch(kAddr + 8 * kPageSize, 1, false);
  EXPECT_EQ(Present(m, kAddr, 16), "xxxx....x.......");
}

// A page that another mapping reached is cached, too.
TEST_F(FaultAround, AnyFaultCaches) {
  ASSERT_EQ(m.Map(MemoryFixture::Shared(kAddr, 16, object)), Errno::kOk);
  ASSERT_EQ(m.Map(MemoryFixture::Private(2 * kAddr, 16, object)), Errno::kOk);
  m.mm().Touch(kAddr + 2 * kPageSize, 1, true);
  m.mm().Touch(2 * kAddr, 1, false);
  EXPECT_EQ(Present(m, 2 * kAddr, 4), "x.x.");
}

}  // namespace
}  // namespace iovalid::sim
