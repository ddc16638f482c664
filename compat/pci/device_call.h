// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_DEVICE_CALL_H_
#define IOVALID_COMPAT_PCI_DEVICE_CALL_H_

#include <cstdint>

#include "compat/pci/pci_profile.h"
#include "compat/pci/vfio_pci.h"

// The device ioctls, one function each; internal to compat/pci. VfioPciIoctl chooses.
namespace iovalid::compat::pci {

// One ioctl in progress on an open device.
struct DeviceCall {
  Call& call;
  const DeviceConfig& device;
  VfioPciState& state;
  DeviceCallEnvironment& environment;
  uint64_t arg;  // user address

  const PciFunction& function() const { return device.pci; }
  DeviceIndex index() const {
    return static_cast<DeviceIndex>(&device - environment.Devices().data());
  }
  const PciProfile& profile() const { return call.profile().pci; }
};

Outcome GetInfo(DeviceCall& c);
Outcome GetRegionInfo(DeviceCall& c);
Outcome GetIrqInfo(DeviceCall& c);
Outcome SetIrqs(DeviceCall& c);
Outcome Reset(DeviceCall& c);
Outcome GetPciHotResetInfo(DeviceCall& c);
Outcome PciHotReset(DeviceCall& c);
Outcome Ioeventfd(DeviceCall& c);
Outcome Feature(DeviceCall& c);
Outcome FeatureDmaBuf(DeviceCall& c, uint32_t flags, uint64_t data, uint32_t data_size);
Outcome BindIommufdOfGroupFile(DeviceCall& c);

// vfio_check_feature: what the flags and the size say before a feature looks at its data. Returns
// true where the feature is to go on; else `*outcome` is the answer (a failure, or success for a
// probe).
bool CheckFeature(uint32_t flags, uint32_t data_size, uint32_t supported, uint32_t min_size,
                  Outcome* outcome);

// Vectors of interrupt index `index`, 0 for an index that does not exist (vfio_pci_get_irq_count).
uint32_t IrqCount(const PciFunction& function, const PciProfile& profile, uint32_t index);

// eventfd_ctx_fdget: kOk for an eventfd, kBADF for a closed descriptor, kINVAL for another file.
sim::Errno EventfdError(const DeviceCallEnvironment& environment, int fd);
// The rule behind an EventfdError.
const Rule& EventfdRule(sim::Errno error);

}  // namespace iovalid::compat::pci

#endif  // IOVALID_COMPAT_PCI_DEVICE_CALL_H_
