// SPDX-License-Identifier: Apache-2.0
#include "traces/reader.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/limits.h"
#include "traces/random_event.h"
#include "traces/trace_test_files.h"
#include "traces/validate.h"
#include "traces/writer.h"
#include "xxhash.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Header SmallHeader() {
  Header header;
  header.set_kernel("7.3.4");
  header.set_mode(TYPE1);
  return header;
}

Event Close(uint64_t step) {
  Event event;
  event.set_step(step);
  event.mutable_close()->set_fd("c" + std::to_string(step));
  event.mutable_outcome()->set_error(0);
  return event;
}

// A trace of `count` events in many small chunks.
std::string WriteSmall(const std::string& name, uint64_t count, size_t chunk_bytes = 64) {
  std::vector<Event> events;
  for (uint64_t i = 0; i < count; ++i) events.push_back(Close(i));
  VectorSource source(SmallHeader(), events);
  WriterOptions options;
  options.chunk_bytes = chunk_bytes;
  const std::string path = TempPath(name);
  EXPECT_TRUE(WriteTrace(source, path, options).ok());
  return path;
}

// One file out of the given chunks.
class Assembly {
 public:
  explicit Assembly(uint16_t major = kVersionMajor, uint16_t minor = kVersionMinor)
      : bytes_(EncodePrefix(major, minor)) {}
  Assembly& Add(ChunkType type, const std::string& raw, uint32_t count, uint64_t first) {
    bytes_ += *compressor_.Encode(type, raw, count, first, false, 1);
    return *this;
  }
  Assembly& AddHeader() { return Add(ChunkType::kHeader, SmallHeader().SerializeAsString(), 1, 0); }
  Assembly& AddTrailer(uint64_t index, uint64_t events, uint64_t chunks) {
    std::string raw;
    PutU64(index, &raw);
    PutU64(events, &raw);
    PutU64(chunks, &raw);
    return Add(ChunkType::kTrailer, raw, 0, events);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  ChunkCompressor compressor_;
  std::string bytes_;
};

std::string OneEvent(const Event& event) {
  const std::string bytes = event.SerializeAsString();
  return std::string(1, static_cast<char>(bytes.size())) + bytes;
}

// What reading the bytes as a file ends with.
absl::Status ReadBytes(const std::string& bytes, const ReaderOptions& options = {},
                       std::vector<Event>* events = nullptr) {
  const std::string path = WriteAll(TempPath("bytes.iovt"), bytes);
  auto reader = TraceReader::Open(path, options);
  if (!reader.ok()) return reader.status();
  Drained drained = Drain(**reader);
  if (events != nullptr) *events = drained.events;
  return drained.status;
}

TEST(TraceReader, GivesBackWhatWasWritten) {
  std::mt19937_64 random(1);
  const Header header = RandomHeader(random);
  std::vector<Event> events;
  for (int i = 0; i < 2000; ++i) events.push_back(RandomEvent(random));
  VectorSource source(header, events);
  WriterOptions options;
  options.chunk_bytes = 4096;
  const std::string path = TempPath("roundtrip.iovt");
  ASSERT_TRUE(WriteTrace(source, path, options).ok());

  auto reader = TraceReader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE(SameMessage((*reader)->header(), header));
  EXPECT_EQ(*(*reader)->EventCount(), 2000u);
  const Drained drained = Drain(**reader);
  ASSERT_TRUE(drained.status.ok()) << drained.status;
  ASSERT_EQ(drained.events.size(), events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_TRUE(SameMessage(drained.events[i], events[i])) << events[i].DebugString();
  }
  EXPECT_TRUE((*reader)->warnings().empty());
}

TEST(TraceReader, AnEmptyTraceHasNoEvents) {
  auto reader = TraceReader::Open(WriteSmall("empty.iovt", 0));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(*(*reader)->EventCount(), 0u);
  Event event;
  EXPECT_FALSE(*(*reader)->Next(&event));
  EXPECT_FALSE(*(*reader)->Next(&event));
}

TEST(TraceReader, SeeksToEveryEvent) {
  constexpr uint64_t kEvents = 300;
  auto reader = TraceReader::Open(WriteSmall("seek.iovt", kEvents));
  ASSERT_TRUE(reader.ok());
  Event event;
  for (uint64_t i = 0; i < kEvents; ++i) {
    const uint64_t target = i * 7 % kEvents;
    ASSERT_TRUE((*reader)->Seek(target).ok());
    EXPECT_EQ((*reader)->event_index(), target);
    ASSERT_TRUE(*(*reader)->Next(&event));
    EXPECT_EQ(event.step(), target);
  }
  ASSERT_TRUE((*reader)->Seek(kEvents).ok());
  EXPECT_FALSE(*(*reader)->Next(&event));
  EXPECT_EQ((*reader)->Seek(kEvents + 1).code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE((*reader)->Seek(0).ok());
  EXPECT_EQ(Drain(**reader).events.size(), kEvents);
}

TEST(TraceReader, TruncationAnywhereIsOneLineWithTheOffset) {
  const std::string whole = ReadAll(WriteSmall("cut.iovt", 20));
  for (size_t size = 0; size < whole.size(); ++size) {
    const absl::Status status = ReadBytes(whole.substr(0, size));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_THAT(std::string(status.message()), MatchesRegex(".*bytes.iovt: byte [0-9]+: [^\n]+"));
  }
}

TEST(TraceReader, SalvageLosesOnlyTheTornChunk) {
  constexpr uint64_t kEvents = 40;
  const std::string whole = ReadAll(WriteSmall("torn.iovt", kEvents));
  size_t previous = 0;
  int sizes_seen = 0;
  for (size_t size = kPrefixBytes; size < whole.size(); ++size) {
    std::vector<Event> events;
    const absl::Status status = ReadBytes(whole.substr(0, size), {.salvage = true}, &events);
    // Up to the end of the header there is nothing to salvage.
    if (!status.ok()) {
      EXPECT_EQ(previous, 0u);
      continue;
    }
    EXPECT_GE(events.size(), previous);
    if (events.size() != previous) ++sizes_seen;
    previous = events.size();
    for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].step(), i);
  }
  EXPECT_EQ(previous, kEvents);
  EXPECT_GT(sizes_seen, 5);
}

