// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite/matchers.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace iovalid::conformance::suite {
namespace {

constexpr sim::Rule kOverlap{"type1.map.overlap", "vfio_dma_do_map", "the range is mapped"};

CallResult ResultOf(std::string_view side, sim::Errno err) {
  CallResult result;
  result.ret = err == sim::Errno::kOk ? 0 : -1;
  result.err = err;
  result.rule = err == sim::Errno::kOk ? nullptr : &kOverlap;
  result.side = *ParseSide(side);
  result.argument.fields = {{"size", "0x1000"}};
  return result;
}

std::string WhyNot(const ResultMatcher& matcher, const CallResult& result) {
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(matcher.MatchAndExplain(result, &listener));
  return listener.str();
}

std::string Description(const ResultMatcher& matcher) {
  return testing::DescribeMatcher<const CallResult&>(matcher);
}

TEST(SuiteMatchers, ErrnosHaveNamesAndNumbers) {
  const CallResult exists = ResultOf("type1@7.3", sim::Errno::kEXIST);
  EXPECT_THAT(exists, FailsWithErrno(EEXIST));
  EXPECT_THAT(exists, testing::Not(FailsWithErrno(EINVAL)));
  EXPECT_THAT(exists, testing::Not(Succeeds()));
  EXPECT_EQ(Description(FailsWithErrno(EINVAL)), "fails with EINVAL (22)");
  EXPECT_THAT(testing::PrintToString(exists),
              testing::StartsWith("type1@7.3: EEXIST (17), decided by type1.map.overlap: "));
}

TEST(SuiteMatchers, VersionsCompareByTheirNumbers) {
  const Kernels middle = kType1.Since("6.12").Before("7.3");
  EXPECT_FALSE(middle.Include(*ParseSide("type1@6.1")));
  EXPECT_TRUE(middle.Include(*ParseSide("type1@6.12")));
  EXPECT_FALSE(middle.Include(*ParseSide("type1@7.3")));
  EXPECT_FALSE(middle.Include(*ParseSide("compat@6.12")));
  EXPECT_EQ(middle.Text(), "type1 since 6.12 before 7.3");
}

// The first row counts, and a kernel without one fails.
TEST(SuiteMatchers, EachKernelHasItsRow) {
  const ResultMatcher table =
      Answers(On(kType1.Since("7.3"), FailsWithErrno(EEXIST)), On(kType1, FailsWithErrno(EINVAL)));
  EXPECT_THAT(ResultOf("type1@7.3", sim::Errno::kEXIST), table);
  EXPECT_THAT(ResultOf("type1@6.12", sim::Errno::kINVAL), table);
  EXPECT_EQ(WhyNot(table, ResultOf("type1@6.12", sim::Errno::kEXIST)),
            "and type1@6.12 is to be one that fails with EINVAL (22)");
  EXPECT_EQ(WhyNot(table, ResultOf("compat@7.3", sim::Errno::kEXIST)),
            "and no row is for compat@7.3");
  EXPECT_EQ(Description(table),
            "on type1 since 7.3 fails with EEXIST (17); on type1 fails with EINVAL (22)");
}

TEST(SuiteMatchers, Fields) {
  const CallResult result = ResultOf("type1@7.3", sim::Errno::kOk);
  EXPECT_THAT(result, HasField("size", "0x1000"));
  EXPECT_EQ(WhyNot(HasField("size", "0x0"), result), "whose size is 0x1000");
  EXPECT_EQ(WhyNot(HasField("iova", "0x0"), result), "whose argument has no iova");
}

TEST(SuiteMatchers, ChargesAndBits) {
  CallResult result = ResultOf("type1@7.3", sim::Errno::kOk);
  result.locked_kb = 8;
  result.memory = {{0x4f, 1, 0, 0, 0, 0, 0, 0, 0xff}};
  EXPECT_THAT(result, testing::AllOf(Locks(2), Pins(0), HasDirtyBits(0x14f)));
  EXPECT_THAT(result, testing::Not(Locks(8)));
  EXPECT_THAT(result, testing::Not(HasDirtyBits(0x4f)));
}

}  // namespace
}  // namespace iovalid::conformance::suite
