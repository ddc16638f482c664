// SPDX-License-Identifier: Apache-2.0
//
// VFIO_IOMMU_MAP_DMA: vfio_iommu_type1_map_dma and vfio_dma_do_map of type1, iommufd_vfio_map_dma
// of compat, their checks in order.
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::IsEmpty;

IOVALID_CONFORMANCE_SUITE(MapDma);

// A plain mapping is charged to VmLck by type1 and to VmPin by compat (pfn_reader_update_pinned).
TEST_P(MapDma, IsReachedAndCharged) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}),
              Answers(On(kType1, AllOf(Succeeds(), Locks(4), Pins(0))),
                      On(kCompat, AllOf(Succeeds(), Locks(0), Pins(4)))));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(Reached{kA, kBuffer, 4 * kPage, kReadWrite}));
}

TEST_P(MapDma, ReadOnlyIsReachedForReading) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = kRead}),
              Succeeds());
  EXPECT_THAT(kernel.Reach(0), ElementsAre(Reached{kA, kBuffer, kPage, kRead}));
}

// vfio_fops_unl_ioctl of a container without a backend; compat maps as soon as there is an IOAS.
TEST_P(MapDma, BeforeSetIommu) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

// get_compat_ioas; errors of the argument come before it.
TEST_P(MapDma, WithoutGroup) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENODEV))));
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_MAP_DMA"),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EFAULT))));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .argsz = 31}),
              FailsWithErrno(EINVAL));
}

TEST_P(MapDma, BadPointer) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_MAP_DMA"), FailsWithErrno(EFAULT));
}

TEST_P(MapDma, ArgszMayBeLargerAndNotSmaller) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .argsz = 31}),
              FailsWithErrno(EINVAL));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .argsz = 4096}),
              Succeeds());
}

TEST_P(MapDma, UnknownFlag) {
  BeginAt(Start::kReady);
  for (const uint32_t flag : {8u, 0x80000000u}) {
    EXPECT_THAT(
        container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = kReadWrite | flag}),
        FailsWithErrno(EINVAL));
  }
}

TEST_P(MapDma, SizeZero) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 0}), FailsWithErrno(EINVAL));
}

// The wrap of iova + size - 1 became EOVERFLOW in 7.3; iommufd never had another errno (fact 20).
TEST_P(MapDma, IovaPassesTheTop) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kTopPage, .vaddr = kBuffer, .size = 2 * kPage}),
              Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EOVERFLOW))));
}

TEST_P(MapDma, VaddrPassesTheTop) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kTopPage, .size = 2 * kPage}),
              Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EOVERFLOW))));
}

// type1 of 7.3 looks at the wrap before the rights, earlier ones the other way round.
TEST_P(MapDma, WrapAgainstNoRights) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kTopPage, .vaddr = kBuffer, .size = 2 * kPage, .flags = 0}),
              Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EOVERFLOW))));
}

// iopt_alloc_user_pages adds up to an exclusive end (fact 19).
TEST_P(MapDma, VaddrEndsAtTheTop) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kTopPage, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EFAULT)), On(kCompat, FailsWithErrno(EOVERFLOW))));
}

// iopt_alloc_pages of 6.12 refuses the size before anything is added up.
TEST_P(MapDma, SizeOfNearlyEverything) {
  BeginAt(Start::kReady);
  for (const uint64_t size : {~uint64_t{0}, kTopPage}) {
    EXPECT_THAT(container.MapDma({.iova = 0, .vaddr = kBuffer, .size = size}),
                Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                        On(kType1, FailsWithErrno(EINVAL)),
                        On(kCompat.Since("7.3"), FailsWithErrno(EOVERFLOW)),
                        On(kCompat, FailsWithErrno(EINVAL))));
  }
}

TEST_P(MapDma, LastPageOf64Bits) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kTopPage, .vaddr = kBuffer, .size = kPage}),
              FailsWithErrno(EINVAL));
}

TEST_P(MapDma, NoRights) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = 0}),
              FailsWithErrno(EINVAL));
}

// iommufd_vfio_map_dma has no check of the rights; the page table has (fact 12).
TEST_P(MapDma, NoRightsBeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage, .flags = 0}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EINVAL))));
}

TEST_P(MapDma, Unaligned) {
  BeginAt(Start::kReady);
  for (const MapArgs& map : {MapArgs{.iova = kA + 0x800, .vaddr = kBuffer, .size = kPage},
                             MapArgs{.iova = kA, .vaddr = kBuffer + 0x800, .size = kPage},
                             MapArgs{.iova = kA, .vaddr = kBuffer, .size = 0x800}}) {
    EXPECT_THAT(container.MapDma(map), FailsWithErrno(EINVAL));
  }
}

// The alignment of an IOAS is 1 before it has a domain (iopt_calculate_iova_alignment); the device
// that brings one is refused (fact 15).
TEST_P(MapDma, UnalignedBeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma({.iova = kA + 0x800, .vaddr = kBuffer, .size = 0x400}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EADDRINUSE))));
}

TEST_P(MapDma, UnalignedBeforeADeviceOfV1) {
  BeginAt(Start::kAttached, kV1);
  EXPECT_THAT(container.MapDma({.iova = kA + 0x800, .vaddr = kBuffer, .size = kPage}),
              FailsWithErrno(EINVAL));
}

