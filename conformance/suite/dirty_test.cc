// SPDX-License-Identifier: Apache-2.0
//
// VFIO_IOMMU_DIRTY_PAGES: vfio_iommu_type1_dirty_pages. Compat has none, and says so before it
// looks at the argument (iommufd_vfio_ioctl).
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;

constexpr uint32_t kStart = compat::abi::kVfioIommuDirtyPagesFlagStart;
constexpr uint32_t kStop = compat::abi::kVfioIommuDirtyPagesFlagStop;
constexpr uint32_t kGet = compat::abi::kVfioIommuDirtyPagesFlagGetBitmap;
constexpr uint32_t kUnmapDirty = compat::abi::kVfioDmaUnmapFlagGetDirtyBitmap;

class DirtyBase : public ConformanceTest {
 protected:
  // Four pages at kA, device open, tracking started where there is tracking.
  void BeginTracking() {
    BeginAt(Start::kReady);
    EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
    EXPECT_THAT(container.DirtyPages(kStart), OnType1(Succeeds()));
  }
  static ResultMatcher OnType1(const ResultMatcher& expected) {
    return Answers(On(kType1, expected), On(kCompat, FailsWithErrno(ENOTTY)));
  }
};
IOVALID_CONFORMANCE_SUITE_OF(DirtyPages, DirtyBase);

// A v1 container has no dirty tracking, whatever the pointer.
TEST_P(DirtyPages, OfV1) {
  BeginAt(Start::kReady, kV1);
  EXPECT_THAT(container.DirtyPages(kStart), OnType1(FailsWithErrno(EACCES)));
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_DIRTY_PAGES"),
              OnType1(FailsWithErrno(EACCES)));
}

TEST_P(DirtyPages, BeforeSetIommu) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.DirtyPages(kStart), OnType1(FailsWithErrno(EINVAL)));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.DirtyPages(kStart), OnType1(FailsWithErrno(EINVAL)));
}

TEST_P(DirtyPages, BadPointer) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_DIRTY_PAGES"),
              OnType1(FailsWithErrno(EFAULT)));
}

TEST_P(DirtyPages, ArgszAndFlags) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.DirtyPages(kStart, 7), OnType1(FailsWithErrno(EINVAL)));
  EXPECT_THAT(container.DirtyPages(8), OnType1(FailsWithErrno(EINVAL)));
  EXPECT_THAT(container.DirtyPages(kStart | kStop), OnType1(FailsWithErrno(EINVAL)));
}

TEST_P(DirtyPages, StartAndStopMayBeRepeated) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.DirtyPages(kStop), OnType1(Succeeds()));
  EXPECT_THAT(container.DirtyPages(kStart), OnType1(Succeeds()));
  EXPECT_THAT(container.DirtyPages(kStart), OnType1(Succeeds()));
  EXPECT_THAT(container.DirtyPages(kStop), OnType1(Succeeds()));
  EXPECT_THAT(container.DirtyPages(kStop), OnType1(Succeeds()));
}

TEST_P(DirtyPages, GetWithoutTracking) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kA, .size = kPage}),
              OnType1(FailsWithErrno(EINVAL)));
}

// The IOMMU cannot tell, and the device's driver pins nothing by itself: everything is dirty, every
// time (vfio_iommu->num_non_pinned_groups).
TEST_P(DirtyPages, GetSaysAllPagesAreDirty) {
  BeginTracking();
  for (int times = 0; times < 2; ++times) {
    EXPECT_THAT(container.GetDirtyBitmap({.iova = kA, .size = 4 * kPage}),
                OnType1(AllOf(Succeeds(), HasDirtyBits(0xf))));
  }
}

TEST_P(DirtyPages, GetPassesOverHoles) {
  BeginTracking();
  EXPECT_THAT(container.MapDma({.iova = kA + 6 * kPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kA, .size = 8 * kPage}),
              OnType1(AllOf(Succeeds(), HasDirtyBits(0x4f))));
}

TEST_P(DirtyPages, GetOfPartOfAMapping) {
  BeginTracking();
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kA, .size = 2 * kPage}),
              OnType1(FailsWithErrno(EINVAL)));
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kA + kPage, .size = 3 * kPage}),
              OnType1(FailsWithErrno(EINVAL)));
}

TEST_P(DirtyPages, GetChecksItsArguments) {
  BeginTracking();
  for (const BitmapArgs& bitmap :
       {BitmapArgs{.iova = kA, .size = 4 * kPage, .argsz = 47}, BitmapArgs{.iova = kA, .size = 0},
        BitmapArgs{.iova = kA, .size = 4 * kPage, .page_size = 2 * kPage},
        BitmapArgs{.iova = kA, .size = 4 * kPage, .bitmap_bytes = 0},
        BitmapArgs{.iova = kA + 0x800, .size = 4 * kPage}, BitmapArgs{.iova = kA, .size = 0x800},
        BitmapArgs{.iova = kA, .size = 4 * kPage, .flags = kGet | kStart}}) {
    EXPECT_THAT(container.GetDirtyBitmap(bitmap), OnType1(FailsWithErrno(EINVAL)));
  }
}

TEST_P(DirtyPages, GetIntoNoMemory) {
  BeginTracking();
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kA, .size = 4 * kPage, .data = kHole}),
              OnType1(FailsWithErrno(EFAULT)));
}

TEST_P(DirtyPages, GetPassesTheTop) {
  BeginTracking();
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kTopPage, .size = 2 * kPage}),
              Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENOTTY))));
}

// Earlier kernels add up to an exclusive end, which is 0 here.
TEST_P(DirtyPages, GetOfTheLastPageOf64Bits) {
  BeginTracking();
  EXPECT_THAT(container.GetDirtyBitmap({.iova = kTopPage, .size = kPage}),
              Answers(On(kType1.Since("7.3"), Succeeds()), On(kType1, FailsWithErrno(EINVAL)),
                      On(kCompat, FailsWithErrno(ENOTTY))));
}

TEST_P(DirtyPages, UnmapReturnsTheBitmap) {
  BeginTracking();
  EXPECT_THAT(container.UnmapDmaDirty({.iova = kA, .size = 4 * kPage, .flags = kUnmapDirty}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x4000"), HasDirtyBits(0xf))),
                      On(kCompat, FailsWithErrno(EINVAL))));
}

TEST_P(DirtyPages, UnmapChecksTheBitmap) {
  BeginTracking();
  for (const BitmapArgs& bitmap :
       {BitmapArgs{.iova = kA, .size = 4 * kPage, .argsz = 47, .flags = kUnmapDirty},
        BitmapArgs{.iova = kA, .size = 4 * kPage, .bitmap_bytes = 0, .flags = kUnmapDirty},
        BitmapArgs{.iova = kA, .size = 4 * kPage, .page_size = 2 * kPage, .flags = kUnmapDirty}}) {
    EXPECT_THAT(container.UnmapDmaDirty(bitmap), FailsWithErrno(EINVAL));
  }
}

}  // namespace
}  // namespace iovalid::conformance::suite
