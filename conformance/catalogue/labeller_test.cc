// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/labeller.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "conformance/step_compiler.h"
#include "conformance/testing_trace.h"

namespace iovalid::conformance {
namespace {

// UNMAP_DMA of a page at 0x100000 or 0x101000, MAP_DMA of one and of four pages at 0x100000.
constexpr char kUnmapFirst[] = "180000000000000000001000000000000010000000000000";
constexpr char kUnmapSecond[] = "180000000000000000101000000000000010000000000000";
constexpr char kMapFourPages[] = "2000000003000000000000000100000000001000000000000040000000000000";

class LabellerTest : public testing::Test {
 protected:
  explicit LabellerTest(bool swapped = false)
      : header_(ParseTestHeader(TestHeaderLine("type1"))),
        compiler_(header_),
        left_(*ParseSide(swapped ? "compat" : "type1")),
        right_(*ParseSide(swapped ? "type1" : "compat")),
        differ_(*Machine::Create(header_, left_), *Machine::Create(header_, right_)),
        labeller_(Catalogue::BuiltIn(), left_, right_) {}

  // Runs one line and labels it.
  const Label& Run(const std::string& line) {
    Expectation expected;
    EXPECT_TRUE(compiler_.Compile(ParseTestEvent(line), &step_, &expected).ok());
    EXPECT_TRUE(differ_.Run(step_).ok());
    return labeller_.Observe(step_, differ_);
  }
  void SetUpContainer(int type) {
    std::vector<std::string> lines = SetUpLines();
    lines.back() = IntegerLine(4, "c0", "VFIO_SET_IOMMU", "0x3b66", type, 0);
    for (const std::string& line : lines) Run(line);
    Run(DeviceFdLine(5));
    Run(MemoryLine(6));
  }
  // c1, with g1 in it.
  void OpenSecondContainer(int i) {
    Run(OpenLine(i, "/dev/vfio/vfio", "c1"));
    Run(OpenLine(i + 1, "@g1", "g1"));
    Run(StructLine(i + 2, "g1", "VFIO_GROUP_SET_CONTAINER", "0x3b68", "00000000", "=", 0, "0",
                   R"(,"fdfix":[[0,"c1"]])"));
  }
  static std::string Name(const Label& label) {
    if (label.parts.empty()) return label.explained() ? "" : "UNEXPLAINED";
    return (label.explained() ? "" : "UNEXPLAINED ") +
           std::string(label.is_consequence() ? "after " : "") +
           Catalogue::BuiltIn().rows()[label.row()].id();
  }
  std::string Unmap(int i, const char* in) {
    return StructLine(i, "c0", "VFIO_IOMMU_UNMAP_DMA", "0x3b72", in, "=");
  }
  std::string Map(int i, const char* in) {
    return StructLine(i, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", in, "=");
  }

  traces::Header header_;
  StepCompiler compiler_;
  Side left_, right_;
  Differ differ_;
  Labeller labeller_;
  Step step_;
};

class SwappedLabellerTest : public LabellerTest {
 protected:
  SwappedLabellerTest() : LabellerTest(/*swapped=*/true) {}
};

TEST_F(LabellerTest, NothingDiffersNothingIsLabelled) {
  Run(TestSequenceLine());
  const Label& label = Run(OpenLine(1, "/dev/vfio/vfio", "c0"));
  EXPECT_TRUE(label.parts.empty());
  EXPECT_TRUE(label.explained());
}

TEST_F(LabellerTest, ARowForTheOutcomeAndItsState) {
  SetUpContainer(1);
  EXPECT_EQ(Name(Run(Map(7, kMapFourPages))), "");
  const Label& hole = Run(Unmap(8, kUnmapSecond));
  EXPECT_EQ(Name(hole), "unmap-v1-hole");
  EXPECT_EQ(hole.parts.size(), 1u);
  EXPECT_EQ(hole.differing & kStateFacets, kMappingsFacet | kChargedFacet | kReachFacet);
}

TEST_F(LabellerTest, WhatFollowsBelongsToTheRowThatBroughtItAbout) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  Run(Unmap(8, kUnmapSecond));
  EXPECT_EQ(labeller_.cause_of(kMappingsFacet).number, 8u);
  // Mapped on type1, free on compat.
  const Label& map =
      Run(Map(9, "2000000003000000000000000100000000101000000000000010000000000000"));
  EXPECT_EQ(Name(map), "after unmap-v1-hole");
  EXPECT_EQ(map.parts[0].cause.number, 8u);
}

TEST_F(LabellerTest, EachContainerHasATypeOfItsOwn) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  OpenSecondContainer(8);
  Run(IntegerLine(11, "c1", "VFIO_SET_IOMMU", "0x3b66", 3, 0));
  EXPECT_EQ(Name(Run(Unmap(12, kUnmapFirst))), "unmap-v1-whole");
}

TEST_F(LabellerTest, ATypeIsForgottenWithItsContainer) {
  Run(TestSequenceLine());
  OpenSecondContainer(1);
  Run(IntegerLine(4, "c1", "VFIO_SET_IOMMU", "0x3b66", 1, 0));
  for (const char* name : {"g1", "c1"}) {
    Run(R"({"i":5,"call":"close","fd":")" + std::string(name) + R"(","errno":"0"})");
  }
  OpenSecondContainer(7);
  const std::string get_info =
      StructLine(10, "c1", "VFIO_IOMMU_GET_INFO", "0x3b70", "10000000000000000000000000000000", "=");
  Expectation expected;
  ASSERT_TRUE(compiler_.Compile(ParseTestEvent(get_info), &step_, &expected).ok());
  ASSERT_TRUE(differ_.Run(step_).ok());
  const Difference difference = labeller_.Describe(step_, differ_);
  EXPECT_EQ(difference.variables[static_cast<size_t>(Variable::kLeftType)], 0u);
}

// The same mapping, in one container on one side and in another on the other.
TEST_F(LabellerTest, MappingsOfDifferentContainersDiffer) {
  SetUpContainer(3);
  Run(Map(7, kMapFourPages));
  OpenSecondContainer(8);
  const std::string map =
      StructLine(11, "c1", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapFourPages, "=");
  // A container without a type maps nothing; an iommufd does.
  EXPECT_EQ(Name(Run(map)), "map-before-set-iommu");
  const Label& all = Run(StructLine(12, "c0", "IOMMU_IOAS_UNMAP", "0x3b86",
                                    "18000000010000000000000000000000ffffffffffffffff", "="));
  EXPECT_TRUE(all.explained());
  EXPECT_NE(labeller_.standing() & kMappingsFacet, 0u);
  EXPECT_TRUE(Run(Map(13, kMapFourPages)).explained());
}

TEST_F(LabellerTest, AConsequenceNeedsADifferenceWhereTheCallGoes) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  Run(Unmap(8, kUnmapSecond));
  // EEXIST on one side, far away from what differs: planted, and not explained.
  Expectation expected;
  const auto event =
      ParseTestEvent(Map(9, "2000000003000000000000000100000000002000000000000010000000000000"));
  ASSERT_TRUE(compiler_.Compile(event, &step_, &expected).ok());
  ASSERT_TRUE(differ_.Run(step_).ok());
  Difference difference = labeller_.Describe(step_, differ_);
  EXPECT_TRUE(labeller_.Explain(difference).parts.empty());
  constexpr compat::Rule kOverlap{"iopt.map.overlap", "iopt_check_iova", "overlap"};
  StepResult planted = *difference.right;
  planted.ret = -1;
  planted.err = sim::Errno::kEXIST;
  planted.rule = &kOverlap;
  difference.right = &planted;
  difference.variables[static_cast<size_t>(Variable::kRightAdded)] = 0;
  EXPECT_FALSE(labeller_.Explain(difference).explained());
}

