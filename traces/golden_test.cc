// SPDX-License-Identifier: Apache-2.0
#include "traces/golden.h"

#include <random>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "traces/random_event.h"
#include "traces/trace_test_files.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] =
    R"({"golden":1,"kernel":"7.3.4","uname":"7.3.4","config":"custom","iommu":{"type":"intel-vtd",)"
    R"("aw_bits":39,"mode":"legacy","caching_mode":true,"intremap":false,)"
    R"("msi_window":["0xfee00000","0xfeefffff"],"aperture":["0x0","0x7fffffffff"]},"mode":"type1",)"
    R"("set_iommu":3,"devices":[{"name":"dev0","bdf":"0000:00:05.0","group":"g0","cdev":"v0",)"
    R"("bar0_len":1048576}],"page_size":4096,"family":"edges"})";

Event Parse(const std::string& line) {
  JsonLine json;
  Event event;
  const absl::Status status = ParseGoldenEvent(line, &json, &event);
  EXPECT_TRUE(status.ok()) << status << "\n" << line;
  return event;
}

std::string Format(const Event& event) {
  std::string out;
  FormatGoldenEvent(event, &out);
  return out;
}

std::string Import(const std::string& text) {
  auto reader = GoldenReader::Open(WriteAll(TempPath("import.jsonl"), text));
  if (!reader.ok()) return std::string(reader.status().message());
  return std::string(Drain(**reader).status.message());
}

std::string ThereAndBack(const std::string& text) {
  auto reader = GoldenReader::Open(WriteAll(TempPath("back.jsonl"), text));
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::ostringstream out;
  const absl::Status status = ExportGolden(**reader, out);
  EXPECT_TRUE(status.ok()) << status;
  return out.str();
}

TEST(Golden, HeaderFields) {
  JsonLine json;
  Header header;
  ASSERT_TRUE(ParseGoldenHeader(kHeader, &json, &header).ok());
  EXPECT_EQ(header.kernel(), "7.3.4");
  EXPECT_EQ(header.mode(), TYPE1);
  EXPECT_EQ(header.set_iommu(), 3u);
  EXPECT_FALSE(header.has_capture());
  EXPECT_EQ(header.hardware().aw_bits(), 39u);
  EXPECT_EQ(header.hardware().msi_window().last(), 0xfeefffffu);
  EXPECT_EQ(header.hardware().aperture().last(), 0x7fffffffffu);
  ASSERT_EQ(header.devices_size(), 1);
  EXPECT_EQ(header.devices(0).bar0_len(), 1048576u);
  std::string out;
  FormatGoldenHeader(header, &out);
  EXPECT_EQ(out, std::string(kHeader) + "\n");
}

TEST(Golden, IoctlFields) {
  const Event event =
      Parse(R"({"i":8,"call":"ioctl","fd":"c0","cmd":"VFIO_IOMMU_GET_INFO","nr":"0x3b70",)"
            R"("at":"0x70000ff0","in":"1000aaaa","out":"7400aaaa","fdfix":[[0,"c1"]],)"
            R"("mem":[["0x70010000","0011","="],["0x70010010","22","33"]],)"
            R"("spill":[["0x70000ff8","ff"]],"ret":-1,"errno":"EOPNOTSUPP"})");
  EXPECT_EQ(event.step(), 8u);
  EXPECT_EQ(event.ioctl().nr(), 0x3b70u);
  EXPECT_EQ(event.ioctl().at(), 0x70000ff0u);
  EXPECT_EQ(event.ioctl().in(), std::string("\x10\x00\xaa\xaa", 4));
  EXPECT_EQ(event.outcome().out(), std::string("\x74\x00\xaa\xaa", 4));
  EXPECT_EQ(event.ioctl().fdfix(0).name(), "c1");
  EXPECT_EQ(event.ioctl().mem(1).addr(), 0x70010010u);
  EXPECT_TRUE(event.outcome().mem(0).unchanged());
  EXPECT_EQ(event.outcome().mem(1).bytes_after(), "3");
  EXPECT_EQ(event.outcome().spill(0).addr(), 0x70000ff8u);
  EXPECT_EQ(event.outcome().ret(), -1);
  EXPECT_EQ(event.outcome().error(), 95u);
}

TEST(Golden, UnchangedIsNotTheSameAsEqualBytes) {
  const Event said = Parse(
      R"({"i":1,"call":"ioctl","fd":"c0","cmd":"X","nr":"0x1","in":"00","out":"=","ret":0,"errno":"0"})");
  const Event shown = Parse(
      R"({"i":1,"call":"ioctl","fd":"c0","cmd":"X","nr":"0x1","in":"00","out":"00","ret":0,"errno":"0"})");
  EXPECT_TRUE(said.outcome().out_unchanged());
  EXPECT_EQ(shown.outcome().after_case(), Outcome::kOut);
}

