// SPDX-License-Identifier: Apache-2.0
#include "sim/memory_object.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace iovalid::sim {
namespace {

PageId PageAt(const MemoryObjects& objects, ObjectId id, uint64_t index) {
  uint64_t run = 0;
  return objects.Page(id, index, &run);
}

TEST(FrameAllocatorTest, KeepsTheAlignmentAskedFor) {
  FrameAllocator frames;
  for (uint64_t alignment : {uint64_t{0}, uint64_t{1}, uint64_t{511}, uint64_t{0x7ffff}}) {
    const PageId first = frames.Allocate(3, alignment);
    EXPECT_EQ(first % kHugePages, alignment % kHugePages);
    EXPECT_TRUE(frames.Known(first + 2));
    EXPECT_FALSE(frames.Known(first + 3));
  }
  EXPECT_FALSE(frames.Known(kFirstRamPage - 1));
}

TEST(FrameAllocatorTest, EndsWhereDeviceMemoryBegins) {
  FrameAllocator frames;
  EXPECT_EQ(frames.Allocate(kEndRamPage, 0), 0u);
  const uint64_t all = kEndRamPage - kFirstRamPage;
  EXPECT_EQ(frames.Allocate(all, 0), kFirstRamPage);
  EXPECT_EQ(frames.Allocate(1, 0), 0u);
}

TEST(MemoryObjectTest, PagesAreConsecutiveAndRoundedUp) {
  FrameAllocator frames;
  MemoryObjects objects;
  const ObjectId id = objects.Create(ObjectKind::kShmem, 3 * kPageSize + 1, &frames);
  EXPECT_EQ(objects.pages(id), 4u);
  EXPECT_EQ(objects.size(id), 3 * kPageSize + 1);
  uint64_t run = 0;
  const PageId first = objects.Page(id, 0, &run);
  EXPECT_EQ(run, 4u);
  EXPECT_EQ(first % kHugePages, 0u);
  EXPECT_EQ(objects.Page(id, 3, &run), first + 3);
  EXPECT_EQ(run, 1u);
}

TEST(MemoryObjectTest, HugePagesAreWhole) {
  FrameAllocator frames;
  MemoryObjects objects;
  const ObjectId id = objects.Create(ObjectKind::kHugetlb, 1, &frames);
  EXPECT_EQ(objects.pages(id), 512u);
}

TEST(MemoryObjectTest, LostPagesNeverComeBack) {
  FrameAllocator frames;
  MemoryObjects objects;
  const ObjectId id = objects.Create(ObjectKind::kShmem, 8 * kPageSize, &frames);
  std::set<PageId> before;
  for (uint64_t i = 0; i < 8; ++i) before.insert(PageAt(objects, id, i));
  const PageId kept = PageAt(objects, id, 2);
  ASSERT_TRUE(objects.Resize(id, 3 * kPageSize, &frames));
  ASSERT_TRUE(objects.Resize(id, 8 * kPageSize, &frames));
  EXPECT_EQ(PageAt(objects, id, 2), kept);
  for (uint64_t i = 3; i < 8; ++i) {
    EXPECT_EQ(before.count(PageAt(objects, id, i)), 0u) << i;
    EXPECT_EQ(PageAt(objects, id, i) % kHugePages, i);
  }
}

TEST(MemoryObjectTest, ShrinkingInsideAPageKeepsIt) {
  FrameAllocator frames;
  MemoryObjects objects;
  const ObjectId id = objects.Create(ObjectKind::kShmem, 4 * kPageSize, &frames);
  const PageId page = PageAt(objects, id, 1);
  ASSERT_TRUE(objects.Resize(id, kPageSize + 1, &frames));
  EXPECT_EQ(objects.pages(id), 2u);
  EXPECT_EQ(PageAt(objects, id, 1), page);
}

TEST(MemoryObjectTest, TooLargeChangesNothing) {
  FrameAllocator frames;
  MemoryObjects objects;
  EXPECT_EQ(objects.Create(ObjectKind::kShmem, ~uint64_t{0}, &frames), kNoObject);
  EXPECT_FALSE(objects.Has(0));
  const ObjectId id = objects.Create(ObjectKind::kShmem, kPageSize, &frames);
  EXPECT_FALSE(objects.Resize(id, uint64_t{1} << 62, &frames));
  EXPECT_EQ(objects.pages(id), 1u);
}

}  // namespace
}  // namespace iovalid::sim
