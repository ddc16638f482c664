// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SUITE_FIXTURE_H_
#define IOVALID_CONFORMANCE_SUITE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "conformance/suite/container.h"
#include "conformance/suite/kernel.h"
#include "conformance/suite/matchers.h"

namespace iovalid::conformance {

// How GoogleTest names the side of a failed test.
inline void PrintTo(const Side& side, std::ostream* os) { *os << side.Name(); }

namespace suite {

// The memory of the process (conformance/search/call_builder.h says what is where), and places in
// its IOVA space.
using search::kBarAt;
using search::kBuffer;
using search::kHole;
using search::kNoAccess;
using search::kPage;
using search::kReadOnly;
using search::kShared;
using search::Start;
inline constexpr uint64_t kA = 0x100000;  // where most mappings are
inline constexpr uint64_t kMsiWindow = 0xfee00000;
inline constexpr uint64_t kApertureLastPage = 0x7ffffff000;
inline constexpr uint64_t kTopPage = ~uint64_t{0} - kPage + 1;  // the last of 64 bits
inline constexpr int64_t kV1 = 1, kV2 = 3;                      // VFIO_TYPE1_IOMMU, _TYPE1v2_IOMMU

// A test of what every kernel answers. It runs once for each side; a failure prints the calls that
// were made, as a trace, and the command that runs it again.
class ConformanceTest : public testing::TestWithParam<Side> {
 protected:
  ConformanceTest();
  void TearDown() override;

  // Has to be called first: the process with its memory, the container and groups 0 and 1 open, and
  // further up to the start. At kAttached compat has no device yet, and type1 has.
  void BeginAt(Start start, int64_t iommu_type = kV2);

  Kernel kernel;
  Container container{&kernel, "c0"};
  Group group{&kernel, "g0"}, second_group{&kernel, "g1"};
  File device{&kernel, "d0"};
};

// The sides in a list "type1@7.3,compat@7.3"; a name that is none aborts.
std::vector<Side> SidesIn(std::string_view list);
// "compat_7_3", the last part of a test's name.
std::string SideLabel(const testing::TestParamInfo<Side>& param);

}  // namespace suite
}  // namespace iovalid::conformance

// Defines a suite of conformance tests, once for each side that the Bazel target names
// (iov_conformance_test in bazel/defs.bzl): TEST_P(Suite, Name) is then Suite.Name/compat_7_3 and
// so on. The second form has a fixture of its own, which derives from ConformanceTest.
#define IOVALID_CONFORMANCE_SUITE(Suite) \
  IOVALID_CONFORMANCE_SUITE_OF(Suite, ::iovalid::conformance::suite::ConformanceTest)
#define IOVALID_CONFORMANCE_SUITE_OF(Suite, Fixture)                                          \
  class Suite : public Fixture {};                                                            \
  INSTANTIATE_TEST_SUITE_P(                                                                   \
      , Suite,                                                                                \
      ::testing::ValuesIn(::iovalid::conformance::suite::SidesIn(IOVALID_CONFORMANCE_SIDES)), \
      ::iovalid::conformance::suite::SideLabel)

#endif  // IOVALID_CONFORMANCE_SUITE_FIXTURE_H_
