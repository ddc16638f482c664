// SPDX-License-Identifier: Apache-2.0
//
// VFIO_IOMMU_UNMAP_DMA of a container of type 3 (v2): vfio_dma_do_unmap of type1,
// iommufd_vfio_unmap_dma of compat. The size field is an output.
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::IsEmpty;

IOVALID_CONFORMANCE_SUITE(UnmapDma);

constexpr uint32_t kAll = compat::abi::kVfioDmaUnmapFlagAll;
constexpr uint32_t kDirty = compat::abi::kVfioDmaUnmapFlagGetDirtyBitmap;

TEST_P(UnmapDma, WholeMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 4 * kPage}),
              AllOf(Succeeds(), HasField("size", "0x4000"), Locks(0), Pins(0)));
  EXPECT_THAT(kernel.Reach(0), IsEmpty());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 4 * kPage}),
              AllOf(Succeeds(), HasField("size", "0x0")));
}

TEST_P(UnmapDma, BadPointer) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_UNMAP_DMA"), FailsWithErrno(EFAULT));
}

TEST_P(UnmapDma, ArgszMayBeLargerAndNotSmaller) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage, .argsz = 23}), FailsWithErrno(EINVAL));
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage, .argsz = 4096}), Succeeds());
}

TEST_P(UnmapDma, UnknownFlag) {
  BeginAt(Start::kReady);
  for (const uint32_t flag : {8u, 0x80000000u}) {
    EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage, .flags = flag}),
                AllOf(FailsWithErrno(EINVAL), HasField("size", "0x1000")));
  }
}

TEST_P(UnmapDma, BeforeSetIommu) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENODEV))));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage}),
              Answers(On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x1000"))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x0")))));
}

TEST_P(UnmapDma, SizeZero) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 0}), FailsWithErrno(EINVAL));
}

// type1 of 7.3 has the errno that iommufd always had; only compat writes the size.
TEST_P(UnmapDma, PassesTheTop) {
  BeginAt(Start::kReady);
  EXPECT_THAT(
      container.UnmapDma({.iova = kTopPage, .size = 2 * kPage}),
      Answers(On(kType1.Since("7.3"), AllOf(FailsWithErrno(EOVERFLOW), HasField("size", "0x2000"))),
              On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x2000"))),
              On(kCompat, AllOf(FailsWithErrno(EOVERFLOW), HasField("size", "0x0")))));
}

TEST_P(UnmapDma, NothingThere) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 16 * kPage}),
              AllOf(Succeeds(), HasField("size", "0x0")));
}

TEST_P(UnmapDma, SeveralMappingsAndHoles) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA + kPage, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA + 4 * kPage, .vaddr = kBuffer, .size = 2 * kPage}),
              Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 16 * kPage}),
              AllOf(Succeeds(), HasField("size", "0x3000")));
  EXPECT_THAT(kernel.Reach(0), IsEmpty());
}

// Facts 1 and 3: another errno, and compat writes what it removed.
TEST_P(UnmapDma, StartBisectsAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA + 2 * kPage, .size = 2 * kPage}),
              Answers(On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x2000"))),
                      On(kCompat, AllOf(FailsWithErrno(ENOENT), HasField("size", "0x0")))));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(Reached{kA, kBuffer, 4 * kPage, kReadWrite}));
}

// Fact 2: type1 looks at both ends first; iopt_unmap_iova_range goes on to the area that it cannot
// take, and what came before stays removed.
TEST_P(UnmapDma, EndBisectsAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(
      container.MapDma({.iova = kA + 2 * kPage, .vaddr = kBuffer + 4 * kPage, .size = 4 * kPage}),
      Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 4 * kPage}),
              Answers(On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x4000"))),
                      On(kCompat, AllOf(FailsWithErrno(ENOENT), HasField("size", "0x2000")))));
  const Reached first{kA, kBuffer, 2 * kPage, kReadWrite};
  const Reached second{kA + 2 * kPage, kBuffer + 4 * kPage, 4 * kPage, kReadWrite};
  if (kernel.side().mode == Mode::kType1) {
    EXPECT_THAT(kernel.Reach(0), ElementsAre(first, second));
  } else {
    EXPECT_THAT(kernel.Reach(0), ElementsAre(second));
  }
}

TEST_P(UnmapDma, MiddleOfAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA + kPage, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENOENT))));
}

// iopt_unmap_iova checks no alignment (fact 10).
TEST_P(UnmapDma, UnalignedOfNothing) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = kA + 0x800, .size = kPage}),
              Answers(On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x1000"))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x0")))));
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 0x801}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

TEST_P(UnmapDma, UnalignedAroundAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA - 0x800, .size = 2 * kPage}),
              Answers(On(kType1, AllOf(FailsWithErrno(EINVAL), HasField("size", "0x2000"))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000")))));
}

TEST_P(UnmapDma, UnalignedInsideAMapping) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 0x800}),
              Answers(On(kType1, FailsWithErrno(EINVAL)),
                      On(kCompat, AllOf(FailsWithErrno(ENOENT), HasField("size", "0x0")))));
}

// All but the last byte of 64 bits (fact 11).
TEST_P(UnmapDma, AlmostEverything) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = 0, .size = ~uint64_t{0}}),
              Answers(On(kType1, FailsWithErrno(EINVAL)),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000")))));
}

TEST_P(UnmapDma, All) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.flags = kAll}), AllOf(Succeeds(), HasField("size", "0x0")));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kApertureLastPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
  EXPECT_THAT(container.UnmapDma({.flags = kAll}),
              AllOf(Succeeds(), HasField("size", "0x2000"), Locks(0), Pins(0)));
  EXPECT_THAT(kernel.Reach(0), IsEmpty());
}

// Neither writes the size here.
TEST_P(UnmapDma, AllWithARange) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = 0, .size = kPage, .flags = kAll}),
              AllOf(FailsWithErrno(EINVAL), HasField("size", "0x1000")));
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 0, .flags = kAll}), FailsWithErrno(EINVAL));
}

// Compat has no dirty bitmaps (fact 43); type1 needs the larger struct, alone.
TEST_P(UnmapDma, BitmapWithoutTracking) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage, .flags = kDirty}),
              FailsWithErrno(EINVAL));
  EXPECT_THAT(container.UnmapDmaDirty({.iova = kA, .size = kPage, .flags = kDirty}),
              FailsWithErrno(EINVAL));
  EXPECT_THAT(container.UnmapDmaDirty({.flags = kDirty | kAll}), FailsWithErrno(EINVAL));
}

}  // namespace
}  // namespace iovalid::conformance::suite