TEST(TraceReader, SalvageSaysWhatIsLost) {
  const std::string whole = ReadAll(WriteSmall("lost.iovt", 40));
  const std::string path = WriteAll(TempPath("lost-cut.iovt"), whole.substr(0, whole.size() - 200));
  auto reader = TraceReader::Open(path, {.salvage = true});
  ASSERT_TRUE(reader.ok());
  const uint64_t count = *(*reader)->EventCount();
  EXPECT_EQ(Drain(**reader).events.size(), count);
  ASSERT_EQ((*reader)->warnings().size(), 1u);
  EXPECT_THAT((*reader)->warnings()[0], HasSubstr("salvaged the " + std::to_string(count)));
  Event event;
  ASSERT_TRUE((*reader)->Seek(count - 1).ok());
  EXPECT_TRUE(*(*reader)->Next(&event));
  EXPECT_EQ(event.step(), count - 1);
}

TEST(TraceReader, EveryFlippedBitIsNoticed) {
  const std::string whole = ReadAll(WriteSmall("flip.iovt", 6));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    const absl::Status status = ReadBytes(bytes);
    EXPECT_FALSE(status.ok()) << "bit " << bit;
    EXPECT_THAT(std::string(status.message()), MatchesRegex("[^\n]*byte [0-9]+: [^\n]+"));
  }
}

TEST(TraceReader, HugeLengthsAreRefusedBeforeAllocation) {
  for (size_t field : {8u, 12u}) {
    std::string bytes = Assembly().AddHeader().AddTrailer(0, 0, 0).bytes();
    for (size_t i = 0; i < 4; ++i) bytes[kPrefixBytes + field + i] = '\xff';
    EXPECT_THAT(std::string(ReadBytes(bytes).message()), HasSubstr("the limit is 16777216"));
  }
}

TEST(TraceReader, AnEventLongerThanItsChunkOrTheLimit) {
  // Lengths of 100 and 2 MiB, as varints, with one byte behind them.
  for (const std::string& raw : {std::string("\x64x"), std::string("\x80\x80\x80\x01x"),
                                 std::string("\xff\xff\xff\xff\xff\xff"), std::string("\x80")}) {
    const absl::Status status = ReadBytes(
        Assembly().AddHeader().Add(ChunkType::kEvents, raw, 1, 0).AddTrailer(0, 1, 1).bytes());
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("event 0: "));
  }
}

