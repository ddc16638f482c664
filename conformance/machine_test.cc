// SPDX-License-Identifier: Apache-2.0
#include "conformance/machine.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "conformance/step_compiler.h"
#include "conformance/testing_trace.h"

namespace iovalid::conformance {
namespace {

using sim::Errno;

class MachineTest : public testing::Test {
 protected:
  explicit MachineTest(const std::string& header = TestHeaderLine("type1"))
      : header_(ParseTestHeader(header)),
        compiler_(header_),
        machine_(Create(*RecordedSide(header_))) {}

  Machine Create(const Side& side) {
    absl::StatusOr<Machine> machine = Machine::Create(header_, side);
    EXPECT_TRUE(machine.ok()) << machine.status().message();
    return *std::move(machine);
  }
  const StepResult& RunOn(Machine* machine, const std::string& line) {
    Step step;
    Expectation expected;
    EXPECT_TRUE(compiler_.Compile(ParseTestEvent(line), &step, &expected).ok());
    const absl::Status status = machine->Run(step, &result_);
    EXPECT_TRUE(status.ok()) << status.message();
    return result_;
  }
  const StepResult& Run(const std::string& line) { return RunOn(&machine_, line); }
  void SetUpContainer() {
    for (const std::string& line : SetUpLines()) {
      EXPECT_EQ(Run(line).err, Errno::kOk) << line;
    }
  }

  traces::Header header_;
  StepCompiler compiler_;
  Machine machine_;
  StepResult result_;
};

TEST_F(MachineTest, NamesStandForDescriptors) {
  Run(TestSequenceLine());
  EXPECT_EQ(Run(IntegerLine(1, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 0)).err, Errno::kBADF);
  EXPECT_TRUE(Run(OpenLine(2, "/dev/vfio/vfio", "c0")).returned_fd);
  EXPECT_EQ(Run(IntegerLine(3, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 0)).ret, 0);
  EXPECT_EQ(Run(IntegerLine(3, "999", "VFIO_GET_API_VERSION", "0x3b64", 0, 0)).err, Errno::kBADF);
  EXPECT_EQ(Run(R"({"i":4,"call":"close","fd":"c0","errno":"0"})").err, Errno::kOk);
  EXPECT_EQ(Run(R"({"i":5,"call":"close","fd":"c0","errno":"EBADF"})").err, Errno::kBADF);
}

TEST_F(MachineTest, FailedOpenTakesTheNameAway) {
  SetUpContainer();
  EXPECT_EQ(Run(OpenLine(5, "@g0", "g0", "EBUSY")).err, Errno::kBUSY);
  EXPECT_EQ(Run(StructLine(6, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67", "0800000000000000", "=", -1,
                           "EBADF"))
                .err,
            Errno::kBADF);
}

TEST_F(MachineTest, FilesOfOthersCanBeOpened) {
  Run(TestSequenceLine());
  EXPECT_TRUE(Run(OpenLine(1, "/dev/null", "n0")).returned_fd);
  EXPECT_EQ(Run(IntegerLine(2, "n0", "VFIO_GET_API_VERSION", "0x3b64", 0, -1, "ENOTTY")).err,
            Errno::kNOTTY);
  EXPECT_EQ(Run(OpenLine(3, "/dev/vfio/9999", "gx", "ENOENT")).err, Errno::kNOENT);
}

TEST_F(MachineTest, StructBytesComeBackAsTheKernelLeavesThem) {
  SetUpContainer();
  const StepResult& status =
      Run(StructLine(5, "g0", "VFIO_GROUP_GET_STATUS", "0x3b67", "0800000000000000", "="));
  EXPECT_TRUE(status.out_changed);
  EXPECT_EQ(status.out, (Bytes{8, 0, 0, 0, 3, 0, 0, 0}));
  EXPECT_TRUE(status.spill.empty());
}

TEST_F(MachineTest, DescriptorsInStructsAreTheMachinesOwn) {
  Run(TestSequenceLine());
  Run(OpenLine(1, "/dev/vfio/vfio", "c0"));
  Run(OpenLine(2, "@g0", "g0"));
  const StepResult& result = Run(StructLine(3, "g0", "VFIO_GROUP_SET_CONTAINER", "0x3b68",
                                            "00000000", "=", 0, "0", R"(,"fdfix":[[0,"c0"]])"));
  EXPECT_EQ(result.err, Errno::kOk);
  EXPECT_FALSE(result.out_changed);
}

TEST_F(MachineTest, ReturnedDescriptorHasTheRecordedName) {
  SetUpContainer();
  EXPECT_TRUE(Run(DeviceFdLine(5)).returned_fd);
  EXPECT_EQ(Run(R"({"i":6,"call":"close","fd":"d0","errno":"0"})").err, Errno::kOk);
}

TEST_F(MachineTest, DescriptorOfACallThatFailedWhenRecordedIsNamedByItsDevice) {
  SetUpContainer();
  const std::string failed = StructLine(5, "g0", "VFIO_GROUP_GET_DEVICE_FD", "0x3b6a",
                                        "303030303a30303a30352e3000", "=", -1, "EINVAL");
  EXPECT_TRUE(Run(failed).returned_fd);
  EXPECT_EQ(Run(R"({"i":6,"call":"close","fd":"d0","errno":"0"})").err, Errno::kOk);
}

TEST_F(MachineTest, ChargesAreInKilobytes) {
  SetUpContainer();
  Run(MemoryLine(5));
  const StepResult& mapped =
      Run(StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "="));
  EXPECT_EQ(mapped.err, Errno::kOk);
  EXPECT_TRUE(mapped.charges_changed);
  EXPECT_EQ(mapped.vm_lck, 4u);
  EXPECT_EQ(mapped.vm_pin, 0u);
}

TEST_F(MachineTest, ViewNamesPagesByTheLowestAddressAndThenByWhatTheyWere) {
  SetUpContainer();
  Run(MemoryLine(5));
  Run(StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "="));
  const std::string view = R"({"i":7,"call":"dma_view","dev":"dev0","map":[]})";
  ASSERT_EQ(Run(view).view.size(), 1u);
  EXPECT_EQ(result_.view[0],
            (ViewRun{0x100000, 0x1000, ViewRun::What::kVa, 0x100000000, kNoName, 3}));
  Run(R"({"i":8,"call":"munmap","addr":"0x100000000","len":65536,"errno":"0"})");
  ASSERT_EQ(Run(view).view.size(), 1u);
  EXPECT_EQ(result_.view[0].what, ViewRun::What::kStale);
  EXPECT_EQ(compiler_.handles().name(result_.view[0].label), "m0");
}

