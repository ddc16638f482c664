// SPDX-License-Identifier: Apache-2.0
#include "traces/validate.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/limits.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

std::string Why(const Event& event) { return std::string(ValidateEvent(event).message()); }

Event IoctlEvent() {
  Event event;
  event.mutable_ioctl()->set_fd("c0");
  event.mutable_ioctl()->set_in("12345678");
  event.mutable_outcome()->set_out_unchanged(true);
  return event;
}

TEST(Validate, FdFieldsLieInsideTheStruct) {
  Event event = IoctlEvent();
  FdField* field = event.mutable_ioctl()->add_fdfix();
  field->set_offset(4);
  EXPECT_EQ(Why(event), "");
  for (uint32_t offset : {5u, 8u, 9u, 0x7fffffffu, 0xffffffffu}) {
    field->set_offset(offset);
    EXPECT_THAT(Why(event), HasSubstr("outside the struct")) << offset;
  }
  field->set_offset(0);
  event.mutable_outcome()->clear_after();
  event.mutable_ioctl()->set_integer(3);
  EXPECT_THAT(Why(event), HasSubstr("outside the struct"));
}

TEST(Validate, OutcomesFitTheirCall) {
  Event event = IoctlEvent();
  event.mutable_outcome()->set_out("123");
  EXPECT_THAT(Why(event), HasSubstr("not as long as ioctl.in"));
  event = IoctlEvent();
  event.mutable_ioctl()->add_mem()->set_before("ab");
  EXPECT_THAT(Why(event), HasSubstr("one entry for each"));
  event.mutable_outcome()->add_mem();
  EXPECT_THAT(Why(event), HasSubstr("neither bytes_after nor unchanged"));
  event.mutable_outcome()->mutable_mem(0)->set_bytes_after("abc");
  EXPECT_THAT(Why(event), HasSubstr("not as long as its ioctl.mem"));
  event.mutable_outcome()->mutable_mem(0)->set_bytes_after("xy");
  EXPECT_EQ(Why(event), "");
  event.clear_outcome();
  EXPECT_EQ(Why(event), "");
  event = IoctlEvent();
  event.mutable_outcome()->set_returned_fd(true);
  EXPECT_THAT(Why(event), HasSubstr("without ioctl.retfd"));
  event.mutable_ioctl()->set_pointer(1);
  event.mutable_ioctl()->set_retfd("d0");
  EXPECT_THAT(Why(event), HasSubstr("outcome.out stands without ioctl.in"));
}

TEST(Validate, Limits) {
  Event event = IoctlEvent();
  event.mutable_ioctl()->set_fd(std::string(kMaxNameBytes, 'x'));
  EXPECT_EQ(Why(event), "");
  event.mutable_ioctl()->set_fd(std::string(kMaxNameBytes + 1, 'x'));
  EXPECT_THAT(Why(event), HasSubstr("ioctl.fd is longer"));
  event = IoctlEvent();
  for (int i = 0; i <= kMaxUserBuffers; ++i) event.mutable_ioctl()->add_mem();
  EXPECT_THAT(Why(event), HasSubstr("ioctl.mem has 65 entries, more than 64"));
  event = IoctlEvent();
  for (int i = 0; i <= kMaxSpills; ++i) event.mutable_outcome()->add_spill();
  EXPECT_THAT(Why(event), HasSubstr("outcome.spill has 4097 entries"));
  event = Event();
  event.mutable_open()->set_path(std::string(kMaxStringBytes + 1, '/'));
  EXPECT_THAT(Why(event), HasSubstr("open.path is longer"));
  Header header;
  for (int i = 0; i <= kMaxDevices; ++i) header.add_devices();
  EXPECT_THAT(std::string(ValidateHeader(header).message()), HasSubstr("header.devices has 257"));
  header.Clear();
  header.set_verbatim(std::string(kMaxHeaderBytes, 'x'));
  EXPECT_THAT(std::string(ValidateHeader(header).message()), HasSubstr("more than 1048576"));
}

TEST(Validate, ValuesOutsideTheirRange) {
  Event event;
  EXPECT_THAT(Why(event), HasSubstr("does not say what it is"));
  event.mutable_mmap()->set_prot(8);
  EXPECT_THAT(Why(event), HasSubstr("mmap.prot"));
  event.mutable_mmap()->set_prot(7);
  event.mutable_mmap()->set_kind(static_cast<MemoryKind>(99));
  EXPECT_THAT(Why(event), HasSubstr("mmap.kind"));
  event.mutable_mmap()->set_kind(THP);
  event.mutable_mmap()->set_touch(static_cast<Touched>(9));
  EXPECT_THAT(Why(event), HasSubstr("mmap.touch"));
  event.mutable_setrlimit()->set_memlock(-2);
  EXPECT_THAT(Why(event), HasSubstr("below -1"));
  event.mutable_close();
  event.mutable_outcome()->set_error(4096);
  EXPECT_THAT(Why(event), HasSubstr("outcome.error is larger"));
  event.clear_outcome();
  event.mutable_dma_view()->mutable_view()->add_runs();
  EXPECT_THAT(Why(event), HasSubstr("a run without page"));
  event.mutable_dma_view()->mutable_view()->mutable_runs(0)->set_zero(true);
  event.mutable_dma_view()->mutable_view()->mutable_runs(0)->set_access(4);
  EXPECT_THAT(Why(event), HasSubstr("access bits"));
  event.mutable_device_dma()->set_write(true);
  event.mutable_device_dma()->set_len(2);
  EXPECT_THAT(Why(event), HasSubstr("is not len bytes"));
  event.mutable_mdev_rw()->set_write(true);
  event.mutable_mdev_rw()->set_len(2);
  EXPECT_THAT(Why(event), HasSubstr("mdev_rw.data is not len bytes"));
  event.mutable_mdev_rw()->set_len((1 << 20) + 1);
  EXPECT_THAT(Why(event), HasSubstr("more than 1 MiB"));
  event.mutable_mdev_pin()->set_access(4);
  EXPECT_THAT(Why(event), HasSubstr("mdev_pin.access"));
  event.mutable_mdev_pin()->set_access(3);
  event.mutable_mdev_pin()->set_pages((1 << 20) + 1);
  EXPECT_THAT(Why(event), HasSubstr("mdev_pin.pages"));
  event.mutable_mdev_pin()->set_pages(-1);
  EXPECT_EQ(Why(event), "");
}

}  // namespace
}  // namespace iovalid::traces