TEST(TraceReader, CountsMustAgree) {
  const std::string raw = OneEvent(Close(1));
  auto with = [&](uint32_t count, uint64_t first, uint64_t total) {
    return ReadBytes(Assembly()
                         .AddHeader()
                         .Add(ChunkType::kEvents, raw, count, first)
                         .AddTrailer(0, total, 1)
                         .bytes());
  };
  EXPECT_TRUE(with(1, 0, 1).ok()) << with(1, 0, 1);
  EXPECT_THAT(std::string(with(2, 0, 2).message()), HasSubstr("not a length"));
  EXPECT_THAT(std::string(with(0, 0, 0).message()), HasSubstr("no events with bytes"));
  EXPECT_THAT(std::string(with(1 << 30, 0, 1).message()), HasSubstr("more events than bytes"));
  EXPECT_THAT(std::string(with(1, 5, 1).message()), HasSubstr("begins with event 5"));
  EXPECT_THAT(std::string(with(1, 0, 2).message()), HasSubstr("counts 2 events, there are 1"));
}

TEST(TraceReader, ANewerMinorVersionIsReadWithAWarning) {
  const std::string path = WriteAll(
      TempPath("minor.iovt"), Assembly(kVersionMajor, 7).AddHeader().AddTrailer(0, 0, 0).bytes());
  auto reader = TraceReader::Open(path);
  ASSERT_TRUE(reader.ok());
  ASSERT_EQ((*reader)->warnings().size(), 1u);
  EXPECT_THAT((*reader)->warnings()[0], HasSubstr("version 1.7"));
  EXPECT_TRUE(Drain(**reader).status.ok());
}

TEST(TraceReader, ANewerMajorVersionIsRefused) {
  const absl::Status status =
      ReadBytes(Assembly(kVersionMajor + 1, 0).AddHeader().AddTrailer(0, 0, 0).bytes());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 2.0"));
}

TEST(TraceReader, UnknownChunksAreSkippedUnlessCritical) {
  const auto kNew = static_cast<ChunkType>(0x3157454e);  // "NEW1"
  const std::string raw = OneEvent(Close(1));
  Assembly file;
  file.AddHeader();
  const size_t new_chunk = file.bytes().size();
  file.Add(kNew, "", 3, 0).Add(ChunkType::kEvents, raw, 1, 0).AddTrailer(0, 1, 1);
  std::vector<Event> events;
  EXPECT_TRUE(ReadBytes(file.bytes(), {}, &events).ok());
  EXPECT_EQ(events.size(), 1u);
  // The same with the critical flag, and a checksum that fits.
  std::string bytes = file.bytes();
  std::string header = bytes.substr(new_chunk, kChunkHeaderBytes - 8);
  header[7] = static_cast<char>(kFlagCritical >> 24);
  PutU64(XXH64("", 0, XXH64(header.data(), header.size(), 0)), &header);
  bytes.replace(new_chunk, kChunkHeaderBytes, header);
  const absl::Status status = ReadBytes(bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("needs a newer reader"));
}

TEST(TraceReader, UnknownFieldsSurviveARewrite) {
  Event event = Close(1);
  event.mutable_close()
      ->GetReflection()
      ->MutableUnknownFields(event.mutable_close())
      ->AddVarint(900, 77);
  event.GetReflection()->MutableUnknownFields(&event)->AddLengthDelimited(901, "later");
  Header header = SmallHeader();
  header.GetReflection()->MutableUnknownFields(&header)->AddVarint(902, 1);
  VectorSource source(header, {event});
  const std::string first = TempPath("unknown1.iovt");
  const std::string second = TempPath("unknown2.iovt");
  ASSERT_TRUE(WriteTrace(source, first).ok());
  auto reader = TraceReader::Open(first);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(WriteTrace(**reader, second).ok());
  EXPECT_EQ(ReadAll(first), ReadAll(second));
  auto again = TraceReader::Open(second);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(SameMessage((*again)->header(), header));
  EXPECT_TRUE(SameMessage(Drain(**again).events.at(0), event));
}

TEST(TraceReader, AnEventOfANewerKindPasses) {
  Event event;
  event.GetReflection()->MutableUnknownFields(&event)->AddLengthDelimited(1000, "");
  std::vector<Event> events;
  EXPECT_TRUE(ReadBytes(Assembly()
                            .AddHeader()
                            .Add(ChunkType::kEvents, OneEvent(event), 1, 0)
                            .AddTrailer(0, 1, 1)
                            .bytes(),
                        {}, &events)
                  .ok());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].what_case(), Event::WHAT_NOT_SET);
}

