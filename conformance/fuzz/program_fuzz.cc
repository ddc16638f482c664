// SPDX-License-Identifier: Apache-2.0
//
// Programs of the search's calls with changed arguments, through both models: no sanitizer report, no
// difference that the catalogue does not explain, no broken invariant.
//
// What is found is shrunk. With IOVALID_FUZZ_FINDINGS set to a directory it is written there as a
// trace, once for each kind, and the run goes on; without, the run ends there.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "conformance/fuzz/oracle.h"
#include "traces/event_source.h"
#include "traces/writer.h"

namespace iovalid::conformance::fuzz {
namespace {

uint64_t programs = 0, calls = 0, kinds = 0;

void PrintTotals() {
  std::fprintf(stderr, "fuzz: %llu programs, %llu calls, %llu findings\n",
               static_cast<unsigned long long>(programs), static_cast<unsigned long long>(calls),
               static_cast<unsigned long long>(kinds));
}

Oracle& TheOracle() {
  // Lives as long as the program: libFuzzer calls back until the end.
  static Oracle* const oracle = [] {
    auto made = Oracle::Create();
    if (!made.ok()) std::abort();
    return new Oracle(*std::move(made));
  }();
  return *oracle;
}

uint64_t HashOf(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void WriteFinding(const Finding& finding, const std::string& directory) {
  char name[40];
  std::snprintf(name, sizeof(name), "/finding-%016llx.iovt",
                static_cast<unsigned long long>(HashOf(finding.kind)));
  traces::VectorSource source(TheOracle().header(), TheOracle().Events(finding.program));
  const absl::Status status = traces::WriteTrace(source, directory + name);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    std::abort();
  }
  std::fprintf(stderr, "FINDING %s%s\n%s", directory.c_str(), name,
               TheOracle().ToText(finding).c_str());
}

void Report(const Finding& found) {
  static auto* const seen = new std::set<std::string>;
  if (!seen->insert(found.kind).second) return;
  ++kinds;
  const Finding finding = TheOracle().Shrink(found);
  if (const char* directory = std::getenv("IOVALID_FUZZ_FINDINGS")) {
    WriteFinding(finding, directory);
    return;
  }
  std::fprintf(stderr, "FINDING %s", TheOracle().ToText(finding).c_str());
  std::abort();
}

const search::LetterChoice& Choice() {
  static const auto* const choice = new search::LetterChoice;
  return *choice;
}

size_t Store(const Program& program, uint8_t* data, size_t max_size) {
  const std::vector<uint8_t> bytes = ProgramBytes(program);
  if (bytes.size() > max_size) return 0;
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

}  // namespace
}  // namespace iovalid::conformance::fuzz

using namespace iovalid::conformance::fuzz;  // NOLINT: the entry points stand outside

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::atexit(PrintTotals);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ++programs;
  if (const auto finding = TheOracle().Run(ParseProgram({data, size}), &calls)) Report(*finding);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  Program program = ParseProgram({data, size});
  const uint64_t bits = seed * 0x9e3779b97f4a7c15ull;
  for (uint64_t n = 1 + bits % 4, i = 0; i < n; ++i) Mutate(Choice(), bits + i * 0x51ed27, &program);
  return Store(program, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b,
                                            size_t b_size, uint8_t* out, size_t max_size,
                                            unsigned int seed) {
  return Store(Cross(ParseProgram({a, a_size}), ParseProgram({b, b_size}), seed), out, max_size);
}
