// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <utility>
#include <vector>

#include "compat/pci/irq_handlers.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.set_irqs.copy_in", "vfio_pci_ioctl_set_irqs",
                       "the header cannot be read"};
constexpr Rule kArgsz{"pci.set_irqs.argsz", "vfio_set_irqs_validate_and_prepare",
                      "argsz does not reach the end of count"};
constexpr Rule kIndex{"pci.set_irqs.index", "vfio_set_irqs_validate_and_prepare",
                      "no interrupt has this index"};
constexpr Rule kCountOverflow{"pci.set_irqs.count_overflow", "vfio_set_irqs_validate_and_prepare",
                              "start + count passes 32 bits"};
constexpr Rule kFlags{"pci.set_irqs.flags", "vfio_set_irqs_validate_and_prepare",
                      "an unknown flag is set"};
constexpr Rule kRange{"pci.set_irqs.range", "vfio_set_irqs_validate_and_prepare",
                      "start or count lies beyond the vectors of the index"};
constexpr Rule kDataType{"pci.set_irqs.data_type", "vfio_set_irqs_validate_and_prepare",
                         "not exactly one data type is set"};
constexpr Rule kDataSize{"pci.set_irqs.data_size", "vfio_set_irqs_validate_and_prepare",
                         "argsz does not hold the data"};
constexpr Rule kCopyData{"pci.set_irqs.copy_data", "vfio_pci_ioctl_set_irqs",
                         "the data cannot be read"};
constexpr Rule kNoMemory{"pci.set_irqs.no_memory", "vfio_pci_ioctl_set_irqs",
                         "no memory for the data"};
constexpr Rule kAction{"pci.set_irqs.action", "vfio_pci_set_irqs_ioctl",
                       "the index does not have this action"};

// Checks the header and says how many bytes of data follow it.
Outcome Validate(const DeviceCall& c, const abi::VfioIrqSet& hdr, uint64_t* data_size) {
  constexpr uint32_t kFlagsKnown = abi::kVfioIrqSetDataTypeMask | abi::kVfioIrqSetActionTypeMask;
  if (hdr.argsz < sizeof(hdr)) return Fail(sim::Errno::kINVAL, kArgsz);
  if (hdr.index >= abi::kVfioPciNumIrqs) return Fail(sim::Errno::kINVAL, kIndex);
  if (hdr.count >= ~uint32_t{0} - hdr.start) return Fail(sim::Errno::kINVAL, kCountOverflow);
  if ((hdr.flags & ~kFlagsKnown) != 0) return Fail(sim::Errno::kINVAL, kFlags);
  const uint32_t vectors = IrqCount(c.function(), c.profile(), hdr.index);
  if (hdr.start >= vectors || hdr.start + hdr.count > vectors) {
    return Fail(sim::Errno::kINVAL, kRange);
  }
  uint64_t element = 0;
  switch (hdr.flags & abi::kVfioIrqSetDataTypeMask) {
    case abi::kVfioIrqSetDataNone:
      break;
    case abi::kVfioIrqSetDataBool:
      element = sizeof(uint8_t);
      break;
    case abi::kVfioIrqSetDataEventfd:
      element = sizeof(int32_t);
      break;
    default:
      return Fail(sim::Errno::kINVAL, kDataType);
  }
  if (hdr.argsz - sizeof(hdr) < hdr.count * element) return Fail(sim::Errno::kINVAL, kDataSize);
  *data_size = hdr.count * element;
  return Ok();
}

}  // namespace

Outcome SetIrqs(DeviceCall& c) {
  abi::VfioIrqSet hdr{};
  if (!c.call.CopyIn(c.arg, &hdr, sizeof(hdr))) return Fail(sim::Errno::kFAULT, kCopyIn);
  uint64_t data_size = 0;
  if (Outcome o = Validate(c, hdr, &data_size); !o.ok()) return o;

  IrqRequest request;
  request.index = hdr.index;
  request.start = hdr.start;
  request.count = hdr.count;
  request.flags = hdr.flags;
  if (data_size != 0) {
    if (c.call.AllocFails("alloc:irq_set_data")) return Fail(sim::Errno::kNOMEM, kNoMemory);
    // At most 2048 vectors of 4 bytes: `count` was checked against the capability.
    std::vector<uint8_t> data(data_size);
    if (!c.call.CopyIn(c.arg + sizeof(hdr), data.data(), data_size)) {
      return Fail(sim::Errno::kFAULT, kCopyData);
    }
    if (request.Has(abi::kVfioIrqSetDataEventfd)) {
      request.fds.resize(hdr.count);
      std::memcpy(request.fds.data(), data.data(), data_size);
    } else {
      request.bools = std::move(data);
    }
  }

  const uint32_t action = hdr.flags & abi::kVfioIrqSetActionTypeMask;
  const bool trigger = action == abi::kVfioIrqSetActionTrigger;
  switch (hdr.index) {
    case abi::kVfioPciIntxIrqIndex:
      if (trigger) return SetIntxTrigger(c, request);
      if (action == abi::kVfioIrqSetActionMask) return SetIntxMask(c, request);
      if (action == abi::kVfioIrqSetActionUnmask) return SetIntxUnmask(c, request);
      break;
    case abi::kVfioPciMsiIrqIndex:
    case abi::kVfioPciMsixIrqIndex:
      if (trigger) return SetMsiTrigger(c, request);
      break;
    case abi::kVfioPciErrIrqIndex:
      if (trigger) return SetSingleTrigger(c, request, &c.state.err_trigger);
      break;
    case abi::kVfioPciReqIrqIndex:
      if (trigger) return SetSingleTrigger(c, request, &c.state.req_trigger);
      break;
    default:
      break;
  }
  return Fail(sim::Errno::kNOTTY, kAction);
}

}  // namespace iovalid::compat::pci
