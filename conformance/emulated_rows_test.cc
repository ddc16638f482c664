// SPDX-License-Identifier: Apache-2.0
//
// The traces of testdata/emulated: what type1 and compat answer differently for emulated devices and
// without an IOMMU. Each trace is first verified on the side that its header names, with what it
// says was answered; then replayed on both.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conformance/differ.h"
#include "conformance/machine.h"
#include "conformance/step_compiler.h"
#include "conformance/verify.h"
#include "sim/errno.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

struct Row {
  const char* file;
  // Each call that differs, "step: type1 | compat". "n pages": VmLck and VmPin together, where the
  // sides' charges begin to differ or differ in another way.
  std::vector<std::string> differences;
};

void PrintTo(const Row& row, std::ostream* os) { *os << row.file; }

std::string Path(const Row& row) {
  return std::string("conformance/testdata/emulated/") + row.file + ".textproto";
}

std::string Text(const StepResult& result) {
  if (result.err != sim::Errno::kOk) return std::string(sim::ErrnoName(result.err));
  return std::to_string(result.ret);
}

std::vector<std::string> Differences(const Row& row) {
  std::vector<std::string> out;
  auto source = traces::OpenAny(Path(row));
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return out;
  const traces::Header& header = (*source)->header();
  auto left = Machine::Create(header, *ParseSide("type1"));
  auto right = Machine::Create(header, *ParseSide("compat"));
  EXPECT_TRUE(left.ok()) << left.status();
  EXPECT_TRUE(right.ok()) << right.status();
  if (!left.ok() || !right.ok()) return out;
  Differ differ(*std::move(left), *std::move(right));
  StepCompiler compiler(header);
  Step step;
  Expectation expected;
  uint64_t charged_left = 0, charged_right = 0;
  absl::Status read;
  for (const traces::Event& event : traces::Events(**source, &read)) {
    absl::Status status = compiler.Compile(event, &step, &expected);
    if (status.ok()) status = differ.Run(step);
    EXPECT_TRUE(status.ok()) << status;
    const Differ::Report& report = differ.report();
    const uint64_t now_left = (report.left.vm_lck + report.left.vm_pin) / 4;
    const uint64_t now_right = (report.right.vm_lck + report.right.vm_pin) / 4;
    const bool charges = step.process == 0 && now_left != now_right &&
                         (now_left != charged_left || now_right != charged_right);
    if (step.process == 0) {
      charged_left = now_left;
      charged_right = now_right;
    }
    std::string where = std::to_string(event.step()) + ": ";
    if (report.outcome_differs) {
      const bool text = Text(report.left) != Text(report.right);
      const bool notices = report.left.notices != report.right.notices;
      if (text) {
        out.push_back(where + Text(report.left) + " | " + Text(report.right));
      } else {
        out.push_back(where + (notices ? "notices" : "bytes"));
      }
    }
    if (charges) {
      out.push_back(where + std::to_string(now_left) + " pages | " + std::to_string(now_right) +
                    " pages");
    }
  }
  EXPECT_TRUE(read.ok()) << read;
  return out;
}

class EmulatedRowsTest : public testing::TestWithParam<Row> {};

TEST_P(EmulatedRowsTest, IsAsRecorded) {
  auto source = traces::OpenAny(Path(GetParam()));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto result = Verify(
      **source, GetParam().file,
      [](const Mismatch& mismatch) {
        ADD_FAILURE() << "step " << mismatch.step << ": " << mismatch.call << ": "
                      << MismatchText(mismatch.bits) << ", by " << mismatch.rule;
      },
      [](uint64_t) {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->counts.calls, 4u);
  EXPECT_EQ(result->skipped, 0u);
}

TEST_P(EmulatedRowsTest, DiffersWhereItShould) {
  EXPECT_EQ(Differences(GetParam()), GetParam().differences);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, EmulatedRowsTest,
    testing::Values(
        Row{"map-and-join", {"10: 4 pages | 1 pages", "12: 4 pages | 1 pages"}},
        Row{"row37-noiommu-mixed", {"5: EPERM | EINVAL"}},
        Row{"row39-update-vaddr", {"5: 1 | 0"}}, Row{"row51-iova-ranges", {"7: bytes"}},
        Row{"row62-pin-on-v1", {"8: EACCES | 1", "8: 0 pages | 1 pages"}},
        Row{"row63-pin-missing", {"8: EINVAL | ENOENT", "9: EINVAL | ENOENT", "10: EINVAL | ENOENT"}},
        Row{"row64-pins-in-parts", {"12: 1 pages | 2 pages", "13: 0 pages | 2 pages",
                                    "15: E2BIG | ENOENT"}},
        Row{"row65-copy-from-another-process", {"10: EFAULT | 0"}},
        Row{"row66-copy-to-write-only", {"8: EPERM | 0"}},
        Row{"row67-unmap-notices", {"13: notices"}},
        Row{"row67-broken-driver", {"9: EOPNOTSUPP | EDEADLK", "10: 1 | EINVAL"}},
        Row{"row74-noiommu-calls",
            {"6: ENOTTY | ENODEV", "7: ENOTTY | ENODEV", "8: ENOTTY | ENODEV", "11: 0 | ENODEV"}},
        Row{"row75-noiommu-types", {"4: ENODEV | EINVAL", "5: ENODEV | EINVAL"}},
        Row{"row76-noiommu-twice", {"5: EINVAL | 0", "7: EBUSY | 0"}},
        Row{"row79-mapping-of-a-process-that-is-gone", {"10: ENODEV | EFAULT"}}),
    [](const testing::TestParamInfo<Row>& info) {
      std::string name = info.param.file;
      for (char& c : name) {
        if (c == '-') c = '_';
      }
      return name;
    });

}  // namespace
}  // namespace iovalid::conformance