TEST(TraceReader, BadMessagesAreNamed) {
  auto with = [](const std::string& event_bytes) {
    return std::string(
        ReadBytes(Assembly()
                      .AddHeader()
                      .Add(ChunkType::kEvents,
                           std::string(1, static_cast<char>(event_bytes.size())) + event_bytes, 1,
                           0)
                      .AddTrailer(0, 1, 1)
                      .bytes())
            .message());
  };
  EXPECT_THAT(with("\xff\xff"), HasSubstr("not an Event message"));
  EXPECT_THAT(with(""), HasSubstr("does not say what it is"));
  Event bad = Close(1);
  bad.mutable_outcome()->set_out_unchanged(true);
  EXPECT_THAT(with(bad.SerializeAsString()), HasSubstr("only an ioctl can have"));
  // A string that is not UTF-8.
  EXPECT_THAT(with(std::string("\x6a\x03\x0a\x01\xff", 5)), HasSubstr("not an Event message"));
}

TEST(TraceReader, FilesOfOtherKinds) {
  EXPECT_THAT(std::string(ReadBytes("").message()), HasSubstr("wrong magic"));
  EXPECT_THAT(std::string(ReadBytes("{\"golden\":1}").message()), HasSubstr("wrong magic"));
  EXPECT_EQ(TraceReader::Open(TempPath("nowhere.iovt")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(TraceReader::Open("/").ok());
}

TEST(TraceReader, ChunksInAnotherOrderAreNoticed) {
  const std::string one = OneEvent(Close(0));
  const std::string two = OneEvent(Close(1));
  const absl::Status status = ReadBytes(Assembly()
                                            .AddHeader()
                                            .Add(ChunkType::kEvents, two, 1, 1)
                                            .Add(ChunkType::kEvents, one, 1, 0)
                                            .AddTrailer(0, 2, 2)
                                            .bytes());
  EXPECT_THAT(std::string(status.message()), HasSubstr("begins with event 1, expected is 0"));
  EXPECT_THAT(std::string(ReadBytes(Assembly().AddHeader().AddHeader().bytes()).message()),
              HasSubstr("a second header"));
  EXPECT_THAT(std::string(ReadBytes(Assembly().AddTrailer(0, 0, 0).AddHeader().bytes()).message()),
              HasSubstr("the first chunk is not the header"));
  EXPECT_THAT(
      std::string(ReadBytes(Assembly().AddHeader().AddTrailer(0, 0, 0).bytes() + "x").message()),
      HasSubstr("bytes after the trailer"));
}

TEST(TraceReader, AnIndexThatLiesIsRefused) {
  const std::string raw = OneEvent(Close(0));
  for (uint64_t offset : {uint64_t{0}, uint64_t{1} << 40, UINT64_MAX}) {
    Assembly file;
    file.AddHeader().Add(ChunkType::kEvents, raw, 1, 0);
    const uint64_t index_offset = file.bytes().size();
    std::string index;
    PutU64(0, &index);
    PutU64(offset, &index);
    file.Add(ChunkType::kIndex, index, 1, 0).AddTrailer(index_offset, 1, 1);
    auto reader = TraceReader::Open(WriteAll(TempPath("index.iovt"), file.bytes()));
    ASSERT_TRUE(reader.ok());
    EXPECT_THAT(std::string((*reader)->Seek(0).message()), HasSubstr("index entry 0"));
  }
}

// The generator reaches every kind of event, and all that it makes is valid.
TEST(RandomEvent, CoversAllKinds) {
  std::mt19937_64 random(7);
  std::vector<int> seen(100, 0);
  for (int i = 0; i < 4000; ++i) {
    const Event event = RandomEvent(random);
    ASSERT_TRUE(ValidateEvent(event).ok()) << ValidateEvent(event) << event.DebugString();
    ++seen[static_cast<size_t>(event.what_case())];
  }
  const auto* oneof = Event::descriptor()->FindOneofByName("what");
  for (int i = 0; i < oneof->field_count(); ++i) {
    EXPECT_GT(seen[static_cast<size_t>(oneof->field(i)->number())], 0) << oneof->field(i)->name();
  }
  EXPECT_TRUE(ValidateHeader(RandomHeader(random)).ok());
}

}  // namespace
}  // namespace iovalid::traces
