// SPDX-License-Identifier: Apache-2.0
//
// UNMAP_DMA of a container of type 1 (v1): type1 takes whole mappings, compat cuts them
// (iopt_area_split).
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::IsEmpty;

class UnmapV1Base : public ConformanceTest {
 protected:
  // Four pages at kA, device open.
  void BeginMapped() {
    BeginAt(Start::kReady, kV1);
    EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = 4 * kPage}), Succeeds());
  }
  bool IsType1() const { return kernel.side().mode == Mode::kType1; }
};
IOVALID_CONFORMANCE_SUITE_OF(UnmapDmaV1, UnmapV1Base);

constexpr Reached kWhole{kA, kBuffer, 4 * kPage, kReadWrite};

TEST_P(UnmapDmaV1, WholeMapping) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 4 * kPage}),
              AllOf(Succeeds(), HasField("size", "0x4000"), Locks(0), Pins(0)));
}

// Fact 4: v1 of type1 stops, with success, at a mapping that starts before the range.
TEST_P(UnmapDmaV1, MiddleOfAMapping) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA + kPage, .size = kPage}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x0"), Locks(4))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000"), Pins(3)))));
  if (IsType1()) {
    EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
  } else {
    EXPECT_THAT(kernel.Reach(0),
                ElementsAre(Reached{kA, kBuffer, kPage, kReadWrite},
                            Reached{kA + 2 * kPage, kBuffer + 2 * kPage, 2 * kPage, kReadWrite}));
  }
}

// Fact 5: the first page takes the mapping with it, and the size says so.
TEST_P(UnmapDmaV1, FirstPageOfAMapping) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = kPage}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x4000"), Locks(0))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000"), Pins(3)))));
  if (IsType1()) {
    EXPECT_THAT(kernel.Reach(0), IsEmpty());
  } else {
    EXPECT_THAT(kernel.Reach(0),
                ElementsAre(Reached{kA + kPage, kBuffer + kPage, 3 * kPage, kReadWrite}));
  }
}

TEST_P(UnmapDmaV1, LastPageOfAMapping) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA + 3 * kPage, .size = kPage}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x0"))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000")))));
}

// Fact 6.
TEST_P(UnmapDmaV1, TailOfAMappingAndTheNextOnes) {
  BeginMapped();
  EXPECT_THAT(container.MapDma({.iova = kA + 4 * kPage, .vaddr = kBuffer, .size = 2 * kPage}),
              Succeeds());
  EXPECT_THAT(container.MapDma({.iova = kA + 6 * kPage, .vaddr = kBuffer, .size = kPage}),
              Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA + 2 * kPage, .size = 5 * kPage}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x0"), Locks(7))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x5000"), Pins(2)))));
}

// The last mapping that the range touches goes as a whole, too.
TEST_P(UnmapDmaV1, MappingAndTheHeadOfTheNext) {
  BeginMapped();
  EXPECT_THAT(container.MapDma({.iova = kA + 4 * kPage, .vaddr = kBuffer, .size = 4 * kPage}),
              Succeeds());
  EXPECT_THAT(container.UnmapDma({.iova = kA, .size = 5 * kPage}),
              Answers(On(kType1, AllOf(Succeeds(), HasField("size", "0x8000"))),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x5000")))));
}

// Fact 7: cuts are page-aligned; the size is not written when one fails.
TEST_P(UnmapDmaV1, UnalignedInsideAMapping) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA + 0x800, .size = kPage}),
              AllOf(FailsWithErrno(EINVAL), HasField("size", "0x1000")));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
}

// A range of nothing has no place to cut.
TEST_P(UnmapDmaV1, UnalignedOfNothing) {
  BeginAt(Start::kReady, kV1);
  EXPECT_THAT(container.UnmapDma({.iova = kA + 0x800, .size = kPage}),
              Answers(On(kType1, FailsWithErrno(EINVAL)),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x0")))));
}

TEST_P(UnmapDmaV1, SizeZero) {
  BeginMapped();
  EXPECT_THAT(container.UnmapDma({.iova = kA + 2 * kPage, .size = 0}), FailsWithErrno(EINVAL));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
}

// Fact 26: compat takes type 3 after type 1, and cuts as before.
TEST_P(UnmapDmaV1, TypeThreeAfterwards) {
  BeginMapped();
  EXPECT_THAT(container.SetIommu(kV2),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(container.UnmapDma({.iova = kA + kPage, .size = kPage}),
              Answers(On(kType1, HasField("size", "0x0")),
                      On(kCompat, AllOf(Succeeds(), HasField("size", "0x1000")))));
}

}  // namespace
}  // namespace iovalid::conformance::suite
