// SPDX-License-Identifier: Apache-2.0
//
// Stands in for libFuzzer's main(): hands each file named on the command line, one test case each,
// and the empty input to the fuzz target that it is linked with.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// One input. A finding is a crash, an abort or a sanitizer report, not a return value.
class Input : public testing::Test {
 public:
  explicit Input(std::vector<char> bytes) : bytes_(std::move(bytes)) {}

  void TestBody() override {
    // libFuzzer ends with an error when the target returns neither 0 nor -1.
    const int result =
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size());
    EXPECT_TRUE(result == 0 || result == -1) << result;
  }

 private:
  std::vector<char> bytes_;
};

void Register(const std::string& name, std::vector<char> bytes) {
  testing::RegisterTest(
      "Corpus", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
      [bytes = std::move(bytes)]() -> testing::Test* { return new Input(bytes); });
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  Register("empty input", {});
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
      // Reading to the end sets eofbit only; anything else is an unreadable file.
      testing::RegisterTest("Corpus", argv[i], nullptr, nullptr, __FILE__, __LINE__,
                            []() -> testing::Test* {
                              class Unreadable : public testing::Test {
                                void TestBody() override { FAIL() << "cannot read the input"; }
                              };
                              return new Unreadable;
                            });
      continue;
    }
    Register(argv[i], std::move(bytes));
  }
  return RUN_ALL_TESTS();
}
