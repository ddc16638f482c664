// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_DECODE_H_
#define IOVALID_CONFORMANCE_DECODE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "traces/trace.pb.h"

namespace iovalid::conformance {

// The command that an ioctl event is: the recorded name where it is a known one with that number,
// else by number and the kind of file that the handle's name tells (c, g, d, i). Empty where the
// number is none of VFIO or iommufd.
std::string_view CommandOf(const traces::Ioctl& ioctl);
// CommandOf, or "ioctl 0x3bff".
std::string CommandName(const traces::Ioctl& ioctl);

// A struct, decoded. Fields that lie wholly or partly beyond the bytes given are left out.
struct DecodedStruct {
  struct Field {
    std::string name, value;
    friend bool operator==(const Field&, const Field&) = default;
  };
  std::vector<Field> fields;
  // One element for each capability, device, descriptor list: "IOVA_RANGE [0, 0xfedfffff]".
  std::vector<std::string> parts;
  friend bool operator==(const DecodedStruct&, const DecodedStruct&) = default;

  // "{argsz=24, flags=PGSIZES}", parts appended.
  std::string ToString() const;
};

// `fd_names`: offset and name of descriptors that stand in the struct.
struct NamedFd {
  uint32_t offset;
  std::string name;
};
DecodedStruct DecodeStruct(std::string_view cmd, std::span<const uint8_t> bytes,
                           std::span<const NamedFd> fd_names = {});

// What the call changed: the fields whose value is another afterwards, and the parts if any of them
// is. "{}" where nothing changed.
DecodedStruct DecodeChanges(std::string_view cmd, std::span<const uint8_t> before,
                            std::span<const uint8_t> after, std::span<const NamedFd> fd_names = {});

// The third argument of the ioctl: an integer (symbolic for extensions), a pointer, or the struct.
std::string DecodeArgument(const traces::Ioctl& ioctl);

// The whole event as a call: "ioctl(c0, VFIO_IOMMU_MAP_DMA, {...})", "open("/dev/vfio/3") as g0",
// "mmap(0x7f0000000000, 0x1000, rw, anon-private)".
std::string DecodeCall(const traces::Event& event);

// What was recorded, for a heading: the program, or "edges script".
std::string DecodeOrigin(const traces::Header& header);

// "c0" descriptors of the struct.
std::vector<NamedFd> FdNames(const traces::Ioctl& ioctl);

// "0x1000", "[0x0, 0xfff]".
std::string Hex(uint64_t value);
std::string HexRange(uint64_t first, uint64_t last);
// "4K|2M|1G", "4K.." for all sizes from 4K up.
std::string PageSizes(uint64_t bitmap);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_DECODE_H_
