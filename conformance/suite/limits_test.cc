// SPDX-License-Identifier: Apache-2.0
//
// What a process may lock, how many mappings a container has, and memory whose address changes
// (VFIO_DMA_UNMAP_FLAG_VADDR).
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::IsEmpty;

class MemlockBase : public ConformanceTest {
 protected:
  void BeginLimited(Start start, int64_t pages) {
    BeginAt(start);
    kernel.DropCapability("IPC_LOCK");
    kernel.SetMemlock(pages * static_cast<int64_t>(kPage));
  }
  CallResult Map(uint64_t iova, uint64_t pages) {
    return container.MapDma({.iova = iova, .vaddr = kBuffer, .size = pages * kPage});
  }
};
IOVALID_CONFORMANCE_SUITE_OF(Memlock, MemlockBase);
IOVALID_CONFORMANCE_SUITE(EntryLimit);
IOVALID_CONFORMANCE_SUITE(UpdateVaddr);

// vfio_pin_pages_remote and iopt_pages_update_pinned; nothing stays of what was pinned.
TEST_P(Memlock, OnePageTooMany) {
  BeginLimited(Start::kReady, 4);
  EXPECT_THAT(Map(kA, 5), AllOf(FailsWithErrno(ENOMEM), Locks(0), Pins(0)));
  EXPECT_THAT(kernel.Reach(0), IsEmpty());
  EXPECT_THAT(Map(kA, 4), Succeeds());
  EXPECT_THAT(Map(2 * kA, 1), FailsWithErrno(ENOMEM));
}

TEST_P(Memlock, UnmapGivesBack) {
  BeginLimited(Start::kReady, 4);
  EXPECT_THAT(Map(kA, 4), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 4 * kPage}), Succeeds());
  EXPECT_THAT(Map(2 * kA, 4), Succeeds());
}

// Fact 57 where it hurts.
TEST_P(Memlock, TheSameMemoryCountsTwice) {
  BeginLimited(Start::kReady, 4);
  EXPECT_THAT(Map(kA, 3), Succeeds());
  EXPECT_THAT(Map(2 * kA, 3), FailsWithErrno(ENOMEM));
}

TEST_P(Memlock, DoesNotBindWithIpcLock) {
  BeginAt(Start::kReady);
  kernel.SetMemlock(0);
  EXPECT_THAT(Map(kA, 4), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                  On(kCompat, AllOf(Succeeds(), Locks(0), Pins(4)))));
}

// Fact 54: type1 charges as it goes, compat once at the end.
TEST_P(Memlock, AgainstAHoleInMemory) {
  BeginLimited(Start::kReady, 4);
  kernel.Munmap(kBuffer + 5 * kPage, kPage);
  EXPECT_THAT(Map(kA, 8),
              Answers(On(kType1, FailsWithErrno(ENOMEM)), On(kCompat, FailsWithErrno(EFAULT))));
}

// Fact 55.
TEST_P(Memlock, BeforeADevice) {
  BeginLimited(Start::kAttached, 4);
  EXPECT_THAT(Map(kA, 8), Answers(On(kType1, FailsWithErrno(ENOMEM)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(ENOMEM))));
}

TEST_P(Memlock, AgainstOccupied) {
  BeginLimited(Start::kReady, 1);
  EXPECT_THAT(Map(kA, 1), Succeeds());
  EXPECT_THAT(Map(kA, 1), FailsWithErrno(EEXIST));
}

// Facts 46 and 47: dma_entry_limit is 1.
TEST_P(EntryLimit, OneMappingTooMany) {
  BeginAt(Start::kLimited);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = 2 * kA, .vaddr = kBuffer, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(ENOSPC)), On(kCompat, Succeeds())));
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
}

// After the overlap, before the ranges (vfio_dma_do_map).
TEST_P(EntryLimit, InTheOrderOfChecks) {
  BeginAt(Start::kLimited);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}),
              FailsWithErrno(EEXIST));
  EXPECT_THAT(container.MapDma({.iova = kMsiWindow, .vaddr = kBuffer, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(ENOSPC)), On(kCompat, FailsWithErrno(EINVAL))));
  EXPECT_THAT(container.MapDma({.iova = 2 * kA, .vaddr = kHole, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(ENOSPC)), On(kCompat, FailsWithErrno(EFAULT))));
}

constexpr uint32_t kMapVaddr = compat::abi::kVfioDmaMapFlagVaddr;
constexpr uint32_t kUnmapVaddr = compat::abi::kVfioDmaUnmapFlagVaddr;
constexpr uint32_t kUnmapAll = compat::abi::kVfioDmaUnmapFlagAll;

// Fact 42: compat refuses the flags.
ResultMatcher OnType1(const ResultMatcher& expected) {
  return Answers(On(kType1, expected), On(kCompat, FailsWithErrno(EINVAL)));
}

// The mapping stays for the device, and another address takes over.
TEST_P(UpdateVaddr, AwayAndBack) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 2 * kPage, .flags = kUnmapVaddr}),
              OnType1(AllOf(Succeeds(), HasField("size", "0x2000"))));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(Reached{kA, kBuffer, 2 * kPage, kReadWrite}));
  EXPECT_THAT(
      container.MapDma(
          {.iova = kA, .vaddr = kBuffer + 4 * kPage, .size = 2 * kPage, .flags = kMapVaddr}),
      OnType1(Succeeds()));
}

// The second call undoes what it did itself.
TEST_P(UpdateVaddr, TakenAwayTwice) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = 2 * kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = 2 * kA, .size = kPage, .flags = kUnmapVaddr}),
              OnType1(Succeeds()));
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapVaddr | kUnmapAll}), FailsWithErrno(EINVAL));
  // The first one still has its address.
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = kMapVaddr}),
              FailsWithErrno(EINVAL));
}

TEST_P(UpdateVaddr, All) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = 2 * kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapVaddr | kUnmapAll}),
              OnType1(AllOf(Succeeds(), HasField("size", "0x2000"))));
}

TEST_P(UpdateVaddr, PartOfAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage, .flags = kUnmapVaddr}),
              FailsWithErrno(EINVAL));
}

// Another size, no mapping, one that has its address, and rights beside the flag.
TEST_P(UpdateVaddr, GivenWrongly) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = kMapVaddr}),
              OnType1(FailsWithErrno(ENOENT)));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(
      container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage, .flags = kMapVaddr}),
      FailsWithErrno(EINVAL));
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapVaddr | kUnmapAll}), OnType1(Succeeds()));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = kMapVaddr}),
              FailsWithErrno(EINVAL));
  EXPECT_THAT(
      container.MapDma(
          {.iova = kA, .vaddr = kBuffer, .size = 2 * kPage, .flags = kMapVaddr | kReadWrite}),
      FailsWithErrno(EINVAL));
}

// vfio_iommu_type1_attach_group (fact 77).
TEST_P(UpdateVaddr, NoGroupJoinsMeanwhile) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapVaddr | kUnmapAll}), OnType1(Succeeds()));
  EXPECT_THAT(second_group.SetContainer(container),
              Answers(On(kType1, FailsWithErrno(EBUSY)), On(kCompat, Succeeds())));
}

TEST_P(UpdateVaddr, OtherMappingsGoOn) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapVaddr | kUnmapAll}), OnType1(Succeeds()));
  EXPECT_THAT(container.MapDma({.iova = 2 * kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.flags = kUnmapAll}),
              AllOf(Succeeds(), HasField("size", "0x2000")));
}

}  // namespace
}  // namespace iovalid::conformance::suite
