// SPDX-License-Identifier: Apache-2.0
#include "traces/text.h"

#include <random>
#include <set>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "traces/random_event.h"
#include "traces/trace_test_files.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] = "header { kernel: \"7.3.4\" mode: TYPE1 }\n";

Drained Read(const std::string& text) {
  auto source = OpenText(WriteAll(TempPath("read.textproto"), text));
  if (!source.ok()) return {{}, source.status()};
  return Drain(**source);
}

std::string ErrorOf(const std::string& text) { return std::string(Read(text).status.message()); }

Event OneEvent(const std::string& body) {
  Drained drained = Read(kHeader + body);
  EXPECT_TRUE(drained.status.ok()) << drained.status;
  EXPECT_EQ(drained.events.size(), 1u);
  return drained.events.empty() ? Event() : drained.events[0];
}

TEST(Text, IsPleasantToRead) {
  Event event;
  event.set_step(4);
  event.mutable_ioctl()->set_fd("c0");
  event.mutable_ioctl()->set_cmd("VFIO_IOMMU_UNMAP_DMA");
  event.mutable_ioctl()->set_nr(0x3b72);
  event.mutable_ioctl()->set_in(std::string("\x18\0\0\0\x01\x02", 6));
  event.mutable_outcome()->set_ret(-1);
  event.mutable_outcome()->set_error(22);
  event.mutable_outcome()->set_out_unchanged(true);
  EXPECT_EQ(
      EventToText(event),
      "event {\n"
      "  step: 4\n"
      "  ioctl { fd: \"c0\" cmd: \"VFIO_IOMMU_UNMAP_DMA\" nr: 0x3b72 in: \"18000000 0102\" }\n"
      "  outcome { ret: -1 error: EINVAL out_unchanged: true }\n"
      "}\n");
}

TEST(Text, IsPleasantToWrite) {
  const Event event = OneEvent(R"(
    # a comment with a { in it
    event {
      step: 3  # and here }
      ioctl: {
        fd: 'c0' nr: 15217
        in: "2000 0000"   # blanks as one likes
            "ff"          # in pieces
      }
      outcome { error: ENOTTY, ret: -1; out: "00000000 FF" }
    })"
                               "\n");
  EXPECT_EQ(event.step(), 3u);
  EXPECT_EQ(event.ioctl().nr(), 0x3b71u);
  EXPECT_EQ(event.ioctl().in(), std::string("\x20\0\0\0\xff", 5));
  EXPECT_EQ(event.outcome().error(), 25u);
}

TEST(Text, ErrnoByNameOrNumber) {
  for (const char* error : {"EINVAL", "22", "0x16", "E22"}) {
    EXPECT_EQ(
        OneEvent(std::string("event { close { fd: \"c0\" } outcome { error: ") + error + " } }")
            .outcome()
            .error(),
        22u)
        << error;
  }
}

TEST(Text, ErrorsNameFileAndLine) {
  const std::string head = std::string(kHeader) + "\nevent {\n";
  EXPECT_THAT(ErrorOf(""), HasSubstr("read.textproto:1: a text trace begins with header"));
  EXPECT_THAT(ErrorOf("event { exit { } }"), HasSubstr("begins with header"));
  EXPECT_THAT(ErrorOf("\n\ngarbage { }"), HasSubstr("read.textproto:3: expected header {"));
  EXPECT_THAT(ErrorOf("header }"), HasSubstr("expected { after header"));
  EXPECT_THAT(ErrorOf(head + "  exit { }\n"), HasSubstr("event { without its }"));
  EXPECT_THAT(ErrorOf(head + "  exit { }\n  step: x\n}\n"), HasSubstr("read.textproto:5: "));
  EXPECT_THAT(ErrorOf(head + "  ioctl {\n fd: \"c0\"\n bogus: 3\n } }\n"),
              HasSubstr("read.textproto:6: "));
  EXPECT_THAT(ErrorOf(head + "  ioctl { in: \"xyz\" } }\n"), HasSubstr("in: not hex digits"));
  EXPECT_THAT(ErrorOf(head + "  ioctl { in: \"00 } }\n"), HasSubstr("a string without end"));
  EXPECT_THAT(ErrorOf(head + "  close { } outcome { error: EFOO } }\n"), HasSubstr("EFOO"));
  EXPECT_THAT(ErrorOf(head + "}\n"), HasSubstr("read.textproto:3: the event does not say"));
  EXPECT_THAT(ErrorOf(std::string(kHeader) + kHeader), HasSubstr("a second header"));
  std::string deep = head;
  for (int i = 0; i < 100; ++i) deep += "ioctl { ";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("nested too deeply"));
  EXPECT_THAT(ErrorOf(head + std::string(5 << 20, 'x')), HasSubstr("longer than 4 MiB"));
}

TEST(Text, UnknownFieldsGoThroughAsBytes) {
  Event event;
  event.mutable_close()->set_fd("c0");
  event.mutable_close()
      ->GetReflection()
      ->MutableUnknownFields(event.mutable_close())
      ->AddVarint(900, 77);
  const std::string text = EventToText(event);
  EXPECT_THAT(text, HasSubstr("serialized: \""));
  EXPECT_TRUE(SameMessage(OneEvent(text), event));
  EXPECT_THAT(ErrorOf(std::string(kHeader) + "event { step: 1 serialized: \"00\" }"),
              HasSubstr("beside other fields"));
  EXPECT_THAT(ErrorOf(std::string(kHeader) + "event { serialized: \"ffff\" }"),
              HasSubstr("not a message of type Event"));
}

// Which strings are hex digits is decided by the field's name alone.
TEST(Text, NoStringFieldIsNamedLikeABytesField) {
  std::set<std::string> bytes;
  std::set<std::string> strings;
  const google::protobuf::FileDescriptor* file = Event::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    for (int j = 0; j < file->message_type(i)->field_count(); ++j) {
      const auto* field = file->message_type(i)->field(j);
      if (field->type() == google::protobuf::FieldDescriptor::TYPE_BYTES)
        bytes.insert(field->name());
      if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
        strings.insert(field->name());
      }
    }
  }
  EXPECT_GE(bytes.size(), 5u);
  for (const std::string& name : bytes) EXPECT_EQ(strings.count(name), 0u) << name;
  EXPECT_EQ(strings.count("error"), 0u);
}

RC_GTEST_PROP(Text, AnyTraceComesBack, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  const Header header = RandomHeader(random);
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i) events.push_back(RandomEvent(random));
  VectorSource source(header, events);
  std::ostringstream out;
  RC_ASSERT(WriteText(source, out).ok());
  auto back = OpenText(WriteAll(TempPath("any.textproto"), out.str()));
  RC_ASSERT(back.ok());
  RC_ASSERT(SameMessage((*back)->header(), header));
  const Drained drained = Drain(**back);
  RC_ASSERT(drained.status.ok());
  RC_ASSERT(drained.events.size() == events.size());
  for (size_t i = 0; i < events.size(); ++i) RC_ASSERT(SameMessage(drained.events[i], events[i]));
}

}  // namespace
}  // namespace iovalid::traces
