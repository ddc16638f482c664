// SPDX-License-Identifier: Apache-2.0
// The prologue of all commands of /dev/iommu: iommufd_fops_ioctl.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "compat/abi/iommufd.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/native_call.h"
#include "compat/iommufd/rules.h"
#include "compat/user_copy.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

// iommufd_ioctl_ops: `min_size` is what a caller must give at least.
struct Command {
  uint32_t cmd;
  uint32_t size;
  uint32_t min_size;
  Outcome (*run)(const NativeCall& n, void* cmd);
};

template <typename T, Outcome (*kRun)(const NativeCall&, T&)>
constexpr Command Entry(uint32_t cmd, uint32_t min_size) {
  return {cmd, sizeof(T), min_size,
          [](const NativeCall& n, void* buffer) { return kRun(n, *static_cast<T*>(buffer)); }};
}

using N = NativeCommands;

// By number from 0x80 on.
constexpr Command kCommands[] = {
    Entry<abi::IommuDestroy, N::Destroy>(abi::kIommuDestroy, 8),
    Entry<abi::IommuIoasAlloc, N::IoasAlloc>(abi::kIommuIoasAlloc, 12),
    Entry<abi::IommuIoasAllowIovas, N::AllowIovas>(abi::kIommuIoasAllowIovas, 24),
    Entry<abi::IommuIoasCopy, N::Copy>(abi::kIommuIoasCopy, 40),
    Entry<abi::IommuIoasIovaRanges, N::IovaRanges>(abi::kIommuIoasIovaRanges, 32),
    Entry<abi::IommuIoasMap, N::Map>(abi::kIommuIoasMap, 40),
    Entry<abi::IommuIoasUnmap, N::Unmap>(abi::kIommuIoasUnmap, 24),
    Entry<abi::IommuOption, N::Option>(abi::kIommuOption, 24),
    Entry<abi::IommuVfioIoas, N::VfioIoas>(abi::kIommuVfioIoas, 12),
    Entry<abi::IommuHwptAlloc, N::HwptAlloc>(abi::kIommuHwptAlloc, 24),
    Entry<abi::IommuHwInfo, N::GetHwInfo>(abi::kIommuGetHwInfo, 32),
    Entry<abi::IommuHwptSetDirtyTracking, N::SetDirtyTracking>(abi::kIommuHwptSetDirtyTracking, 16),
    Entry<abi::IommuHwptGetDirtyBitmap, N::GetDirtyBitmap>(abi::kIommuHwptGetDirtyBitmap, 48),
    Entry<abi::IommuHwptInvalidate, N::Invalidate>(abi::kIommuHwptInvalidate, 32),
    Entry<abi::IommuFaultAlloc, N::FaultQueueAlloc>(abi::kIommuFaultQueueAlloc, 16),
    Entry<abi::IommuIoasMapFile, N::MapFile>(abi::kIommuIoasMapFile, 40),
    Entry<abi::IommuViommuAlloc, N::ViommuAlloc>(abi::kIommuViommuAlloc, 24),
    Entry<abi::IommuVdeviceAlloc, N::VdeviceAlloc>(abi::kIommuVdeviceAlloc, 24),
    Entry<abi::IommuIoasChangeProcess, N::ChangeProcess>(abi::kIommuIoasChangeProcess, 8),
    Entry<abi::IommuVeventqAlloc, N::VeventqAlloc>(abi::kIommuVeventqAlloc, 28),
    Entry<abi::IommuHwQueueAlloc, N::HwQueueAlloc>(abi::kIommuHwQueueAlloc, 40),
    Entry<abi::IommuIoasNoiommuGetPa, N::NoiommuGetPa>(abi::kIommuIoasNoiommuGetPa, 40),
};

constexpr size_t kMaxStruct = 48;

// include/.../iommufd_test.h, with CONFIG_IOMMUFD_TEST.
constexpr uint32_t kIommuTestCmd = abi::Ioctl(0xa0);
constexpr Rule kTestCommand{"unmodelled.iommufd.test", "iommufd_test",
                            "the commands of the kernel's own tests are not modelled"};

}  // namespace

Outcome IommufdContext::NativeIoctl(Call& call, uint32_t cmd, uint64_t arg, ContextFiles& files) {
  NativeCall native{*this, call, arg, 0, files};
  if (!call.CopyIn(arg, &native.user_size, sizeof(native.user_size))) {
    return Fail(Errno::kFAULT, rules::kNativeSizeFault);
  }
  if (cmd == kIommuTestCmd) return Fail(Errno::kNOSYS, kTestCommand);
  const uint32_t number = cmd & 0xff;
  if (number > call.profile().iommufd.last_command) {
    return Fail(Errno::kNOTTY, rules::kNativeCommand);
  }
  const Command& command = kCommands[number - 0x80];
  if (command.cmd != cmd) return Fail(Errno::kNOTTY, rules::kNativeCommand);
  if (native.user_size < command.min_size) return Fail(Errno::kINVAL, rules::kNativeTooSmall);

  // copy_struct_from_user.
  alignas(8) std::array<unsigned char, kMaxStruct> buffer{};
  const uint32_t known = std::min(native.user_size, command.size);
  if (native.user_size > known) {
    const Errno tail = CheckZeroedUser(call, arg + known, native.user_size - known);
    if (tail == Errno::kE2BIG) return Fail(tail, rules::kNativeTail);
    if (tail != Errno::kOk) return Fail(tail, rules::kNativeFault);
  }
  if (!call.CopyIn(arg, buffer.data(), known)) return Fail(Errno::kFAULT, rules::kNativeFault);
  return command.run(native, buffer.data());
}

}  // namespace iovalid::compat
