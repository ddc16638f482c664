// SPDX-License-Identifier: Apache-2.0
#include "traces/unrecorded_writes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "traces/trace.pb.h"

namespace iovalid::traces {
namespace {

Event Map(uint64_t vaddr, uint64_t size, uint32_t flags = 1) {
  struct {
    uint32_t argsz, flags;
    uint64_t vaddr, iova, size;
  } map = {32, flags, vaddr, 0, size};
  std::string in(sizeof(map), 0);
  std::memcpy(in.data(), &map, sizeof(map));
  Event event;
  event.mutable_ioctl()->set_nr(0x3b71);
  event.mutable_ioctl()->set_in(in);
  event.mutable_outcome()->set_ret(0);
  event.mutable_outcome()->set_error(0);
  return event;
}

Event Locked(uint64_t kb) {
  Event event;
  event.mutable_observe()->set_vm_lck(kb);
  return event;
}

// "map", "observe" and "touch ADDR LEN", in order.
std::string Read(const std::string& kernel, bool capture, std::vector<Event> events) {
  Header header;
  header.set_kernel(kernel);
  if (capture) header.set_capture(true);
  auto source = WithUnrecordedWrites(std::make_unique<VectorSource>(header, std::move(events)));
  std::string text;
  Event event;
  while (*source->Next(&event)) {
    if (event.has_ioctl()) text += "map ";
    if (event.has_observe()) text += "observe ";
    if (event.has_touch()) {
      EXPECT_TRUE(event.touch().inferred());
      EXPECT_TRUE(event.touch().write());
      text += "touch " + std::to_string(event.touch().addr()) + " " +
              std::to_string(event.touch().len()) + " ";
    }
  }
  return text;
}

TEST(UnrecordedWritesTest, FreeThenChargedMeansWritten) {
  EXPECT_EQ(Read("6.1.0-56-amd64", true,
                 {Map(0x10000, 0x4000), Map(0x11000, 0x1000), Locked(4), Map(0x11000, 0x1000)}),
            "map touch 69632 4096 map observe map ");
}

TEST(UnrecordedWritesTest, OnlyWhatWasFreeBefore) {
  EXPECT_EQ(Read("6.1.0-56-amd64", true, {Map(0x11000, 0x1000), Locked(4)}), "map observe ");
  // Beyond what was free, by a page.
  EXPECT_EQ(Read("6.1.0-56-amd64", true,
                 {Map(0x10000, 0x2000), Map(0x11000, 0x2000), Locked(8)}),
            "map map observe ");
}

TEST(UnrecordedWritesTest, PartlyChargedOrWritableSaysNothing) {
  EXPECT_EQ(Read("6.1.0-56-amd64", true, {Map(0x10000, 0x2000), Map(0x10000, 0x2000), Locked(4)}),
            "map map observe ");
  EXPECT_EQ(Read("6.1.0-56-amd64", true,
                 {Map(0x10000, 0x1000), Map(0x10000, 0x1000, 3), Locked(4)}),
            "map map observe ");
}

TEST(UnrecordedWritesTest, OtherKernelsAndGoldensAreLeftAlone) {
  const std::vector<Event> events = {Map(0x10000, 0x1000), Map(0x10000, 0x1000), Locked(4)};
  EXPECT_EQ(Read("7.3.4", true, events), "map map observe ");
  EXPECT_EQ(Read("6.1.192", false, events), "map map observe ");
  EXPECT_EQ(Read("6.1.192", true, events), "map touch 65536 4096 map observe ");
}

}  // namespace
}  // namespace iovalid::traces
