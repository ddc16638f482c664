// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "conformance/fuzz/oracle.h"
#include "conformance/fuzz/program.h"
#include "conformance/search/alphabet.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed);

namespace iovalid::conformance::fuzz {
namespace {

TEST(FuzzProgram, AnyBytesAreAProgramWithinItsLimits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<uint8_t> bytes(random() % 300);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const Program program = ParseProgram(bytes);
    EXPECT_LE(program.calls.size(), kMostCalls);
    EXPECT_EQ(program.calls.size(),
              bytes.empty() ? 0 : std::min(kMostCalls, (bytes.size() - 1) / 4));
    for (const Call& call : program.calls) EXPECT_LT(call.letter, search::Alphabet().size());
    EXPECT_EQ(ParseProgram(ProgramBytes(program)), program);
  }
}

TEST(FuzzProgram, MutationsReachEveryKindOfChange) {
  const search::LetterChoice choice;
  std::mt19937_64 random(2);
  Program program;
  std::set<size_t> lengths;
  std::set<uint16_t> letters;
  std::set<uint8_t> starts, values;
  for (int i = 0; i < 20000; ++i) {
    const Program before = program;
    Mutate(choice, random(), &program);
    ASSERT_LE(program.calls.size(), kMostCalls);
    const auto longer = static_cast<long>(program.calls.size() - before.calls.size());
    EXPECT_LE(std::abs(longer), 1);
    lengths.insert(program.calls.size());
    starts.insert(program.start);
    for (const Call& call : program.calls) {
      letters.insert(call.letter);
      values.insert(call.value);
    }
  }
  EXPECT_GT(lengths.size(), 10u);
  EXPECT_GT(starts.size(), 20u);
  EXPECT_GT(values.size(), 40u);
  EXPECT_GT(letters.size(), search::Alphabet().size() / 2);
}

TEST(FuzzProgram, TheMutatorKeepsToTheSizeItIsGiven) {
  std::vector<uint8_t> bytes(41);
  size_t size = 0;
  for (unsigned seed = 1; seed < 500; ++seed) {
    size = LLVMFuzzerCustomMutator(bytes.data(), size, bytes.size(), seed);
    ASSERT_LE(size, bytes.size());
  }
}

TEST(FuzzProgram, TheArgumentChangesAlikeInStepAndEvent) {
  auto oracle = Oracle::Create();
  ASSERT_TRUE(oracle.ok()) << oracle.status();
  // MAP_DMA with another IOVA, wherever it stands in the alphabet.
  size_t letter = 0;
  while (search::Alphabet()[letter].event.ioctl().cmd() != "VFIO_IOMMU_MAP_DMA") ++letter;
  const Call call{static_cast<uint16_t>(letter), 0x80 | 4, 11};  // bytes 16 to 23
  traces::Event event = search::Alphabet()[letter].event;
  ChangeArgument(call, &event);
  Step step;
  IoctlAction action;
  action.argument = IoctlAction::Argument::kStruct;
  const std::string& in = search::Alphabet()[letter].event.ioctl().in();
  action.in.assign(in.begin(), in.end());
  step.action = action;
  ChangeArgument(call, &step);
  const Bytes& changed = std::get<IoctlAction>(step.action).in;
  EXPECT_EQ(event.ioctl().in(), std::string(changed.begin(), changed.end()));
  uint64_t iova = 0;
  std::memcpy(&iova, changed.data() + 16, sizeof(iova));
  EXPECT_EQ(iova, EdgeValue(11));
}

// A letter is refused by both models in the same way for a bad descriptor; that is no finding.
TEST(FuzzOracle, KnownDifferencesAreNoFindings) {
  auto oracle = Oracle::Create();
  ASSERT_TRUE(oracle.ok()) << oracle.status();
  uint64_t calls = 0;
  for (uint16_t letter = 0; letter < search::Alphabet().size(); ++letter) {
    for (uint8_t start = 0; start < 12; ++start) {
      const auto finding = oracle->Run({start, {{letter, 0, 0}}}, &calls);
      EXPECT_FALSE(finding.has_value()) << oracle->ToText(*finding);
    }
  }
  EXPECT_EQ(calls, search::Alphabet().size() * 12);
}

TEST(FuzzCorpus, HoldsNoFinding) {
  LLVMFuzzerTestOneInput(nullptr, 0);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("conformance/fuzz/corpus", error)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file),
                                  std::istreambuf_iterator<char>()};
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              0);
  }
}

}  // namespace
}  // namespace iovalid::conformance::fuzz
