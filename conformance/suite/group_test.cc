// SPDX-License-Identifier: Apache-2.0
//
// Groups and the devices that they give: drivers/vfio/group.c, container.c, and attaching in
// drivers/iommu/iommufd/device.c.
#include "conformance/suite/fixture.h"

namespace iovalid::conformance::suite {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::IsEmpty;

IOVALID_CONFORMANCE_SUITE(SetContainer);
IOVALID_CONFORMANCE_SUITE(GetDevice);

constexpr Reached kWhole{kA, kBuffer, 4 * kPage, kReadWrite};
constexpr MapArgs kMapWhole{.iova = kA, .vaddr = kBuffer, .size = 4 * kPage};

TEST_P(SetContainer, BadPointer) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.IoctlWithBadPointer("VFIO_GROUP_SET_CONTAINER"), FailsWithErrno(EFAULT));
}

// vfio_group_ioctl_set_container: a descriptor that is none, and one of something else.
TEST_P(SetContainer, NoContainer) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(File(&kernel, "never-opened")), FailsWithErrno(EBADF));
  EXPECT_THAT(group.SetContainer(File(&kernel, "f0")),
              Answers(On(kType1.Since("6.12"), FailsWithErrno(EBADFD)),
                      On(kType1, FailsWithErrno(EINVAL)), On(kCompat, FailsWithErrno(EBADFD))));
}

TEST_P(SetContainer, Twice) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(group.SetContainer(container), FailsWithErrno(EINVAL));
  EXPECT_THAT(second_group.SetContainer(container), Succeeds());
}

TEST_P(SetContainer, Status) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.GetStatus(), AllOf(Succeeds(), HasField("flags", "VIABLE")));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(group.GetStatus(), AllOf(Succeeds(), HasField("flags", "VIABLE|CONTAINER_SET")));
  EXPECT_THAT(group.GetStatus(7), FailsWithErrno(EINVAL));
  EXPECT_THAT(group.IoctlWithBadPointer("VFIO_GROUP_GET_STATUS"), FailsWithErrno(EFAULT));
}

TEST_P(SetContainer, GroupIsOpenedOnce) {
  BeginAt(Start::kOpened);
  Group again(&kernel, "g0b");
  EXPECT_THAT(again.Open(), FailsWithErrno(EBUSY));
  EXPECT_THAT(group.Close(), Succeeds());
  EXPECT_THAT(again.Open(), Succeeds());
}

TEST_P(SetContainer, UnsetWithoutContainer) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.UnsetContainer(), FailsWithErrno(EINVAL));
}

// Fact 30: the device keeps its memory.
TEST_P(SetContainer, UnsetWithADeviceOpen) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma(kMapWhole), Succeeds());
  EXPECT_THAT(group.UnsetContainer(),
              Answers(On(kType1, FailsWithErrno(EBUSY)), On(kCompat, Succeeds())));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
}

// Fact 34: the container goes back to its beginning, the IOAS stays.
TEST_P(SetContainer, CallsAfterUnset) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(group.UnsetContainer(), Succeeds());
  EXPECT_THAT(container.MapDma(kMapWhole),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
  EXPECT_THAT(container.GetInfo(24),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

// Fact 32.
TEST_P(SetContainer, MappingsAfterTheLastGroup) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma(kMapWhole), Succeeds());
  EXPECT_THAT(group.UnsetContainer(), AllOf(Succeeds(), Locks(0), Pins(0)));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(container.SetIommu(kV2), Succeeds());
  EXPECT_THAT(container.MapDma(kMapWhole),
              Answers(On(kType1, Succeeds()), On(kCompat, FailsWithErrno(EEXIST))));
}

// Fact 31: the group of an open device.
TEST_P(SetContainer, GroupClosedBeforeItsDevice) {
  BeginAt(Start::kReady);
  EXPECT_THAT(group.Close(), Succeeds());
  EXPECT_THAT(group.Open(), Answers(On(kType1, FailsWithErrno(EBUSY)), On(kCompat, Succeeds())));
  EXPECT_THAT(device.Close(), Succeeds());
}

