// SPDX-License-Identifier: Apache-2.0
#include "conformance/suite/fixture.h"

#include <cctype>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_split.h"
#include "conformance/search/failed_program.h"

namespace iovalid::conformance::suite {
namespace {

std::string NameOfTest() {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return std::string(test->test_suite_name()) + "." + test->name();
}

}  // namespace

ConformanceTest::ConformanceTest() : kernel(GetParam(), NameOfTest()) {}

void ConformanceTest::BeginAt(Start start, int64_t iommu_type) {
  kernel.RunAll(search::StartingCalls(start, static_cast<uint32_t>(iommu_type)));
}

void ConformanceTest::TearDown() {
  if (!HasFailure()) return;
  ADD_FAILURE() << search::FailureText({.broken = "the program of the failed test",
                                        .header = kernel.header(),
                                        .events = kernel.program()});
}

std::vector<Side> SidesIn(std::string_view list) {
  std::vector<Side> sides;
  for (const absl::string_view name : absl::StrSplit(std::string(list), ',')) {
    const auto side = ParseSide(std::string(name));
    if (!side.ok()) {
      std::cerr << side.status() << std::endl;
      std::abort();
    }
    sides.push_back(*side);
  }
  return sides;
}

std::string SideLabel(const testing::TestParamInfo<Side>& param) {
  std::string label = param.param.Name();
  for (char& c : label) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return label;
}

}  // namespace iovalid::conformance::suite
