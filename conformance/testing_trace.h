// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_TESTING_TRACE_H_
#define IOVALID_CONFORMANCE_TESTING_TRACE_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "traces/event_source.h"
#include "traces/golden.h"
#include "traces/json_line.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// Traces for tests, written as golden JSONL lines.

// The recorded machine with two devices in two groups; `mode` is "type1", "compat" or "native".
inline std::string TestHeaderLine(std::string_view mode, std::string_view extra = "") {
  return R"({"golden":1,"kernel":"7.3.4","uname":"7.3.4","config":"custom","iommu":{"type":)"
         R"("intel-vtd","aw_bits":39,"mode":"legacy","caching_mode":true,"intremap":false,)"
         R"("msi_window":["0xfee00000","0xfeefffff"],"aperture":["0x0","0x7fffffffff"]},"mode":")" +
         std::string(mode) +
         R"(","set_iommu":3,"devices":[{"name":"dev0","bdf":"0000:00:05.0","group":"g0","cdev":)"
         R"("v0","bar0_len":1048576},{"name":"dev1","bdf":"0000:00:06.0","group":"g1","cdev":)"
         R"("v1","bar0_len":1048576}],"page_size":4096)" +
         std::string(extra) + R"(,"family":"test"})";
}

inline std::string TestSequenceLine(std::string_view opens = "/dev/vfio/vfio") {
  return R"({"seq":1,"name":"test","seed":0,"uid":0,"cap_ipc_lock":true,"rlimit_memlock":-1,)"
         R"("dma_entry_limit":65535,"opens":")" +
         std::string(opens) + R"("})";
}

inline traces::Header ParseTestHeader(const std::string& line) {
  traces::Header header;
  traces::JsonLine json;
  const absl::Status status = traces::ParseGoldenHeader(line, &json, &header);
  EXPECT_TRUE(status.ok()) << status.message();
  return header;
}

inline traces::Event ParseTestEvent(const std::string& line) {
  traces::Event event;
  traces::JsonLine json;
  const absl::Status status = traces::ParseGoldenEvent(line, &json, &event);
  EXPECT_TRUE(status.ok()) << status.message() << " in " << line;
  return event;
}

inline traces::VectorSource TestTrace(const std::string& header,
                                      const std::vector<std::string>& lines) {
  std::vector<traces::Event> events;
  for (const std::string& line : lines) events.push_back(ParseTestEvent(line));
  return traces::VectorSource(ParseTestHeader(header), std::move(events));
}

// Lines of calls. `out` is "=" where the struct stays as it was.
inline std::string OpenLine(int i, std::string_view path, std::string_view as,
                            std::string_view error = "0") {
  return R"({"i":)" + std::to_string(i) + R"(,"call":"open","path":")" + std::string(path) +
         R"(","as":")" + std::string(as) + R"(","errno":")" + std::string(error) + R"("})";
}

inline std::string IntegerLine(int i, std::string_view fd, std::string_view cmd,
                               std::string_view nr, int arg, int ret,
                               std::string_view error = "0") {
  return R"({"i":)" + std::to_string(i) + R"(,"call":"ioctl","fd":")" + std::string(fd) +
         R"(","cmd":")" + std::string(cmd) + R"(","nr":")" + std::string(nr) + R"(","arg":)" +
         std::to_string(arg) + R"(,"ret":)" + std::to_string(ret) + R"(,"errno":")" +
         std::string(error) + R"("})";
}

inline std::string StructLine(int i, std::string_view fd, std::string_view cmd, std::string_view nr,
                              std::string_view in, std::string_view out, int ret = 0,
                              std::string_view error = "0", std::string_view extra = "") {
  return R"({"i":)" + std::to_string(i) + R"(,"call":"ioctl","fd":")" + std::string(fd) +
         R"(","cmd":")" + std::string(cmd) + R"(","nr":")" + std::string(nr) + R"(","in":")" +
         std::string(in) + R"(","out":")" + std::string(out) + R"(")" + std::string(extra) +
         R"(,"ret":)" + std::to_string(ret) + R"(,"errno":")" + std::string(error) + R"("})";
}

// GET_DEVICE_FD of dev0 through g0.
inline std::string DeviceFdLine(int i) {
  return R"({"i":)" + std::to_string(i) +
         R"(,"call":"ioctl","fd":"g0","cmd":"VFIO_GROUP_GET_DEVICE_FD","nr":"0x3b6a","in":)"
         R"("303030303a30303a30352e3000","out":"=","ret":"fd","retfd":"d0","errno":"0"})";
}

// A container with dev0's group in it and type1 v2 set, steps 1 to 4.
inline std::vector<std::string> SetUpLines(std::string_view container = "/dev/vfio/vfio") {
  return {TestSequenceLine(container), OpenLine(1, container, "c0"), OpenLine(2, "@g0", "g0"),
          StructLine(3, "g0", "VFIO_GROUP_SET_CONTAINER", "0x3b68", "00000000", "=", 0, "0",
                     R"(,"fdfix":[[0,"c0"]])"),
          IntegerLine(4, "c0", "VFIO_SET_IOMMU", "0x3b66", 3, 0)};
}

// 64 KiB of private anonymous memory at 0x100000000, written.
inline std::string MemoryLine(int i) {
  return R"({"i":)" + std::to_string(i) +
         R"(,"call":"mmap","addr":"0x100000000","len":65536,"prot":"rw","kind":"anon-private",)"
         R"("obj":"m0","off":0,"touch":"w","errno":"0"})";
}

inline std::string ObserveLine(int lck, int pin) {
  return R"({"call":"observe","VmLck":)" + std::to_string(lck) + R"(,"VmPin":)" +
         std::to_string(pin) + "}";
}

// MAP_DMA of one page at IOVA 0x100000 from 0x100000000, read and write.
inline constexpr char kMapOnePage[] =
    "2000000003000000000000000100000000001000000000000010000000000000";

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_TESTING_TRACE_H_
