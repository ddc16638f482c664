// SPDX-License-Identifier: Apache-2.0
#include "conformance/dma_range.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <variant>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio_container.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

struct Fields {
  uint32_t nr;
  size_t first, size;  // offsets
};

constexpr Fields kCalls[] = {
    {abi::kVfioIommuMapDma, offsetof(abi::VfioIommuType1DmaMap, iova),
     offsetof(abi::VfioIommuType1DmaMap, size)},
    {abi::kVfioIommuUnmapDma, offsetof(abi::VfioIommuType1DmaUnmap, iova),
     offsetof(abi::VfioIommuType1DmaUnmap, size)},
    {abi::kIommuIoasMap, offsetof(abi::IommuIoasMap, iova), offsetof(abi::IommuIoasMap, length)},
    {abi::kIommuIoasMapFile, offsetof(abi::IommuIoasMapFile, iova),
     offsetof(abi::IommuIoasMapFile, length)},
    {abi::kIommuIoasCopy, offsetof(abi::IommuIoasCopy, dst_iova),
     offsetof(abi::IommuIoasCopy, length)},
    {abi::kIommuIoasUnmap, offsetof(abi::IommuIoasUnmap, iova),
     offsetof(abi::IommuIoasUnmap, length)},
};

uint64_t WordAt(const Bytes& bytes, size_t offset) {
  uint64_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

}  // namespace

std::optional<DmaRange> DmaRangeOf(const Step& step) {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr) return std::nullopt;
  for (const Fields& call : kCalls) {
    if (call.nr != ioctl->nr) continue;
    if (ioctl->in.size() < std::max(call.first, call.size) + sizeof(uint64_t)) break;
    return DmaRange{WordAt(ioctl->in, call.first), WordAt(ioctl->in, call.size)};
  }
  return std::nullopt;
}

}  // namespace iovalid::conformance