TEST_F(MachineTest, EverySequenceStartsFresh) {
  SetUpContainer();
  Run(MemoryLine(5));
  Run(StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "="));
  const StepResult& begin = Run(TestSequenceLine());
  EXPECT_EQ(begin.vm_lck, 0u);
  EXPECT_EQ(Run(IntegerLine(1, "c0", "VFIO_GET_API_VERSION", "0x3b64", 0, 0)).err, Errno::kBADF);
  EXPECT_FALSE(machine_.memory().mm(0).Mapped(0x100000000, 4096));
}

TEST_F(MachineTest, CopiesAreIndependent) {
  SetUpContainer();
  Run(MemoryLine(5));
  Machine copy = machine_;
  const std::string map = StructLine(6, "c0", "VFIO_IOMMU_MAP_DMA", "0x3b71", kMapOnePage, "=");
  EXPECT_EQ(RunOn(&copy, map).err, Errno::kOk);
  EXPECT_EQ(copy.memory().pinned_pages(), 1u);
  EXPECT_EQ(machine_.memory().pinned_pages(), 0u);
  EXPECT_EQ(Run(map).err, Errno::kOk);
  EXPECT_EQ(RunOn(&copy, map).err, Errno::kEXIST);
  Machine moved = std::move(copy);
  EXPECT_EQ(RunOn(&moved, map).err, Errno::kEXIST);
}

TEST_F(MachineTest, ContainerIsWhatTheModeOpens) {
  for (const char* name : {"compat", "compat-node"}) {
    Machine machine = Create(*ParseSide(name));
    RunOn(&machine, TestSequenceLine());
    RunOn(&machine, OpenLine(1, "/dev/vfio/vfio", "c0"));
    // iommufd claims the extension of no-iommu, type1 without such a group does not.
    EXPECT_EQ(RunOn(&machine, IntegerLine(2, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1)).ret, 0)
        << name;
  }
  SetUpContainer();
  EXPECT_EQ(Run(IntegerLine(5, "c0", "VFIO_CHECK_EXTENSION", "0x3b65", 10, 1)).ret, 1);
}

TEST_F(MachineTest, IommuTypeCanBeReplaced) {
  Side side = *ParseSide("type1");
  side.iommu_type = 8;  // no-iommu: refused for a group with an IOMMU
  Machine machine = Create(side);
  Errno last = Errno::kOk;
  for (const std::string& line : SetUpLines()) last = RunOn(&machine, line).err;
  EXPECT_NE(last, Errno::kOk);
}

TEST_F(MachineTest, StructBeyondTheArgumentPageCannotBeReplayed) {
  Run(TestSequenceLine());
  Step step;
  Expectation expected;
  const std::string line =
      StructLine(1, "c0", "RAW", "0x3b70", std::string(2 * 4097, '0'), "=", -1, "EBADF");
  ASSERT_TRUE(compiler_.Compile(ParseTestEvent(line), &step, &expected).ok());
  EXPECT_EQ(machine_.Run(step, &result_).code(), absl::StatusCode::kInvalidArgument);
}

class CaptureMachineTest : public MachineTest {
 protected:
  CaptureMachineTest()
      : MachineTest(R"({"golden":1,"capture":true)" + TestHeaderLine("type1").substr(11)) {}
};

TEST_F(CaptureMachineTest, StructsLargerThanAPageFit) {
  SetUpContainer();
  const std::string line = StructLine(5, "c0", "VFIO_IOMMU_GET_INFO", "0x3b70",
                                      "18000000" + std::string(2 * 8188, '0'), "=");
  const StepResult& result = Run(line);
  EXPECT_EQ(result.err, Errno::kOk);
  EXPECT_EQ(result.out.size(), 8192u);
}

TEST_F(CaptureMachineTest, BuffersOnTheProgramsStackExist) {
  SetUpContainer();
  const std::string line =
      StructLine(5, "c0", "VFIO_IOMMU_DIRTY_PAGES", "0x3b75",
                 "3000000004000000000010000000000000100000000000000010000000000000"
                 "080000000000000000f0ffffff7f0000",
                 "=", -1, "EINVAL", R"(,"mem":[["0x7fffffffe000","0000000000000000","="]])");
  EXPECT_EQ(Run(line).err, Errno::kINVAL);
  EXPECT_EQ(result_.mem.size(), 1u);
}

}  // namespace
}  // namespace iovalid::conformance
