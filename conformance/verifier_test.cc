// SPDX-License-Identifier: Apache-2.0
#include "conformance/verifier.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "conformance/testing_trace.h"
#include "conformance/verify.h"

namespace iovalid::conformance {
namespace {

struct Verified {
  VerifyCounts counts;
  std::vector<Mismatch> mismatches;
};

Verified VerifyLines(const std::vector<std::string>& lines,
                     const std::string& header = TestHeaderLine("type1")) {
  traces::VectorSource source = TestTrace(header, lines);
  Verified out;
  const auto result = Verify(
      source, "test", [&](const Mismatch& mismatch) { out.mismatches.push_back(mismatch); },
      nullptr);
  EXPECT_TRUE(result.ok()) << result.status().message();
  if (result.ok()) out.counts = result->counts;
  return out;
}

std::vector<std::string> With(std::vector<std::string> lines,
                              const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

const char kGoodView[] = R"({"i":7,"call":"dma_view","dev":"dev0","map":)"
                         R"([["0x100000","0x1000","0x100000000","rw"]]})";

std::vector<std::string> MapOnePageLines() {
  return With(SetUpLines(),
              {MemoryLine(5), StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "="),
               ObserveLine(4, 0), kGoodView});
}

TEST(VerifyTest, CountsCallsAndViewsOnly) {
  const Verified verified = VerifyLines(MapOnePageLines());
  // Two opens, three ioctls and a view; not the mmap, the sequence line or observe.
  EXPECT_EQ(verified.counts.calls, 6u);
  EXPECT_EQ(verified.counts.match, 6u);
  EXPECT_EQ(verified.counts.mismatch, 0u);
}

TEST(VerifyTest, ViewThatIsNotAvailableIsNotCounted) {
  const Verified verified =
      VerifyLines(With(SetUpLines(), {R"({"i":5,"call":"dma_view","dev":"dev0","map":null})"}));
  EXPECT_EQ(verified.counts.calls, 4u);
}

TEST(VerifyTest, MissingChangeOfChargesIsTheCallsMismatch) {
  std::vector<std::string> lines = MapOnePageLines();
  lines.erase(lines.end() - 2);
  const Verified verified = VerifyLines(lines);
  EXPECT_EQ(verified.counts.calls, 6u);
  ASSERT_EQ(verified.counts.mismatch, 1u);
  EXPECT_EQ(verified.mismatches[0].step, 6u);
  EXPECT_EQ(verified.mismatches[0].bits, kMismatchCharges);
}

TEST(VerifyTest, WrongOrUnexpectedChangeOfChargesIsTheCallsMismatch) {
  std::vector<std::string> lines = MapOnePageLines();
  lines[lines.size() - 2] = ObserveLine(8, 0);
  EXPECT_EQ(VerifyLines(lines).counts.mismatch, 1u);
  lines = With(SetUpLines(), {ObserveLine(4, 0)});
  const Verified verified = VerifyLines(lines);
  ASSERT_EQ(verified.counts.mismatch, 1u);
  EXPECT_EQ(verified.mismatches[0].step, 4u);
}

TEST(VerifyTest, ChangeAtAnUncountedStepBelongsToTheCallBefore) {
  // No charge changes at the mmap: the recorded one is the mismatch of step 4.
  const Verified verified = VerifyLines(
      With(SetUpLines(), {MemoryLine(5), ObserveLine(4, 0),
                          IntegerLine(6, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 0)}));
  EXPECT_EQ(verified.counts.calls, 5u);
  ASSERT_EQ(verified.counts.mismatch, 1u);
  EXPECT_EQ(verified.mismatches[0].step, 4u);
}

TEST(VerifyTest, EachPartOfTheAnswerIsCompared) {
  struct Case {
    std::string line;
    uint32_t bits;
  };
  const std::vector<Case> cases = {
      {IntegerLine(5, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 1), kMismatchRet},
      {IntegerLine(5, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, -1, "ENOTTY"),
       kMismatchRet | kMismatchErrno},
      {StructLine(5, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67", "0800000000000000", "="),
       kMismatchOut},
      {StructLine(5, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67", "0800000000000000",
                  "0800000003000000", 0, "0", R"(,"spill":[["0x70000100","00"]])"),
       kMismatchSpill},
      {StructLine(5, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67", "0800000000000000",
                  "0800000003000000", 0, "0", R"(,"mem":[["0x70010000","00","01"]])"),
       kMismatchMem},
      {OpenLine(5, "@g1", "g1", "EPERM"), kMismatchErrno},
      {R"({"i":5,"call":"dma_view","dev":"dev0","map":[["0x0","0x1000","0x100000000","rw"]]})",
       kMismatchView},
  };
  for (const Case& c : cases) {
    const Verified verified = VerifyLines(With(SetUpLines(), {c.line}));
    ASSERT_EQ(verified.mismatches.size(), 1u) << c.line;
    EXPECT_EQ(verified.mismatches[0].bits, c.bits) << c.line;
    EXPECT_FALSE(verified.mismatches[0].expected.empty());
    EXPECT_NE(verified.mismatches[0].expected, verified.mismatches[0].actual) << c.line;
  }
}

TEST(VerifyTest, KernelThatIsNotModelledIsUnusable) {
  traces::Header header = ParseTestHeader(TestHeaderLine("type1"));
  header.set_kernel("4.19.1");
  traces::VectorSource source(header, {});
  EXPECT_EQ(Verify(source, "test", nullptr, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SameViewTest, RunThatNothingNamesStandsForAnyPages) {
  using What = ViewRun::What;
  const ViewRun some{0x1000, 0x3000, What::kSomePage, 0, kNoName, 3};
  const ViewRun a{0x1000, 0x1000, What::kVa, 0x5000, kNoName, 3};
  const ViewRun b{0x2000, 0x2000, What::kStale, 0x0, 4, 3};
  EXPECT_TRUE(SameView({some}, {a, b}));
  EXPECT_FALSE(SameView({some}, {a}));
  ViewRun readonly = b;
  readonly.rights = 1;
  EXPECT_FALSE(SameView({some}, {a, readonly}));
  EXPECT_FALSE(SameView({a, b}, {some}));
  EXPECT_TRUE(SameView({a, b}, {a, b}));
  EXPECT_FALSE(SameView({a}, {a, b}));
}

TEST(UnmodelledTest, IsTheRulesIdThatSaysSo) {
  const compat::Rule unmodelled{"unmodelled.device.gfx", "f", "t"};
  const compat::Rule modelled{"type1.map.overlap", "f", "t"};
  EXPECT_TRUE(IsUnmodelled(&unmodelled));
  EXPECT_FALSE(IsUnmodelled(&modelled));
  EXPECT_FALSE(IsUnmodelled(nullptr));
}

}  // namespace
}  // namespace iovalid::conformance