TEST_F(LabellerTest, AnotherErrnoSizeOrComponentIsUnexplained) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  Expectation expected;
  ASSERT_TRUE(compiler_.Compile(ParseTestEvent(Unmap(8, kUnmapSecond)), &step_, &expected).ok());
  ASSERT_TRUE(differ_.Run(step_).ok());
  const Difference difference = labeller_.Describe(step_, differ_);
  EXPECT_EQ(Name(labeller_.Explain(difference)), "unmap-v1-hole");

  StepResult result = *difference.right;
  Difference planted = difference;
  planted.right = &result;
  result.ret = -1;
  result.err = sim::Errno::kBUSY;
  EXPECT_FALSE(labeller_.Explain(planted).explained());

  result = *difference.left;
  planted = difference;
  planted.left = &result;
  result.out[16] = 0x10;
  EXPECT_FALSE(labeller_.Explain(planted).explained());

  planted = difference;
  std::vector<StateDiff::Change> state(difference.state.begin(), difference.state.end());
  state.push_back({kFiles, false});
  planted.state = state;
  const Label label = labeller_.Explain(planted);
  EXPECT_EQ(label.unexplained, kFilesFacet);
}

TEST_F(LabellerTest, NewSequenceForgetsCauses) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  Run(Unmap(8, kUnmapSecond));
  EXPECT_NE(labeller_.standing(), 0u);
  Run(TestSequenceLine());
  EXPECT_EQ(labeller_.standing(), 0u);
}

TEST_F(SwappedLabellerTest, RowsHoldWithTheSidesExchanged) {
  SetUpContainer(1);
  Run(Map(7, kMapFourPages));
  EXPECT_EQ(Name(Run(Unmap(8, kUnmapSecond))), "unmap-v1-hole");
  EXPECT_EQ(Name(Run(Unmap(9, kUnmapFirst))), "after unmap-v1-hole");
}

TEST(CatalogueTest, ErrorsNameTheFile) {
  const auto error = [](const std::string& file, const std::string& text) {
    return std::string(Catalogue::Parse({{file, text}}).status().message());
  };
  EXPECT_EQ(error("rows/x.textproto", "id: \"y\""), "rows/x.textproto: id is not the file's name");
  EXPECT_NE(error("rows/x.textproto", "id: \"x\"\nnonsense: 1").find("rows/x.textproto:2: "),
            std::string::npos);
  const std::string whole =
      "id: \"x\" title: \"t\" class: BUG source: \"s\" advice: \"a\" universe: \"base\" ";
  EXPECT_EQ(error("rows/x.textproto", whole), "rows/x.textproto: it explains nothing");
  EXPECT_EQ(error("rows/x.textproto", whole + "explains: \"siez\""),
            "rows/x.textproto: explains: there is no 'siez'");
  EXPECT_EQ(error("rows/x.textproto", whole + "explains: \"result\" when { call: \"VFIO_X\" }"),
            "rows/x.textproto: there is no call 'VFIO_X'");
  EXPECT_EQ(error("rows/x.textproto", whole + "left { mode: \"type2\" } explains: \"result\""),
            "rows/x.textproto: there is no mode 'type2'");
  EXPECT_EQ(error("errnos.textproto", "rule_errno { rule: \"a\" error: \"EWHAT\" }"),
            "errnos.textproto: there is no errno 'EWHAT'");
}

}  // namespace
}  // namespace iovalid::conformance
