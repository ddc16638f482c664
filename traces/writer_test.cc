// SPDX-License-Identifier: Apache-2.0
#include "traces/writer.h"

#include <glob.h>
#include <sys/stat.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/limits.h"
#include "traces/reader.h"
#include "traces/trace_test_files.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

Event Opening(const std::string& path) {
  Event event;
  event.mutable_open()->set_path(path);
  return event;
}

size_t PartFiles(const std::string& path) {
  glob_t found;
  glob((path + ".part-*").c_str(), 0, nullptr, &found);
  const size_t count = found.gl_pathc;
  globfree(&found);
  return count;
}

TEST(TraceWriter, TheFileAppearsOnlyWhenFinished) {
  const std::string path = TempPath("atomic.iovt");
  {
    auto writer = TraceWriter::Create(path, Header());
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Append(Opening("/dev/iommu")).ok());
    EXPECT_NE(access(path.c_str(), F_OK), 0);
    EXPECT_EQ(PartFiles(path), 1u);
    ASSERT_TRUE((*writer)->Finish().ok());
    EXPECT_EQ((*writer)->Finish().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ((*writer)->Append(Opening("x")).code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(PartFiles(path), 0u);
  auto reader = TraceReader::Open(path);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(Drain(**reader).events.size(), 1u);
}

TEST(TraceWriter, AnAbandonedWriteLeavesTheOldFileAlone) {
  const std::string path = WriteAll(TempPath("old.iovt"), "precious");
  {
    auto writer = TraceWriter::Create(path, Header());
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Append(Opening("x")).ok());
  }
  EXPECT_EQ(ReadAll(path), "precious");
  EXPECT_EQ(PartFiles(path), 0u);
}

TEST(TraceWriter, ASourceThatFailsLeavesNothing) {
  class Failing : public EventSource {
   public:
    const Header& header() const override { return header_; }
    absl::StatusOr<bool> Next(Event* event) override {
      if (calls_++ > 3) return absl::DataLossError("broken");
      *event = Opening("x");
      return true;
    }
    std::string Where() const override { return "here"; }

   private:
    Header header_;
    int calls_ = 0;
  } source;
  const std::string path = TempPath("failing.iovt");
  EXPECT_EQ(WriteTrace(source, path).message(), "broken");
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EQ(PartFiles(path), 0u);
}

TEST(TraceWriter, ADirectoryThatIsNotThere) {
  auto writer = TraceWriter::Create(TempPath("no/such/place.iovt"), Header());
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("place.iovt: cannot write"));
}

TEST(TraceWriter, AFullDiskIsAnError) {
  auto writer = TraceWriter::Create("/dev/full", Header());
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("/dev/full: cannot write"));
}

TEST(TraceWriter, ARefusedEventDoesNoHarm) {
  const std::string path = TempPath("refused.iovt");
  auto writer = TraceWriter::Create(path, Header());
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->Append(Opening("a")).ok());
  EXPECT_EQ((*writer)->Append(Event()).code(), absl::StatusCode::kInvalidArgument);
  Event huge;
  huge.mutable_write()->set_data(std::string(kMaxEventBytes, 'x'));
  EXPECT_THAT(std::string((*writer)->Append(huge).message()),
              HasSubstr("event 1: 1048585 bytes, the limit is 1 MiB"));
  ASSERT_TRUE((*writer)->Append(Opening("b")).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  auto reader = TraceReader::Open(path);
  ASSERT_TRUE(reader.ok());
  const Drained drained = Drain(**reader);
  ASSERT_EQ(drained.events.size(), 2u);
  EXPECT_EQ(drained.events[1].open().path(), "b");
}

TEST(TraceWriter, ChunksAreCutAtEventBoundaries) {
  const std::string path = TempPath("large.iovt");
  auto writer = TraceWriter::Create(path, Header());
  ASSERT_TRUE(writer.ok());
  // Larger than a chunk's goal: each is a chunk of its own.
  for (int i = 0; i < 3; ++i) {
    Event event;
    event.mutable_write()->set_data(std::string(200000, static_cast<char>('a' + i)));
    ASSERT_TRUE((*writer)->Append(event).ok());
  }
  ASSERT_TRUE((*writer)->Finish().ok());
  auto reader = TraceReader::Open(path);
  ASSERT_TRUE(reader.ok());
  Event event;
  ASSERT_TRUE((*reader)->Seek(2).ok());
  ASSERT_TRUE(*(*reader)->Next(&event));
  EXPECT_EQ(event.write().data(), std::string(200000, 'c'));
}

TEST(TraceWriter, SameTraceSameBytes) {
  VectorSource source(Header(), {Opening("a"), Opening("b")});
  const std::string one = TempPath("one.iovt");
  const std::string two = TempPath("two.iovt");
  ASSERT_TRUE(WriteTrace(source, one).ok());
  source.Rewind();
  ASSERT_TRUE(WriteTrace(source, two).ok());
  EXPECT_EQ(ReadAll(one), ReadAll(two));
  struct stat st;
  ASSERT_EQ(stat(one.c_str(), &st), 0);
  EXPECT_NE(st.st_mode & S_IRUSR, 0u);
}

}  // namespace
}  // namespace iovalid::traces
