// SPDX-License-Identifier: Apache-2.0
#include "conformance/step_compiler.h"

#include <gtest/gtest.h>

#include <variant>

#include "conformance/testing_trace.h"

namespace iovalid::conformance {
namespace {

class StepCompilerTest : public testing::Test {
 protected:
  Step Compile(const std::string& line) {
    Step step;
    const absl::Status status = compiler_.Compile(ParseTestEvent(line), &step, &expected_);
    EXPECT_TRUE(status.ok()) << status.message();
    return step;
  }

  StepCompiler compiler_{ParseTestHeader(TestHeaderLine("type1"))};
  Expectation expected_;
};

TEST(HandleTableTest, EqualNamesHaveEqualNumbersAndDecimalNamesAreRaw) {
  HandleTable table;
  const Handle c0 = table.Resolve("c0");
  EXPECT_EQ(c0, table.Resolve("c0"));
  EXPECT_NE(c0, table.Resolve("g0"));
  EXPECT_EQ(table.name(c0.name), "c0");
  EXPECT_EQ(table.Resolve("999"), (Handle{kNoName, 999}));
  EXPECT_EQ(table.Resolve("-1"), (Handle{kNoName, -1}));
  EXPECT_EQ(table.Resolve(""), Handle());
  EXPECT_TRUE(table.Resolve("9lives").named());
}

TEST_F(StepCompilerTest, OutcomeGoesToTheExpectationOnly) {
  const Step step = Compile(StructLine(7, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67",
                                       "0800000000000000", "0800000001000000"));
  EXPECT_EQ(step.number, 7u);
  const auto& ioctl = std::get<IoctlAction>(step.action);
  EXPECT_EQ(ioctl.nr, 0x3b67u);
  EXPECT_EQ(ioctl.in, (Bytes{8, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(expected_.recorded);
  EXPECT_EQ(expected_.ret, 0);
  EXPECT_EQ(expected_.error, 0u);
  EXPECT_EQ(expected_.out, (Bytes{8, 0, 0, 0, 1, 0, 0, 0}));
}

TEST_F(StepCompilerTest, GroupAndCdevNamesBecomePaths) {
  EXPECT_EQ(std::get<OpenAction>(Compile(OpenLine(1, "@g1", "g1")).action).path, "/dev/vfio/1");
  EXPECT_EQ(std::get<OpenAction>(Compile(OpenLine(1, "@v0", "d0")).action).path,
            "/dev/vfio/devices/vfio0");
  const Step container = Compile(OpenLine(1, "/dev/vfio/vfio", "c0"));
  EXPECT_TRUE(std::get<OpenAction>(container.action).container);
  const Step literal = Compile(OpenLine(1, "/dev/iommu", "i0"));
  EXPECT_FALSE(std::get<OpenAction>(literal.action).container);
}

TEST_F(StepCompilerTest, CompatContainerIsTheNodeThatTheSequenceOpens) {
  StepCompiler compiler(ParseTestHeader(TestHeaderLine("compat")));
  Step step;
  ASSERT_TRUE(
      compiler.Compile(ParseTestEvent(TestSequenceLine("/dev/iommu")), &step, &expected_).ok());
  ASSERT_TRUE(
      compiler.Compile(ParseTestEvent(OpenLine(1, "/dev/iommu", "c0")), &step, &expected_).ok());
  EXPECT_TRUE(std::get<OpenAction>(step.action).container);
  // A recorded program opens its usual path, behind which an iommufd stands.
  const std::string substituted = R"({"i":2,"call":"open","path":"/dev/vfio/vfio","node":)"
                                  R"("/dev/iommu","as":"c0","errno":"0"})";
  ASSERT_TRUE(compiler.Compile(ParseTestEvent(substituted), &step, &expected_).ok());
  EXPECT_TRUE(std::get<OpenAction>(step.action).container);
}

TEST_F(StepCompilerTest, FailedGetDeviceFdHasTheNameThatScriptsGive) {
  const Step step = Compile(StructLine(5, "g0", "VFIO_GROUP_GET_DEVICE_FD", "0x3b6a",
                                       "303030303a30303a30362e3000", "=", -1, "EINVAL"));
  const auto& ioctl = std::get<IoctlAction>(step.action);
  EXPECT_FALSE(ioctl.retfd.named());
  EXPECT_EQ(compiler_.handles().name(ioctl.retfd_else.name), "d1");
  EXPECT_EQ(compiler_.handles().name(ioctl.retfd_second.name), "d1b");
}

TEST_F(StepCompilerTest, OnlyTheTracesOwnIommuTypeIsReplaceable) {
  EXPECT_TRUE(
      std::get<IoctlAction>(Compile(IntegerLine(1, "c0", "VFIO_SET_IOMMU", "0x3b66", 3, 0)).action)
          .set_up_iommu);
  EXPECT_FALSE(
      std::get<IoctlAction>(Compile(IntegerLine(1, "c0", "VFIO_SET_IOMMU", "0x3b66", 8, 0)).action)
          .set_up_iommu);
}

TEST_F(StepCompilerTest, TasksAreProcesses) {
  traces::Event event;
  event.mutable_exit();
  event.set_task(7);
  Step step;
  EXPECT_EQ(compiler_.Compile(event, &step, &expected_).code(), absl::StatusCode::kInvalidArgument);
  traces::Event fork;
  fork.mutable_fork()->set_child(7);
  ASSERT_TRUE(compiler_.Compile(fork, &step, &expected_).ok());
  ASSERT_TRUE(compiler_.Compile(event, &step, &expected_).ok());
  EXPECT_EQ(step.process, 1u);
  EXPECT_EQ(compiler_.ProcessOf(7), kNoName);  // it has ended
}

TEST_F(StepCompilerTest, NamesAreLimited) {
  traces::Event event;
  Step step;
  absl::Status status;
  for (uint32_t i = 0; status.ok() && i <= kMaxDistinctNames; ++i) {
    event.mutable_dup()->set_as("x" + std::to_string(i));
    status = compiler_.Compile(event, &step, &expected_);
  }
  EXPECT_EQ(status.message(), "more than 1,048,576 distinct names of descriptors and objects");
}

}  // namespace
}  // namespace iovalid::conformance
