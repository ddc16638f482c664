// SPDX-License-Identifier: Apache-2.0
#include "conformance/differ.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "conformance/step_compiler.h"
#include "conformance/testing_trace.h"

namespace iovalid::conformance {
namespace {

using Strings = std::vector<std::string>;

class DifferTest : public testing::Test {
 protected:
  DifferTest()
      : header_(ParseTestHeader(TestHeaderLine("type1"))),
        compiler_(header_),
        differ_(*Machine::Create(header_, *ParseSide("type1")),
                *Machine::Create(header_, *ParseSide("compat"))) {}

  const Differ::Report& Run(const std::string& line) {
    Step step;
    Expectation expected;
    EXPECT_TRUE(compiler_.Compile(ParseTestEvent(line), &step, &expected).ok());
    EXPECT_TRUE(differ_.Run(step).ok());
    return differ_.report();
  }
  // The components of the last step, "-" before those that are equal again.
  Strings State() {
    Strings names;
    for (const StateDiff::Change& change : differ_.report().state) {
      names.push_back((change.resolved ? "-" : "") + differ_.state_diff().Name(change.component));
    }
    return names;
  }

  traces::Header header_;
  StepCompiler compiler_;
  Differ differ_;
};

TEST_F(DifferTest, AttachingEarlierIsOneDifferenceUntilTheDeviceIsOpen) {
  for (const std::string& line : SetUpLines()) {
    Run(line);
    EXPECT_FALSE(differ_.report().outcome_differs) << line;
  }
  // SET_IOMMU attaches on type1 only; reach, charges and usable ranges follow from that.
  EXPECT_EQ(State(), Strings({"attach:dev0"}));
  Run(MemoryLine(5));
  Run(StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "="));
  EXPECT_FALSE(differ_.report().differs());
  Run(DeviceFdLine(7));
  EXPECT_FALSE(differ_.report().differs());
  EXPECT_EQ(State(), Strings({"-attach:dev0"}));
  Run(StructLine(8, "c0", "VFIO_IOMMU_UNMAP_DMA", "0x3b72",
                 "180000000000000000001000000000000010000000000000", "="));
  EXPECT_FALSE(differ_.report().differs());
  EXPECT_EQ(State(), Strings());
}

TEST_F(DifferTest, AnswersThatDiffer) {
  for (const std::string& line : SetUpLines()) Run(line);
  const Differ::Report& extension =
      Run(IntegerLine(5, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1));
  EXPECT_TRUE(extension.outcome_differs);
  EXPECT_EQ(extension.left.ret, 1);
  EXPECT_EQ(extension.right.ret, 0);
  const Differ::Report& info =
      Run(StructLine(6, "c0", "VFIO_IOMMU_GET_INFO", "0x3b70",
                     "180000000000000000000000000000000000000000000000", "="));
  EXPECT_TRUE(info.outcome_differs);
  EXPECT_TRUE(info.left.out_changed);
  EXPECT_NE(info.left.out, info.right.out);
  EXPECT_FALSE(info.state_differs());
}

TEST_F(DifferTest, MappingOfABarIsADifferenceOfOutcomeAndStateThatStands) {
  for (const std::string& line : SetUpLines()) Run(line);
  Run(DeviceFdLine(5));
  Run(R"({"i":6,"call":"mmap","addr":"0x1c0000000","len":65536,"prot":"rw","kind":"bar",)"
      R"("obj":"d0","off":0,"touch":"-","errno":"0"})");
  EXPECT_FALSE(differ_.report().differs());
  const Differ::Report& map =
      Run(StructLine(7, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71",
                     "2000000003000000000000c00100000000001000000000000010000000000000", "="));
  EXPECT_TRUE(map.outcome_differs);
  EXPECT_EQ(map.left.err, sim::Errno::kOk);
  EXPECT_EQ(map.right.err, sim::Errno::kFAULT);
  EXPECT_EQ(State(), Strings({"mappings", "reach:dev0"}));
  Run(IntegerLine(8, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 0));
  EXPECT_FALSE(differ_.report().differs());
  EXPECT_EQ(differ_.state_diff().Standing().size(), 2u);
}

TEST_F(DifferTest, SameSidesNeverDiffer) {
  Differ same(*Machine::Create(header_, *ParseSide("compat")),
              *Machine::Create(header_, *ParseSide("compat")));
  for (std::string line : SetUpLines()) {
    Step step;
    Expectation expected;
    ASSERT_TRUE(compiler_.Compile(ParseTestEvent(line), &step, &expected).ok());
    ASSERT_TRUE(same.Run(step).ok());
    EXPECT_FALSE(same.report().differs()) << line;
  }
}

TEST_F(DifferTest, NewSequenceForgetsStandingDifferences) {
  for (const std::string& line : SetUpLines()) Run(line);
  EXPECT_EQ(State(), Strings({"attach:dev0"}));
  Run(TestSequenceLine());
  EXPECT_EQ(State(), Strings());
  EXPECT_TRUE(differ_.state_diff().Standing().empty());
}

}  // namespace
}  // namespace iovalid::conformance