TEST_P(MapDma, Occupied) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
  for (const MapArgs& map : {MapArgs{.iova = kA, .vaddr = kBuffer, .size = 4 * kPage},
                             MapArgs{.iova = kA + kPage, .vaddr = kBuffer, .size = kPage},
                             MapArgs{.iova = kA - kPage, .vaddr = kBuffer, .size = 2 * kPage},
                             MapArgs{.iova = kA + 3 * kPage, .vaddr = kBuffer, .size = 2 * kPage},
                             MapArgs{.iova = kA - kPage, .vaddr = kBuffer, .size = 8 * kPage}}) {
    EXPECT_THAT(container.MapDma(map), FailsWithErrno(EEXIST));
  }
  EXPECT_THAT(container.MapDma({.iova = kA + 4 * kPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
}

// iopt_insert_area finds the overlap before it looks at the user's address (fact 17).
TEST_P(MapDma, UnalignedVaddrOnOccupied) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer + 0x800, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EEXIST))));
}

// iopt_check_iova looks for reserved ranges first, vfio_dma_do_map for mappings (fact 18).
TEST_P(MapDma, OccupiedAndReserved) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kMsiWindow - kPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kMsiWindow - kPage, .vaddr = kBuffer, .size = 2 * kPage}),
              Answers(On(kType1, FailsWithErrno(EEXIST)), On(kCompat, FailsWithErrno(EINVAL))));
}

TEST_P(MapDma, MsiWindow) {
  BeginAt(Start::kReady);
  for (const uint64_t iova : {kMsiWindow, kMsiWindow + 0xff000, kMsiWindow - kPage}) {
    EXPECT_THAT(container.MapDma({.iova = iova, .vaddr = kBuffer, .size = 2 * kPage}),
                FailsWithErrno(EINVAL));
  }
}

// Reserved ranges come with the device (iopt_table_enforce_dev_resv_regions, fact 14).
TEST_P(MapDma, MsiWindowBeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma({.iova = kMsiWindow, .vaddr = kBuffer, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EADDRINUSE))));
}

TEST_P(MapDma, EndOfTheAperture) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kApertureLastPage, .vaddr = kBuffer, .size = 2 * kPage}),
              FailsWithErrno(EINVAL));
  EXPECT_THAT(container.MapDma({.iova = kApertureLastPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
  EXPECT_THAT(
      container.MapDma({.iova = kApertureLastPage + kPage, .vaddr = kBuffer, .size = kPage}),
      FailsWithErrno(EINVAL));
}

// The aperture comes with the domain (iopt_table_add_domain).
TEST_P(MapDma, BeyondTheApertureBeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(
      container.MapDma({.iova = kApertureLastPage + kPage, .vaddr = kBuffer, .size = kPage}),
      Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EADDRINUSE))));
}

TEST_P(MapDma, NoMemory) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kHole, .size = kPage}),
              FailsWithErrno(EFAULT));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kNoAccess, .size = kPage}),
              FailsWithErrno(EFAULT));
}

// Nothing is pinned before there is a domain (iopt_area_fill_domains, fact 13).
TEST_P(MapDma, NoMemoryBeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kHole, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EFAULT)), On(kCompat, Succeeds())));
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EFAULT))));
}

TEST_P(MapDma, ReadOnlyMemory) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kReadOnly, .size = kPage}),
              FailsWithErrno(EFAULT));
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kReadOnly, .size = kPage, .flags = kRead}),
              Succeeds());
}

// A failed call leaves no mapping and no charge, however far it came.
TEST_P(MapDma, MemoryThatEndsInTheMiddle) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer + 12 * kPage, .size = 8 * kPage}),
              AllOf(FailsWithErrno(EFAULT), Locks(0), Pins(0)));
  EXPECT_THAT(kernel.Reach(0), IsEmpty());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer + 12 * kPage, .size = 4 * kPage}),
              Succeeds());
}

TEST_P(MapDma, SharedMemory) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kShared, .size = 4 * kPage}), Succeeds());
  EXPECT_THAT(kernel.Reach(0), ElementsAre(Reached{kA, kShared, 4 * kPage, kReadWrite}));
}

// Two mappings of the same memory are charged twice (fact 57).
TEST_P(MapDma, TheSameMemoryTwice) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 2 * kPage}), Succeeds());
  EXPECT_THAT(
      container.MapDma({.iova = 2 * kA, .vaddr = kBuffer, .size = 2 * kPage}),
      Answers(On(kType1, AllOf(Succeeds(), Locks(4))), On(kCompat, AllOf(Succeeds(), Pins(4)))));
}

// follow_fault_pfn of type1 takes a BAR and charges nothing; compat pins pages (fact 58).
TEST_P(MapDma, DeviceMemory) {
  BeginAt(Start::kReady);
  kernel.RunAll({search::MmapEvent(kBarAt, 4, 3, traces::BAR, "d0", traces::NOT_TOUCHED)});
  EXPECT_THAT(
      container.MapDma({.iova = kA, .vaddr = kBarAt, .size = 4 * kPage}),
      Answers(On(kType1, AllOf(Succeeds(), Locks(0))), On(kCompat, FailsWithErrno(EFAULT))));
}

TEST_P(MapDma, ClosedContainer) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.Close(), Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}),
              FailsWithErrno(EBADF));
}

}  // namespace
}  // namespace iovalid::conformance::suite
