// SPDX-License-Identifier: Apache-2.0
//
// VFIO_IOMMU_GET_INFO: vfio_iommu_type1_get_info, iommufd_vfio_iommu_get_info.
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

IOVALID_CONFORMANCE_SUITE(GetInfo);

constexpr char kMigration[] = "MIGRATION flags=0x0 pgsizes=4K max_dirty_bitmap=0x10000000";
constexpr char kNoLimit[] = "DMA_AVAIL avail=4294967295";
constexpr char kRanges[] = "IOVA_RANGE [0x0, 0xfedfffff] [0xfef00000, 0x7fffffffff]";

// How much room the answer needs: the capabilities of 6.1 are not aligned to 8 bytes.
TEST_P(GetInfo, ArgszBecomesWhatIsNeeded) {
  BeginAt(Start::kReady);
  EXPECT_THAT(
      container.GetInfo(24),
      AllOf(Succeeds(), HasField("cap_offset", "0"), HasField("flags", "PGSIZES|CAPS"),
            Answers(On(kType1.Since("6.12"), HasField("argsz", "120")),
                    On(kType1, HasField("argsz", "116")), On(kCompat, HasField("argsz", "88")))));
}

// Fact 48: type1 leaves an argsz that is large enough.
TEST_P(GetInfo, LargerArgsz) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.GetInfo(256), AllOf(Succeeds(), HasField("cap_offset", "24"),
                                            Answers(On(kType1, HasField("argsz", "256")),
                                                    On(kCompat, HasField("argsz", "88")))));
}

// Facts 45, 46 and 50: what is in the chain, and in which order.
TEST_P(GetInfo, Capabilities) {
  BeginAt(Start::kReady);
  EXPECT_THAT(
      container.GetInfo(120),
      AllOf(Succeeds(), HasField("iova_pgsizes", "4K|2M|1G"),
            Answers(On(kType1, HasParts(ElementsAre(kMigration, "DMA_AVAIL avail=65535", kRanges))),
                    On(kCompat, HasParts(ElementsAre(kNoLimit, kRanges))))));
}

// The migration capability is there for v1 as well, which has no dirty tracking.
TEST_P(GetInfo, CapabilitiesOfV1) {
  BeginAt(Start::kReady, kV1);
  EXPECT_THAT(
      container.GetInfo(120),
      Answers(On(kType1, HasParts(ElementsAre(kMigration, "DMA_AVAIL avail=65535", kRanges))),
              On(kCompat, HasParts(ElementsAre(kNoLimit, kRanges)))));
}

TEST_P(GetInfo, MappingsCountDown) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma({.iova = kA, .vaddr = kBuffer, .size = kPage}), Succeeds());
  EXPECT_THAT(
      container.GetInfo(120),
      Answers(On(kType1, HasParts(ElementsAre(kMigration, "DMA_AVAIL avail=65534", kRanges))),
              On(kCompat, HasParts(ElementsAre(kNoLimit, kRanges)))));
}

TEST_P(GetInfo, ArgszBelowTheFirstStruct) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.GetInfo(15), FailsWithErrno(EINVAL));
  // The struct of 16 bytes: cap_offset stays as it was.
  EXPECT_THAT(container.GetInfo(16), AllOf(Succeeds(), HasField("cap_offset", "2863311530"),
                                           HasField("iova_pgsizes", "4K|2M|1G")));
}

// 6.1 writes 20 of the 24 bytes.
TEST_P(GetInfo, PadIsWritten) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.GetInfo(24), Answers(On(kType1.Since("6.12"), HasField("pad", "0x0")),
                                             On(kType1, HasField("pad", "0xaaaaaaaa")),
                                             On(kCompat, HasField("pad", "0x0"))));
}

// Fact 49: compat writes each capability that fits, though there is no cap_offset to find it by.
TEST_P(GetInfo, ChainThatDoesNotFit) {
  BeginAt(Start::kReady);
  const CallResult result = container.GetInfo(44);
  EXPECT_THAT(result, AllOf(Succeeds(), HasField("cap_offset", "0"), HasParts(IsEmpty())));
  const Bytes untouched(20, 0xaa);
  const Bytes beyond(result.bytes.begin() + 24, result.bytes.end());
  if (kernel.side().mode == Mode::kType1) {
    EXPECT_EQ(beyond, untouched);
  } else {
    // DMA_AVAIL, version 1, then where the next one would be, and the number.
    EXPECT_EQ(Bytes(beyond.begin(), beyond.begin() + 4), (Bytes{3, 0, 1, 0}));
    EXPECT_EQ(Bytes(beyond.begin() + 8, beyond.begin() + 12), (Bytes{0xff, 0xff, 0xff, 0xff}));
  }
}

TEST_P(GetInfo, BadPointer) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.IoctlWithBadPointer("VFIO_IOMMU_GET_INFO"), FailsWithErrno(EFAULT));
}

TEST_P(GetInfo, WithoutGroup) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(container.GetInfo(24),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(ENODEV))));
  EXPECT_THAT(container.GetInfo(15), FailsWithErrno(EINVAL));
}

TEST_P(GetInfo, BeforeSetIommu) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.GetInfo(120),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

// Facts 28 and 51: an IOAS without a device has every address and every size of page.
TEST_P(GetInfo, BeforeADevice) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(
      container.GetInfo(120),
      AllOf(Succeeds(),
            Answers(On(kType1, HasParts(ElementsAre(kMigration, "DMA_AVAIL avail=65535", kRanges))),
                    On(kCompat, AllOf(HasField("argsz", "72"),
                                      HasField("iova_pgsizes", "4K.. (0xfffffffffffff000)"),
                                      HasParts(ElementsAre(
                                          kNoLimit, "IOVA_RANGE [0x0, 0xffffffffffffffff]")))))));
}

}  // namespace
}  // namespace iovalid::conformance::suite
