// SPDX-License-Identifier: Apache-2.0
// The program of docs/embedding.md; the part between the marks is printed there.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

// [embedding]
#include <cstdio>

#include "hwmodel/hwmodel.h"

using namespace iovalid::hwmodel;

int TranslateOnce() {
  // Memory for tables; a PhysicalMemory of your own does as well for the unit.
  TableMemory memory;

  // The driver's half: RISC-V Sv48, one mapping of 64 KiB.
  IoPageTableConfig config;
  config.format = FormatId::kRiscvSv;
  config.levels = 4;
  config.input_bits = 48;
  IoPageTable table(memory, config, /*owner=*/1);
  table.Map(memory, 0x10000, 0x80000000, 0x10000, kRead | kWrite);

  // The hardware's half: device 7 goes through these tables.
  Unit unit((UnitConfig()));
  Context context;
  context.mode = Context::Mode::kSecond;
  context.second = table.stage();
  unit.SetContext(7, context);

  const Translation good = unit.Translate(memory, {7, 0x12345, kRead});
  const Translation bad = unit.Translate(memory, {7, 0x90000, kWrite});
  FaultRecord fault;
  unit.faults().Take(&fault);
  std::printf("%#lx, fault %u\n", static_cast<unsigned long>(good.address),
              FaultCode(Architecture::kRiscv, fault));
  return good.ok && !bad.ok ? 0 : 1;
}
// [embedding]

TEST(EmbeddingTest, TheProgramOfTheDocumentRuns) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(TranslateOnce(), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "0x80002345, fault 23\n");
}

std::string Between(const std::string& path, const std::string& from, const std::string& to) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return "no " + from + " in " + path;
  const size_t first = begin + from.size();
  return text.substr(first, text.find(to, first) - first);
}

TEST(EmbeddingTest, TheDocumentShowsThisProgram) {
  const std::string program =
      Between("hwmodel/embedding_test.cc", "// [embedding]\n", "// [embedding]\n");
  EXPECT_EQ(Between("docs/embedding.md", "```cpp\n", "```"), program);
}
