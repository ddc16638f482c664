// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SEARCH_CALL_BUILDER_H_
#define IOVALID_CONFORMANCE_SEARCH_CALL_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/trace.pb.h"

namespace iovalid::conformance::search {

// The machine and memory that generated programs run on: that of the recordings (VT-d with 39 bits,
// four devices in three groups), and a process with one piece of memory of each kind.
inline constexpr uint64_t kPage = 4096;
inline constexpr uint64_t kBuffer = 0x100000000;    // 16 pages, private, read and write, written
inline constexpr uint64_t kReadOnly = 0x110000000;  // 4 pages, private, read-only, read
inline constexpr uint64_t kNoAccess = 0x120000000;  // 2 pages, PROT_NONE
inline constexpr uint64_t kShared = 0x130000000;    // 4 pages of a memfd, written
inline constexpr uint64_t kHole = 0x140000000;      // nothing
inline constexpr uint64_t kBarAt = 0x150000000;     // where BarMmap puts a device's region 0
inline constexpr uint64_t kArgumentPage = 0x70000000;  // where structs are
inline constexpr uint64_t kScratch = 0x70010000;    // for bitmaps and other buffers

traces::Header SearchHeader(traces::Mode mode);
// The begin of a sequence, and the memory above.
std::vector<traces::Event> Prologue(uint64_t memlock_bytes, bool cap_ipc_lock);

traces::Event OpenCall(std::string_view path, std::string_view as);
traces::Event CloseCall(std::string_view fd);
traces::Event DupCall(std::string_view fd, std::string_view as);
traces::Event IntegerCall(std::string_view fd, std::string_view cmd, int64_t argument);
// `in` is the whole argument struct.
traces::Event StructCall(std::string_view fd, std::string_view cmd, std::string in);
template <typename T>
traces::Event StructCall(std::string_view fd, std::string_view cmd, const T& in) {
  return StructCall(fd, cmd, std::string(reinterpret_cast<const char*>(&in), sizeof(in)));
}
// The command with a pointer that is not mapped.
traces::Event BadPointerCall(std::string_view fd, std::string_view cmd);
// The struct holds an fd at byte `offset`.
traces::Event WithFd(traces::Event call, uint32_t offset, std::string_view name);
// The call reads or writes another buffer of `bytes` zero bytes at `addr`.
traces::Event WithBuffer(traces::Event call, uint64_t addr, size_t bytes);

traces::Event MapCall(std::string_view fd, uint64_t iova, uint64_t vaddr, uint64_t size,
                      uint32_t flags, uint32_t argsz = 32);
traces::Event UnmapCall(std::string_view fd, uint64_t iova, uint64_t size, uint32_t flags = 0,
                        uint32_t argsz = 24);
traces::Event SetContainerCall(std::string_view group, std::string_view container);
traces::Event GetDeviceCall(std::string_view group, uint32_t device);

traces::Event MmapEvent(uint64_t addr, uint64_t pages, uint32_t prot, traces::MemoryKind kind,
                        std::string_view obj, traces::Touched touched);

}  // namespace iovalid::conformance::search

#endif  // IOVALID_CONFORMANCE_SEARCH_CALL_BUILDER_H_
