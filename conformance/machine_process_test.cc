// SPDX-License-Identifier: Apache-2.0
//
// Several processes, and DMA of the devices, in a replay.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conformance/machine.h"
#include "conformance/step_compiler.h"
#include "conformance/testing_trace.h"
#include "conformance/verify.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

constexpr char kUnmapOnePage[] = "180000000000000000001000000000000010000000000000";

// Runs lines on one machine.
class Session {
 public:
  explicit Session(std::string_view mode)
      : header_(ParseTestHeader(TestHeaderLine(mode))),
        compiler_(header_),
        machine_(*Machine::Create(header_, *RecordedSide(header_))) {}

  absl::Status Try(const std::string& line) {
    Step step;
    Expectation expected;
    absl::Status status = compiler_.Compile(ParseTestEvent(line), &step, &expected);
    if (status.ok()) status = machine_.Run(step, &result_);
    return status;
  }
  const StepResult& Run(const std::string& line) {
    const absl::Status status = Try(line);
    EXPECT_TRUE(status.ok()) << status << " in " << line;
    return result_;
  }
  void RunAll(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) Run(line);
  }
  const Machine& machine() const { return machine_; }

 private:
  traces::Header header_;
  StepCompiler compiler_;
  Machine machine_;
  StepResult result_;
};

std::string MapLine(int i, int task = 0) {
  return StructLine(i, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "=", 0, "0",
                    task == 0 ? "" : R"(,"task":)" + std::to_string(task));
}

std::string DmaLine(int i, std::string_view iova, int len, std::string_view data = "") {
  return R"({"i":)" + std::to_string(i) + R"(,"call":"device_dma","dev":"dev0","iova":")" +
         std::string(iova) + R"(","len":)" + std::to_string(len) +
         (data.empty() ? R"(,"dir":"r")" : R"(,"dir":"w","data":")" + std::string(data) + '"') +
         "}";
}

class ForkTrace : public ::testing::TestWithParam<const char*> {};

// What kernels 7.3 and 6.12 answered to a program that maps, forks, maps in the child, unmaps each
// other's mappings and lets the child exit with mappings alive.
TEST_P(ForkTrace, IsAsRecorded) {
  const std::string path = std::string("conformance/testdata/fork.") + GetParam() + ".jsonl";
  auto source = traces::OpenAny(path);
  ASSERT_TRUE(source.ok()) << source.status();
  std::string told;
  const auto result = Verify(**source, path, [&](const Mismatch& m) { told += m.call + "\n"; }, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->counts.calls, 16u);
  EXPECT_EQ(result->counts.match, 16u) << told;
}
INSTANTIATE_TEST_SUITE_P(Modes, ForkTrace, ::testing::Values("type1", "compat"));

// vfio_lock_acct: who maps is charged, whoever else has the descriptor.
TEST(MachineProcessTest, ChildIsChargedForItsOwnMappings) {
  Session session("type1");
  session.RunAll(SetUpLines());
  session.Run(MemoryLine(5));
  session.Run(R"({"i":6,"call":"fork","child":1})");
  const StepResult& mapped = session.Run(MapLine(7, 1));
  EXPECT_EQ(mapped.vm_lck, 4u);
  EXPECT_TRUE(mapped.other_charges.empty());
  // The parent takes it away: the child's charge is seen to change.
  const StepResult& unmapped =
      session.Run(StructLine(8, "c0", "VFIO_IOMMU_UNMAP_DMA", "0x3b72", kUnmapOnePage, "=", 0));
  EXPECT_FALSE(unmapped.charges_changed);
  ASSERT_EQ(unmapped.other_charges.size(), 1u);
  EXPECT_EQ(unmapped.other_charges[0].process, 1u);
  EXPECT_EQ(unmapped.other_charges[0].vm_lck, 0u);
}