TEST(Golden, NoOutcomeIsNotSuccess) {
  EXPECT_FALSE(Parse(R"({"i":1,"call":"eventfd","as":"e0"})").has_outcome());
  const Event close = Parse(R"({"i":1,"call":"close","fd":"c0","errno":"0"})");
  ASSERT_TRUE(close.has_outcome());
  EXPECT_TRUE(close.outcome().has_error());
  EXPECT_FALSE(close.outcome().has_ret());
}

TEST(Golden, ReturnedDescriptors) {
  const Event event = Parse(
      R"({"i":5,"call":"ioctl","fd":"g0","cmd":"VFIO_GROUP_GET_DEVICE_FD","nr":"0x3b6a","in":"00",)"
      R"("out":"=","ret":"fd","retfd":"d0","errno":"0"})");
  EXPECT_TRUE(event.outcome().returned_fd());
  EXPECT_FALSE(event.outcome().has_ret());
  EXPECT_EQ(event.ioctl().retfd(), "d0");
}

TEST(Golden, DmaViews) {
  EXPECT_FALSE(Parse(R"({"i":1,"call":"dma_view","dev":"dev0","map":null})").dma_view().has_view());
  const Event empty = Parse(R"({"i":1,"call":"dma_view","dev":"dev0","map":[]})");
  EXPECT_TRUE(empty.dma_view().has_view());
  const Event event =
      Parse(R"({"i":1,"call":"dma_view","dev":"dev0","map":[["0x1000","0x1000","0x7000","rw"],)"
            R"(["0x2000","0x1000","stale:m0+0x3000","r"],["0x3000","0x1000","bar:dev1+0x0","w"],)"
            R"(["0x4000","0x1000","-","r"],["0x5000","0x1000","zero","r"]]})");
  const View& view = event.dma_view().view();
  ASSERT_EQ(view.runs_size(), 5);
  EXPECT_EQ(view.runs(0).va(), 0x7000u);
  EXPECT_EQ(view.runs(0).access(), 3u);
  EXPECT_EQ(view.runs(1).stale().obj(), "m0");
  EXPECT_EQ(view.runs(1).stale().off(), 0x3000u);
  EXPECT_EQ(view.runs(2).bar().obj(), "dev1");
  EXPECT_EQ(view.runs(2).access(), 2u);
  EXPECT_TRUE(view.runs(3).some_page());
  EXPECT_TRUE(view.runs(4).zero());
}

