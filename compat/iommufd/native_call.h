// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_NATIVE_CALL_H_
#define IOVALID_COMPAT_IOMMUFD_NATIVE_CALL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "compat/abi/iommufd.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"

namespace iovalid::compat {

// A command of /dev/iommu in progress: struct iommufd_ucmd.
struct NativeCall {
  IommufdContext& context;
  Call& call;
  uint64_t arg;        // user address of the struct
  uint32_t user_size;  // bytes, as the caller says
  ContextFiles& files;

  // iommufd_ucmd_respond: writes the struct back, as much of it as the caller has room for.
  template <typename T>
  Outcome Respond(const T& cmd) const {
    if (!call.CopyOut(arg, &cmd, std::min<size_t>(user_size, sizeof(cmd)))) {
      return Fail(sim::Errno::kFAULT, rules::kRespondFault);
    }
    return Ok();
  }
};

// The commands, each with its struct as the caller gave it, zero where it gave less. They are
// functions of IommufdContext, kept out of its header.
struct NativeCommands {
  using Context = IommufdContext;

  // native_ioas.cc: ioas.c, vfio_compat.c
  static Outcome Destroy(const NativeCall& n, abi::IommuDestroy& cmd);
  static Outcome IoasAlloc(const NativeCall& n, abi::IommuIoasAlloc& cmd);
  static Outcome AllowIovas(const NativeCall& n, abi::IommuIoasAllowIovas& cmd);
  static Outcome IovaRanges(const NativeCall& n, abi::IommuIoasIovaRanges& cmd);
  static Outcome Option(const NativeCall& n, abi::IommuOption& cmd);
  static Outcome OptionRlimitMode(const NativeCall& n, abi::IommuOption& cmd);
  static Outcome OptionHugePages(const NativeCall& n, abi::IommuOption& cmd);
  static Outcome VfioIoas(const NativeCall& n, abi::IommuVfioIoas& cmd);

  // native_map.cc: ioas.c
  static Outcome Map(const NativeCall& n, abi::IommuIoasMap& cmd);
  static Outcome MapFile(const NativeCall& n, abi::IommuIoasMapFile& cmd);
  static ioas::Result MapDmabuf(const NativeCall& n, Context::Core& core, Context::Ioas& ioas,
                                uint32_t dmabuf, abi::IommuIoasMapFile& cmd);
  static Outcome Copy(const NativeCall& n, abi::IommuIoasCopy& cmd);
  static Outcome Unmap(const NativeCall& n, abi::IommuIoasUnmap& cmd);
  static Outcome ChangeProcess(const NativeCall& n, abi::IommuIoasChangeProcess& cmd);
  static Outcome NoiommuGetPa(const NativeCall& n, abi::IommuIoasNoiommuGetPa& cmd);

  // native_hwpt.cc: hw_pagetable.c, device.c
  static Outcome HwptAlloc(const NativeCall& n, abi::IommuHwptAlloc& cmd);
  static Outcome GetHwInfo(const NativeCall& n, abi::IommuHwInfo& cmd);
  static Outcome SetDirtyTracking(const NativeCall& n, abi::IommuHwptSetDirtyTracking& cmd);
  static Outcome GetDirtyBitmap(const NativeCall& n, abi::IommuHwptGetDirtyBitmap& cmd);
  static Outcome Invalidate(const NativeCall& n, abi::IommuHwptInvalidate& cmd);

  // fault_queue.cc: eventq.c
  static Outcome FaultQueueAlloc(const NativeCall& n, abi::IommuFaultAlloc& cmd);

  // native_viommu.cc: eventq.c, viommu.c
  static Outcome ViommuAlloc(const NativeCall& n, abi::IommuViommuAlloc& cmd);
  static Outcome VdeviceAlloc(const NativeCall& n, abi::IommuVdeviceAlloc& cmd);
  static Outcome VeventqAlloc(const NativeCall& n, abi::IommuVeventqAlloc& cmd);
  static Outcome HwQueueAlloc(const NativeCall& n, abi::IommuHwQueueAlloc& cmd);
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_NATIVE_CALL_H_