// Facts 28 and 56: when a second group gets at what is mapped, and that it costs nothing.
TEST_P(SetContainer, SecondGroup) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma(kMapWhole), Succeeds());
  EXPECT_THAT(
      second_group.SetContainer(container),
      Answers(On(kType1, AllOf(Succeeds(), Locks(4))), On(kCompat, AllOf(Succeeds(), Pins(4)))));
  if (kernel.side().mode == Mode::kType1) {
    EXPECT_THAT(kernel.Reach(1), ElementsAre(kWhole));
  } else {
    EXPECT_THAT(kernel.Reach(1), IsEmpty());
  }
  EXPECT_THAT(second_group.GetDevice(1), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                                 On(kCompat, AllOf(Succeeds(), Pins(4)))));
  EXPECT_THAT(kernel.Reach(1), ElementsAre(kWhole));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
}

TEST_P(GetDevice, BadPointer) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(group.IoctlWithBadPointer("VFIO_GROUP_GET_DEVICE_FD"), FailsWithErrno(EFAULT));
}

// The name comes before the container.
TEST_P(GetDevice, OfAnotherGroup) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.GetDevice(1), FailsWithErrno(ENODEV));
  EXPECT_THAT(group.GetDevice(0), FailsWithErrno(EINVAL));
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(group.GetDevice(1), FailsWithErrno(ENODEV));
}

// Fact 27.
TEST_P(GetDevice, BeforeSetIommu) {
  BeginAt(Start::kOpened);
  EXPECT_THAT(group.SetContainer(container), Succeeds());
  EXPECT_THAT(group.GetDevice(0),
              Answers(On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
}

TEST_P(GetDevice, Twice) {
  BeginAt(Start::kReady);
  EXPECT_THAT(group.GetDevice(0), Succeeds());
  EXPECT_THAT(device.Close(), Succeeds());
  EXPECT_THAT(File(&kernel, "d0b").Close(), Succeeds());
}

// Fact 28: type1 attaches groups at SET_IOMMU, compat a device when it is opened.
TEST_P(GetDevice, Attaches) {
  BeginAt(Start::kAttached);
  EXPECT_THAT(container.MapDma(kMapWhole), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                                   On(kCompat, AllOf(Succeeds(), Pins(0)))));
  if (kernel.side().mode == Mode::kType1) {
    EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
  } else {
    EXPECT_THAT(kernel.Reach(0), IsEmpty());
  }
  EXPECT_THAT(group.GetDevice(0), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                          On(kCompat, AllOf(Succeeds(), Pins(4)))));
  EXPECT_THAT(kernel.Reach(0), ElementsAre(kWhole));
}

// Fact 33: the last device of a compat container takes the pins with it.
TEST_P(GetDevice, ClosedAgain) {
  BeginAt(Start::kReady);
  EXPECT_THAT(container.MapDma(kMapWhole), Succeeds());
  EXPECT_THAT(device.Close(), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                      On(kCompat, AllOf(Succeeds(), Pins(0)))));
  EXPECT_THAT(group.GetDevice(0), Answers(On(kType1, AllOf(Succeeds(), Locks(4))),
                                          On(kCompat, AllOf(Succeeds(), Pins(4)))));
}

// All devices of a group share what is mapped; compat attaches each when it is opened.
TEST_P(GetDevice, TwoDevicesOfOneGroup) {
  BeginAt(Start::kReady);
  Group pair(&kernel, "g2");
  EXPECT_THAT(pair.Open(), Succeeds());
  EXPECT_THAT(pair.SetContainer(container), Succeeds());
  EXPECT_THAT(pair.GetDevice(2), Succeeds());
  EXPECT_THAT(pair.GetDevice(3), Succeeds());
  EXPECT_THAT(container.MapDma(kMapWhole), Succeeds());
  for (const uint32_t member : {0u, 2u, 3u}) {
    EXPECT_THAT(kernel.Reach(member), ElementsAre(kWhole)) << member;
  }
}

}  // namespace
}  // namespace iovalid::conformance::suite