// Each kind of line as the recorders write it, byte for byte.
TEST(Golden, LinesComeBackAsTheyWere) {
  for (
      const char* line : {
          R"({"seq":1,"name":"api","seed":0,"uid":0,"cap_ipc_lock":true,"rlimit_memlock":-1,"dma_entry_limit":65535,"opens":"/dev/vfio/vfio"})",
          R"({"end":1})",
          R"({"i":1,"call":"open","path":"/dev/vfio/vfio","as":"c0","errno":"0"})",
          R"({"i":7,"call":"open","path":"/dev/vfio/vfio","node":"/dev/iommu","as":"c0","errno":"0"})",
          R"({"i":9,"call":"open","path":"@g9","errno":"ENOENT"})",
          R"({"i":8,"call":"dup","fd":"c0","as":"c1","errno":"0"})",
          R"({"i":2,"call":"ioctl","fd":"999","cmd":"RAW","nr":"0x3b64","arg":-5,"ret":-1,"errno":"EBADF"})",
          R"({"i":2,"call":"ioctl","fd":"c0","cmd":"X","nr":"0xc0203b71","argptr":"0xffffffffffffffff","ret":-1,"errno":"E524"})",
          R"({"i":6,"call":"ioctl","fd":"i0","cmd":"IOMMU_FAULT_QUEUE_ALLOC","nr":"0x3b8e","in":"1000","out":"fdfd","ret":0,"errno":"0"})",
          R"({"i":3,"call":"mmap","addr":"0x100000000","len":65536,"prot":"rw","kind":"anon-private","obj":"m0","off":0,"touch":"w","errno":"0"})",
          R"({"i":3,"call":"mmap","addr":"0x1","len":18446744073709551615,"prot":"none","kind":"bar","obj":"","off":0,"region":2,"flags":"0x11","touch":"?","errno":"ENOMEM"})",
          R"({"i":9,"call":"munmap","addr":"0x100001000","len":4096,"errno":"0"})",
          R"({"i":8,"call":"mprotect","addr":"0x100000000","len":16384,"prot":"rwx","errno":"0"})",
          R"({"i":8,"call":"mremap","addr":"0x1000","old_len":1,"new_len":2,"flags":"0x1","new_addr":"0x2000","errno":"0"})",
          R"({"i":8,"call":"mlock","addr":"0x1000","len":4096,"errno":"0"})",
          R"({"i":8,"call":"munlockall","errno":"0"})",
          R"({"i":1,"call":"madvise","addr":"0x556252dba000","len":4096,"advice":10,"errno":"0"})",
          R"({"i":9,"call":"touch","addr":"0x100000000","len":16384,"how":"w","sig":11,"done":8192})",
          R"({"i":15,"call":"memfd","as":"f0","size":4096,"errno":"0"})",
          R"({"i":15,"call":"memfd","as":"m0","size":4096})",
          R"({"i":8240,"call":"eventfd","as":"e0"})",
          R"({"i":5,"call":"file","as":"f0","size":25344,"what":"file"})",
          R"({"i":49,"call":"ftruncate","fd":"f0","size":4096,"errno":"0"})",
          R"({"i":4,"call":"vma","addr":"0x1000","len":4096,"prot":"rw","kind":"unknown","obj":"?","off":0,"shared":false,"page":4096})",
          R"({"i":11,"call":"setrlimit","memlock":65536,"errno":"0"})",
          R"({"i":8,"call":"cap_drop","cap":"IPC_LOCK"})",
          R"({"i":7,"call":"set_dma_entry_limit","value":2,"ok":1})",
          R"({"i":7,"call":"set_dma_entry_limit","value":2,"ok":0})",
          R"({"i":7,"call":"set_module_parameter","module":"vfio","name":"x","value":2,"ok":1})",
          R"({"i":7,"call":"device_dma","dev":"dev0","iova":"0x1000","len":4,"dir":"r","got":"00112233","errno":"0"})",
          R"({"i":7,"call":"device_dma","dev":"dev0","iova":"0x1000","len":1,"dir":"w","data":"ff","errno":"EFAULT"})",
          R"({"i":7,"call":"mdev_pin","dev":"m0","iova":"0x1000","pages":2,"access":"rw","ret":2,"errno":"0"})",
          R"({"i":7,"task":1,"call":"mdev_pin","dev":"m0","iova":"0x1000","pages":-1,"access":"none","kthread":true})",
          R"({"i":7,"call":"mdev_unpin","dev":"m0","iova":"0x1000","pages":2,"errno":"0"})",
          R"({"i":7,"call":"mdev_rw","dev":"m0","iova":"0x1000","len":2,"dir":"r","kthread":true,"got":"0011","errno":"0"})",
          R"({"i":7,"call":"mdev_rw","dev":"m0","iova":"0x1000","len":1,"dir":"w","data":"ff","errno":"EPERM"})",
          R"({"i":7,"task":1,"call":"read","fd":"e0","len":8,"data":"0100000000000000","ret":8,"errno":"0"})",
          R"({"i":7,"call":"write","fd":"d0","data":"06","off":4,"ret":1,"errno":"0"})",
          R"({"i":7,"call":"poll","fd":"e0","events":"0x1","timeout":-1,"revents":"0x1","ret":1,"errno":"0"})",
          R"({"i":7,"call":"fork","child":1})",
          R"({"i":7,"task":1,"call":"exit","status":0})",
          R"({"call":"observe","VmLck":16,"VmPin":0})",
          R"({"call":"crash","sig":11})",
      }) {
    EXPECT_EQ(Format(Parse(line)), std::string(line) + "\n");
  }
}

// Whatever the spelling of a line, the export has it again.
TEST(Golden, OtherSpellingsAreKeptVerbatim) {
  const std::string text =
      std::string(kHeader) + "\n" +
      "{ \"call\":\"close\", \"i\":1, \"fd\":\"c0\",\"errno\":\"0\"}\n" +
      R"({"i":2,"call":"close","fd":"\u0063\u0030","errno":"0","note":[1,{"a":null}]})"
      "\r\n" +
      R"({"i":3,"call":"munmap","addr":"0x00F0","len":4096,"errno":"0"})"
      "\n" +
      R"({"end":1})";
  EXPECT_EQ(ThereAndBack(text), text);
  const std::string header_only = std::string(" ") + kHeader + " ";
  EXPECT_EQ(ThereAndBack(header_only), header_only);
}

TEST(Golden, PlainLinesCarryNoVerbatim) {
  auto reader = GoldenReader::Open(
      WriteAll(TempPath("plain.jsonl"), std::string(kHeader) + "\n{\"end\":1}\n"));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->header().verbatim(), "");
  EXPECT_EQ(Drain(**reader).events.at(0).verbatim(), "");
}