// put_files_struct: a descriptor that the child still has keeps the container, and its mappings.
TEST(MachineProcessTest, MappingsLiveUntilTheLastDescriptorGoes) {
  Session session("type1");
  session.RunAll(SetUpLines());
  session.RunAll({DeviceFdLine(5), MemoryLine(6), R"({"i":7,"call":"fork","child":1})"});
  session.Run(MapLine(8, 1));
  session.Run(R"({"i":9,"call":"exit","status":0})");
  EXPECT_EQ(session.machine().memory().pinned_pages(), 1u);
  session.Run(R"({"i":10,"task":1,"call":"exit","status":0})");
  EXPECT_EQ(session.machine().memory().pinned_pages(), 0u);
  EXPECT_EQ(session.machine().system().CountLive().files, 0u);
}

TEST(MachineProcessTest, ExecKeepsWhatItNames) {
  Session session("type1");
  session.RunAll(SetUpLines());
  session.RunAll({DeviceFdLine(5), MemoryLine(6)});
  EXPECT_EQ(session.Run(MapLine(7)).vm_lck, 4u);
  const StepResult& exec = session.Run(R"({"i":8,"call":"exec","kept":["c0","d0"]})");
  EXPECT_EQ(exec.vm_lck, 0u);  // the new address space owes nothing
  EXPECT_EQ(session.Run(R"({"i":9,"call":"close","fd":"g0","errno":"0"})").err, sim::Errno::kBADF);
  // The mapping lives on, the memory that it was made from does not.
  EXPECT_EQ(session.machine().memory().pinned_pages(), 1u);
  EXPECT_EQ(session.Run(MapLine(10)).err, sim::Errno::kEXIST);
  session.Run(StructLine(11, "c0", "VFIO_IOMMU_UNMAP_DMA", "0x3b72", kUnmapOnePage, "=", 0));
  EXPECT_EQ(session.Run(MapLine(12)).err, sim::Errno::kFAULT);
  EXPECT_EQ(session.machine().memory().pinned_pages(), 0u);
}

TEST(MachineProcessTest, TasksThatAreNotThereAreRefused) {
  Session session("type1");
  session.Run(TestSequenceLine());
  EXPECT_EQ(session.Try(R"({"i":1,"task":1,"call":"exit","status":0})").message(),
            "task 1 was never forked, or has ended");
  session.Run(R"({"i":2,"call":"fork","child":1})");
  EXPECT_EQ(session.Try(R"({"i":3,"call":"fork","child":1})").message(),
            "fork: task 1 is there already");
  session.Run(R"({"i":4,"task":1,"call":"exit","status":0})");
  EXPECT_FALSE(session.Try(R"({"i":5,"task":1,"call":"close","fd":"c0","errno":"0"})").ok());
  EXPECT_TRUE(session.Try(R"({"i":6,"call":"fork","child":1})").ok());
  for (int i = 2; i < static_cast<int>(kMaxProcesses) - 1; ++i) {
    session.Run(R"({"i":7,"call":"fork","child":)" + std::to_string(i) + "}");
  }
  EXPECT_EQ(session.Try(R"({"i":8,"call":"fork","child":9999})").message(),
            "more than 256 processes in one sequence");
}

// A device reaches memory through the page tables and nothing else.
TEST(MachineProcessTest, DeviceDma) {
  Session session("type1");
  session.RunAll(SetUpLines());
  session.RunAll({DeviceFdLine(5), MemoryLine(6)});
  EXPECT_EQ(session.Run(DmaLine(7, "0x100ffe", 4, "01020304")).err, sim::Errno::kFAULT);
  session.Run(MapLine(8));
  const StepResult& written = session.Run(DmaLine(9, "0x100ffe", 2, "0102"));
  EXPECT_EQ(written.err, sim::Errno::kOk);
  EXPECT_EQ(written.ret, 2);
  // Over the end of the mapping: what was moved before the fault stays moved.
  const StepResult& torn = session.Run(DmaLine(10, "0x100ffd", 8));
  EXPECT_EQ(torn.err, sim::Errno::kFAULT);
  EXPECT_EQ(torn.ret, 3);
  EXPECT_EQ(torn.data, (Bytes{0, 1, 2}));
  session.Run(StructLine(11, "c0", "VFIO_IOMMU_UNMAP_DMA", "0x3b72", kUnmapOnePage, "=", 0));
  EXPECT_EQ(session.Run(DmaLine(12, "0x100000", 1)).err, sim::Errno::kFAULT);
}

}  // namespace
}  // namespace iovalid::conformance
