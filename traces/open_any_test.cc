// SPDX-License-Identifier: Apache-2.0
#include "traces/open_any.h"

#include <fstream>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/golden.h"
#include "traces/random_event.h"
#include "traces/text.h"
#include "traces/trace_test_files.h"
#include "traces/writer.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

TEST(OpenAny, TellsByContentNotByName) {
  std::mt19937_64 random(3);
  Header header = RandomHeader(random);
  header.set_golden(1);
  std::vector<Event> events;
  for (int i = 0; i < 50; ++i) events.push_back(RandomEvent(random));
  VectorSource source(header, events);

  const std::string as_iovt = TempPath("a.jsonl");
  ASSERT_TRUE(WriteTrace(source, as_iovt).ok());
  source.Rewind();
  const std::string as_golden = TempPath("a.textproto");
  {
    std::ofstream out(as_golden);
    ASSERT_TRUE(ExportGolden(source, out).ok());
  }
  source.Rewind();
  const std::string as_text = TempPath("a.iovt");
  {
    std::ofstream out(as_text);
    ASSERT_TRUE(WriteText(source, out).ok());
  }
  EXPECT_EQ(*DetectKind(as_iovt), TraceFileKind::kIovt);
  EXPECT_EQ(*DetectKind(as_golden), TraceFileKind::kGolden);
  EXPECT_EQ(*DetectKind(as_text), TraceFileKind::kText);
  for (const std::string& path : {as_iovt, as_golden, as_text}) {
    auto opened = OpenAny(path);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_TRUE(SameMessage((*opened)->header(), header));
    const Drained drained = Drain(**opened);
    ASSERT_TRUE(drained.status.ok()) << drained.status;
    ASSERT_EQ(drained.events.size(), events.size());
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_TRUE(SameMessage(drained.events[i], events[i]));
    }
    EXPECT_THAT((*opened)->Where(), HasSubstr(path + ":"));
  }
}

TEST(OpenAny, RefusesOtherFiles) {
  EXPECT_EQ(OpenAny(TempPath("none")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(OpenAny(WriteAll(TempPath("empty"), "")).status().message()),
              HasSubstr("the file is empty"));
  EXPECT_THAT(std::string(OpenAny(WriteAll(TempPath("elf"), std::string("\x7f"
                                                                        "ELF\0\1",
                                                                        6)))
                              .status()
                              .message()),
              HasSubstr("byte 0: neither"));
  EXPECT_FALSE(OpenAny("/").ok());
}

}  // namespace
}  // namespace iovalid::traces