TEST(Golden, ErrorsNameFileAndLine) {
  const std::string header = std::string(kHeader) + "\n";
  EXPECT_THAT(Import(""), HasSubstr("import.jsonl:1: the file is empty"));
  EXPECT_THAT(Import("{\"seq\":1}\n"), HasSubstr("import.jsonl:1: the first line is not a header"));
  EXPECT_THAT(Import("{\"golden\":2}\n"), HasSubstr("version 2 of golden JSONL"));
  EXPECT_THAT(Import(header + "{\"end\":1}\n\n"), HasSubstr("import.jsonl:3: column 1: expected"));
  EXPECT_THAT(Import(header + "{\"i\":1,\"call\":\"close\",\"fd\":\"c0\",\"errno\":\"EFOO\"}\n"),
              HasSubstr("import.jsonl:2: column 41: \"errno\": not a known errno name"));
  EXPECT_THAT(Import(header + "{\"i\":1,\"call\":\"mopen\"}\n"), HasSubstr("not a known call"));
  EXPECT_THAT(Import(header + "{\"i\":1,\"call\":\"close\"}\n"), HasSubstr("no \"fd\""));
  EXPECT_THAT(Import(header + "{\"x\":1}\n"), HasSubstr("neither a call nor"));
  EXPECT_THAT(Import(header + "{\"end\":1\n"), HasSubstr("the line ends early"));
  EXPECT_THAT(Import(header + "{\"end\":1.5}\n"), HasSubstr("not an integer"));
  const std::string ioctl = R"({"i":1,"call":"ioctl","fd":"c0","cmd":"X","nr":"0x1",)";
  EXPECT_THAT(Import(header + ioctl +
                     R"("in":"0","out":"="})"
                     "\n"),
              HasSubstr("not hex digits"));
  EXPECT_THAT(Import(header + ioctl +
                     R"("in":"00","out":"0000"})"
                     "\n"),
              HasSubstr("outcome.out is not as long as ioctl.in"));
  EXPECT_THAT(Import(header + ioctl +
                     R"("in":"00000000","out":"=","fdfix":[[1,"c0"]]})"
                     "\n"),
              HasSubstr("ioctl.fdfix names bytes outside the struct"));
  EXPECT_THAT(Import(header + ioctl +
                     R"("in":"00","out":"=","mem":[["0x1","00"]]})"
                     "\n"),
              HasSubstr("not an array of 3"));
  EXPECT_THAT(Import(header + ioctl +
                     R"("arg":0,"ret":"pid"})"
                     "\n"),
              HasSubstr("neither a number"));
  EXPECT_THAT(Import(header + std::string(5 << 20, ' ') + "\n"), HasSubstr("longer than 4 MiB"));
}

// What an importer concluded is not part of the recording.
TEST(Golden, InferredWritesAreLeftOut) {
  Event touch;
  touch.mutable_touch()->set_addr(0x1000);
  touch.mutable_touch()->set_len(0x1000);
  Event inferred = touch;
  inferred.mutable_touch()->set_inferred(true);
  VectorSource source(Header(), {touch, inferred});
  std::ostringstream out;
  ASSERT_TRUE(ExportGolden(source, out).ok());
  auto reader = GoldenReader::Open(WriteAll(TempPath("inferred.jsonl"), out.str()));
  ASSERT_TRUE(reader.ok());
  const Drained drained = Drain(**reader);
  ASSERT_EQ(drained.events.size(), 1u);
  EXPECT_TRUE(SameMessage(drained.events[0], touch));
}

// What JSON keys cannot say (fields that a kind of event does not have there, unknown fields) is
// there again after an export and an import.
RC_GTEST_PROP(Golden, AnyEventSurvivesExportAndImport, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  const Header header = RandomHeader(random);
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i) {
    events.push_back(RandomEvent(random));
    if (events.back().has_touch()) events.back().mutable_touch()->clear_inferred();
  }
  VectorSource source(header, events);
  std::ostringstream out;
  RC_ASSERT(ExportGolden(source, out).ok());
  auto reader = GoldenReader::Open(WriteAll(TempPath("any.jsonl"), out.str()));
  RC_ASSERT(reader.ok());
  const Drained drained = Drain(**reader);
  RC_ASSERT(drained.status.ok());
  RC_ASSERT(drained.events.size() == events.size());
  for (size_t i = 0; i < events.size(); ++i) RC_ASSERT(SameMessage(drained.events[i], events[i]));
  Header expected = header;
  if ((*reader)->header().has_golden() && !header.has_golden()) expected.set_golden(1);
  RC_ASSERT(SameMessage((*reader)->header(), expected));
}

}  // namespace
}  // namespace iovalid::traces
