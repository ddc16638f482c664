// SPDX-License-Identifier: Apache-2.0
// Commands of virtual IOMMUs, which the IOMMU driver has none of: viommu.c, eventq.c.
#include "compat/iommufd/native_call.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kViommuFlags{"iommufd.viommu.flags", "iommufd_viommu_alloc_ioctl",
                            "a flag is set, or the type is missing"};
constexpr Rule kViommuUnsupported{"iommufd.viommu.unsupported", "iommufd_viommu_alloc_ioctl",
                                  "the IOMMU driver has no virtual IOMMUs"};
constexpr Rule kVeventqFlags{"iommufd.veventq.flags", "iommufd_veventq_alloc",
                             "a flag or a reserved field is set, or the type is missing"};
constexpr Rule kVeventqDepth{"iommufd.veventq.depth", "iommufd_veventq_alloc",
                             "the depth is zero or too large"};
constexpr Rule kHwQueueFlags{"iommufd.hw_queue.flags", "iommufd_hw_queue_alloc_ioctl",
                             "a flag is set, or the type is missing"};
constexpr Rule kHwQueueLength{"iommufd.hw_queue.length", "iommufd_hw_queue_alloc_ioctl",
                              "the length is zero"};
constexpr Rule kHwQueueOverflow{"iommufd.hw_queue.overflow", "iommufd_hw_queue_alloc_ioctl",
                                "the queue passes the end of the 64-bit space"};

// No type of virtual IOMMU, event queue or hardware queue.
constexpr uint32_t kTypeDefault = 0;
constexpr uint32_t kMaxVeventqDepth = 1u << 19;

}  // namespace

Outcome NativeCommands::ViommuAlloc(const NativeCall& n, abi::IommuViommuAlloc& cmd) {
  if (cmd.flags != 0 || cmd.type == kTypeDefault) return Fail(Errno::kOPNOTSUPP, kViommuFlags);
  if (n.context.objects_.Find(cmd.dev_id, ObjectType::kDevice) == nullptr) {
    return Fail(Errno::kNOENT, rules::kUnknownObject);
  }
  return Fail(Errno::kOPNOTSUPP, kViommuUnsupported);
}

// There are no virtual IOMMUs for the objects below to belong to.
Outcome NativeCommands::VdeviceAlloc(const NativeCall&, abi::IommuVdeviceAlloc&) {
  return Fail(Errno::kNOENT, rules::kUnknownObject);
}

Outcome NativeCommands::VeventqAlloc(const NativeCall&, abi::IommuVeventqAlloc& cmd) {
  if (cmd.flags != 0 || cmd.reserved != 0 || cmd.type == kTypeDefault) {
    return Fail(Errno::kOPNOTSUPP, kVeventqFlags);
  }
  if (cmd.veventq_depth == 0 || cmd.veventq_depth > kMaxVeventqDepth) {
    return Fail(Errno::kINVAL, kVeventqDepth);
  }
  return Fail(Errno::kNOENT, rules::kUnknownObject);
}

Outcome NativeCommands::HwQueueAlloc(const NativeCall&, abi::IommuHwQueueAlloc& cmd) {
  if (cmd.flags != 0 || cmd.type == kTypeDefault) return Fail(Errno::kOPNOTSUPP, kHwQueueFlags);
  if (cmd.length == 0) return Fail(Errno::kINVAL, kHwQueueLength);
  if (cmd.nesting_parent_iova + cmd.length - 1 < cmd.nesting_parent_iova) {
    return Fail(Errno::kOVERFLOW, kHwQueueOverflow);
  }
  return Fail(Errno::kNOENT, rules::kUnknownObject);
}

}  // namespace iovalid::compat
