// SPDX-License-Identifier: Apache-2.0
//
// What a container answers by itself: CHECK_EXTENSION and SET_IOMMU (drivers/vfio/container.c and
// vfio_iommu_type1.c; drivers/iommu/iommufd/vfio_compat.c).
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;

IOVALID_CONFORMANCE_SUITE(CheckExtension);
IOVALID_CONFORMANCE_SUITE(SetIommu);

constexpr int64_t kDmaCc = 4, kNesting = 6, kNoIommu = 8, kUnmapAll = 9, kUpdateVaddr = 10;

TEST_P(CheckExtension, ApiVersion) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.Ioctl("VFIO_GET_API_VERSION"), SucceedsWith(0));
}

TEST_P(CheckExtension, WhatEveryKernelHas) {
  BeginAt(Start::kOpened);
  for (const int64_t extension : {kV1, kV2, kUnmapAll}) {
    EXPECT_THAT(container.CheckExtension(extension), SucceedsWith(1)) << extension;
  }
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.SetIommu(kV2), Succeeds());
  for (const int64_t extension : {kV1, kV2, kUnmapAll}) {
    EXPECT_THAT(container.CheckExtension(extension), SucceedsWith(1)) << extension;
  }
}

TEST_P(CheckExtension, WhatNoneHas) {
  BeginAt(Start::kReady);
  for (const int64_t extension : {0, 2, 5, 7, 11, 99, -1}) {
    EXPECT_THAT(container.CheckExtension(extension), SucceedsWith(0)) << extension;
  }
}

// Fact 38: a negative answer, and 1 where no domain says otherwise.
TEST_P(CheckExtension, CacheCoherencyWithoutGroup) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.CheckExtension(kDmaCc),
              Answers(On(kType1, SucceedsWith(0)), On(kCompat, FailsWithErrno(ENODEV))));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.CheckExtension(kDmaCc),
              Answers(On(kType1, SucceedsWith(0)), On(kCompat, SucceedsWith(1))));
}

// Fact 41, and the claim that 6.1 and 6.12 make and do not keep.
TEST_P(CheckExtension, Nesting) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.CheckExtension(kNesting),
              Answers(On(kType1.Since("7.3"), SucceedsWith(0)), On(kType1, SucceedsWith(1)),
                      On(kCompat, SucceedsWith(0))));
}

// Fact 39.
TEST_P(CheckExtension, UpdateVaddr) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.CheckExtension(kUpdateVaddr), SucceedsWith(0));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.SetIommu(kV2), Succeeds());
  EXPECT_THAT(container.CheckExtension(kUpdateVaddr),
              Answers(On(kType1, SucceedsWith(1)), On(kCompat, SucceedsWith(0))));
}

// Fact 40: the module's parameter against how the kernel was built.
TEST_P(CheckExtension, NoIommu) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.CheckExtension(kNoIommu),
              Answers(On(kType1, SucceedsWith(0)), On(kCompat, SucceedsWith(1))));
}

// Fact 24.
TEST_P(SetIommu, WithoutGroup) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.SetIommu(kV2),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENODEV))));
}

// Fact 25: the errnos change places.
TEST_P(SetIommu, UnknownType) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  for (const int64_t type : {int64_t{0}, int64_t{2}, int64_t{99}, kNoIommu}) {
    EXPECT_THAT(container.SetIommu(type),
                Answers(On(kType1, FailsWithErrno(ENODEV)), On(kCompat, FailsWithErrno(EINVAL))))
        << type;
  }
  EXPECT_THAT(container.SetIommu(kV2), Succeeds());
}

TEST_P(SetIommu, Nesting) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.SetIommu(kNesting),
              Answers(On(kType1.Since("7.3"), FailsWithErrno(ENODEV)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EINVAL))));
}

// Fact 26.
TEST_P(SetIommu, Twice) {
  BeginAt(Start::kAttached);
  for (const int64_t type : {kV2, kV1, kV1, kV2}) {
    EXPECT_THAT(container.SetIommu(type),
                Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())))
        << type;
  }
}

// iopt_disable_large_pages: not under a domain with mappings.
TEST_P(SetIommu, TypeOneWithMappings) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(container.SetIommu(kV1), FailsWithErrno(EINVAL));
  EXPECT_THAT(container.SetIommu(kV2),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

TEST_P(SetIommu, TypeOneWithUnalignedMappings) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma({.iova = kA + 0x800, .vaddr = kBuffer, .size = 0x400}),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(container.SetIommu(kV1),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EADDRINUSE))));
}

// Fact 69.
TEST_P(SetIommu, UnknownCommandBeforeAndAfter) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.Ioctl("VFIO_IOMMU_ENABLE"),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENOTTY))));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.SetIommu(kV2), Succeeds());
  EXPECT_THAT(container.Ioctl("VFIO_IOMMU_ENABLE"), FailsWithErrno(ENOTTY));
  EXPECT_THAT(container.Ioctl("VFIO_EEH_PE_OP"), FailsWithErrno(ENOTTY));
}

}  // namespace
}  // namespace iovalid::conformance::suite
