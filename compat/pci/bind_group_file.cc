// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/bind_args.h"
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kGroupFile{"pci.bind.group_file", "vfio_df_ioctl_bind_iommufd",
                          "the device was opened through its group"};

}  // namespace

Outcome BindIommufdOfGroupFile(DeviceCall& c) {
  abi::VfioDeviceBindIommufd bind;
  Outcome read = ReadBindArgs(c.call, c.arg, &bind);
  return read.ok() ? Fail(sim::Errno::kINVAL, kGroupFile) : read;
}

}  // namespace iovalid::compat::pci
