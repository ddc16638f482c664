// SPDX-License-Identifier: Apache-2.0
//
// A trace of many calls is written, verified, replayed and read from the middle in memory that does
// not grow with it.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>
#include <string>
#include <vector>

#include "conformance/machine.h"
#include "conformance/recorder.h"
#include "conformance/replay.h"
#include "conformance/report_text.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "conformance/step_compiler.h"
#include "conformance/verify.h"
#include "traces/reader.h"
#include "traces/trace_test_files.h"
#include "traces/writer.h"

namespace iovalid::conformance {
namespace {

constexpr uint64_t kCalls = 1'000'000;
constexpr long kMostKb = 200 << 10;

long PeakKb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(LongTraceTest, MemoryDoesNotGrowWithTheTrace) {
  const std::string path = traces::TempPath("long.iovt");
  const traces::Header header = search::SearchHeader(traces::TYPE1);
  auto writer = traces::TraceWriter::Create(path, header);
  ASSERT_TRUE(writer.ok()) << writer.status();
  Machine machine = *Machine::Create(header, *RecordedSide(header), {.views = false});
  StepCompiler compiler(header);
  std::vector<traces::Event> recorded;
  uint64_t calls = 0, number = 0;
  const auto run = [&](traces::Event event) {
    event.set_step(++number);
    Step step;
    Expectation unused;
    StepResult result;
    ASSERT_TRUE(compiler.Compile(event, &step, &unused).ok());
    ASSERT_TRUE(machine.Run(step, &result).ok());
    calls += step.IsCall();
    recorded.clear();
    Record(event, step, result, &recorded);
    for (const traces::Event& e : recorded) ASSERT_TRUE((*writer)->Append(e).ok());
  };
  for (const traces::Event& event : search::StartingCalls(search::Start::kReady, 3)) run(event);
  std::mt19937_64 random(1);
  while (calls < kCalls) {
    const uint64_t iova = random() % 64 * 0x10000, size = (1 + random() % 16) * search::kPage;
    run(random() % 2 == 0 ? search::MapCall("c0", iova, search::kBuffer, size, 3)
                          : search::UnmapCall("c0", iova, size));
  }
  ASSERT_TRUE((*writer)->Finish().ok());

  auto source = *traces::TraceReader::Open(path);
  const auto verified = Verify(*source, path, [](const Mismatch&) {}, {});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->counts.calls, calls);
  EXPECT_EQ(verified->counts.match, calls);

  source = *traces::TraceReader::Open(path);
  std::ostringstream text;
  TextReporter reporter(text, Style(), false);
  const auto replayed =
      Replay(*source, path, *ParseSide("type1"), *ParseSide("type1"), &reporter, {});
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->calls, calls);
  EXPECT_EQ(replayed->differing(), 0u);

  source = *traces::TraceReader::Open(path);
  const uint64_t events = *source->EventCount();
  ASSERT_TRUE(source->Seek(events - 1).ok());
  traces::Event last;
  ASSERT_TRUE(*source->Next(&last));
  EXPECT_TRUE(traces::SameMessage(last, recorded.back()));
  EXPECT_LT(PeakKb(), kMostKb);
  unlink(path.c_str());
}

}  // namespace
}  // namespace iovalid::conformance
