// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kCopyIn{"pci.feature.copy_in", "vfio_ioctl_device_feature",
                       "the header cannot be read"};
constexpr Rule kArgsz{"pci.feature.argsz", "vfio_ioctl_device_feature",
                      "argsz is below the size of the header"};
constexpr Rule kFlags{"pci.feature.flags", "vfio_ioctl_device_feature", "an unknown flag is set"};
constexpr Rule kGetAndSet{"pci.feature.get_and_set", "vfio_ioctl_device_feature",
                          "GET and SET are set together without PROBE"};
constexpr Rule kOperation{"pci.feature.operation", "vfio_check_feature",
                          "the feature does not have this operation"};
constexpr Rule kProbe{"pci.feature.probe", "vfio_check_feature", "the feature exists"};
constexpr Rule kNoOperation{"pci.feature.no_operation", "vfio_check_feature",
                            "neither GET nor SET is set"};
constexpr Rule kDataSize{"pci.feature.data_size", "vfio_check_feature",
                         "argsz does not hold the feature's data"};
constexpr Rule kNoMigration{"pci.feature.no_migration", "vfio_ioctl_device_feature",
                            "the driver has no migration"};
constexpr Rule kNoLogging{"pci.feature.no_logging", "vfio_ioctl_device_feature",
                          "the driver has no DMA logging"};
constexpr Rule kNoPrecopy{"pci.feature.no_precopy",
                          "vfio_ioctl_device_feature_migration_precopy_info_v2",
                          "the driver has no pre-copy migration"};
constexpr Rule kNoVfToken{"pci.feature.no_vf_token", "vfio_pci_core_feature_token",
                          "the function is not an SR-IOV physical function"};
constexpr Rule kUnknown{"pci.feature.unknown", "vfio_pci_core_ioctl_feature",
                        "vfio-pci does not know the feature"};
constexpr Rule kLowPowerCopyIn{"pci.low_power.copy_in", "vfio_pci_core_pm_entry_with_wakeup",
                               "the data cannot be read"};
constexpr Rule kLowPowerFd{"pci.low_power.fd", "vfio_pci_core_pm_entry_with_wakeup",
                           "the wake-up eventfd is negative"};
constexpr Rule kLowPowerTwice{"pci.low_power.twice", "vfio_pci_runtime_pm_entry",
                              "low power was asked for already"};

Outcome EnterLowPower(DeviceCall& c, bool wakeup) {
  c.environment.MoveDmabufs(c.index(), /*revoked=*/true);
  if (c.state.low_power) return Fail(sim::Errno::kINVAL, kLowPowerTwice);
  c.state.low_power = true;
  c.state.low_power_wakeup = wakeup;
  return Ok();
}

Outcome LowPowerEntry(DeviceCall& c, uint32_t flags, uint32_t data_size) {
  Outcome o;
  if (!CheckFeature(flags, data_size, abi::kVfioDeviceFeatureSet, 0, &o)) return o;
  return EnterLowPower(c, /*wakeup=*/false);
}

Outcome LowPowerEntryWithWakeup(DeviceCall& c, uint32_t flags, uint64_t data, uint32_t data_size) {
  abi::VfioDeviceLowPowerEntryWithWakeup entry{};
  Outcome o;
  if (!CheckFeature(flags, data_size, abi::kVfioDeviceFeatureSet, sizeof(entry), &o)) return o;
  if (!c.call.CopyIn(data, &entry, sizeof(entry))) {
    return Fail(sim::Errno::kFAULT, kLowPowerCopyIn);
  }
  if (entry.wakeup_eventfd < 0) return Fail(sim::Errno::kINVAL, kLowPowerFd);
  if (sim::Errno e = EventfdError(c.environment, entry.wakeup_eventfd); e != sim::Errno::kOk) {
    return Fail(e, EventfdRule(e));
  }
  return EnterLowPower(c, /*wakeup=*/true);
}

Outcome LowPowerExit(DeviceCall& c, uint32_t flags, uint32_t data_size) {
  Outcome o;
  if (!CheckFeature(flags, data_size, abi::kVfioDeviceFeatureSet, 0, &o)) return o;
  c.state.low_power = false;
  c.state.low_power_wakeup = false;
  c.environment.MoveDmabufs(c.index(), /*revoked=*/false);
  return Ok();
}

}  // namespace

bool CheckFeature(uint32_t flags, uint32_t data_size, uint32_t supported, uint32_t min_size,
                  Outcome* outcome) {
  const uint32_t operations = flags & (abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet);
  if ((operations & ~supported) != 0) {
    *outcome = Fail(sim::Errno::kINVAL, kOperation);
  } else if ((flags & abi::kVfioDeviceFeatureProbe) != 0) {
    *outcome = Ok(0, &kProbe);
  } else if (operations == 0) {
    *outcome = Fail(sim::Errno::kINVAL, kNoOperation);
  } else if (data_size < min_size) {
    *outcome = Fail(sim::Errno::kINVAL, kDataSize);
  } else {
    return true;
  }
  return false;
}

Outcome Feature(DeviceCall& c) {
  constexpr uint32_t kKnown = abi::kVfioDeviceFeatureMask | abi::kVfioDeviceFeatureGet |
                              abi::kVfioDeviceFeatureSet | abi::kVfioDeviceFeatureProbe;
  constexpr uint32_t kGetSet = abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet;
  abi::VfioDeviceFeature header{};
  if (!c.call.CopyIn(c.arg, &header, sizeof(header))) return Fail(sim::Errno::kFAULT, kCopyIn);
  if (header.argsz < sizeof(header)) return Fail(sim::Errno::kINVAL, kArgsz);
  if ((header.flags & ~kKnown) != 0) return Fail(sim::Errno::kINVAL, kFlags);
  if ((header.flags & abi::kVfioDeviceFeatureProbe) == 0 && (header.flags & kGetSet) == kGetSet) {
    return Fail(sim::Errno::kINVAL, kGetAndSet);
  }

  const uint64_t data = c.arg + sizeof(header);
  const uint32_t data_size = header.argsz - static_cast<uint32_t>(sizeof(header));
  switch (header.flags & abi::kVfioDeviceFeatureMask) {
    case abi::kVfioDeviceFeatureMigration:
    case abi::kVfioDeviceFeatureMigDeviceState:
    case abi::kVfioDeviceFeatureMigDataSize:
      return Fail(sim::Errno::kNOTTY, kNoMigration);
    case abi::kVfioDeviceFeatureDmaLoggingStart:
    case abi::kVfioDeviceFeatureDmaLoggingStop:
    case abi::kVfioDeviceFeatureDmaLoggingReport:
      return Fail(sim::Errno::kNOTTY, kNoLogging);
    case abi::kVfioDeviceFeatureMigPrecopyInfoV2:
      if (c.profile().feature_precopy_info_v2) return Fail(sim::Errno::kINVAL, kNoPrecopy);
      break;
    case abi::kVfioDeviceFeaturePciVfToken:
      return Fail(sim::Errno::kNOTTY, kNoVfToken);
    case abi::kVfioDeviceFeatureLowPowerEntry:
      return LowPowerEntry(c, header.flags, data_size);
    case abi::kVfioDeviceFeatureLowPowerEntryWithWakeup:
      return LowPowerEntryWithWakeup(c, header.flags, data, data_size);
    case abi::kVfioDeviceFeatureLowPowerExit:
      return LowPowerExit(c, header.flags, data_size);
    case abi::kVfioDeviceFeatureDmaBuf:
      if (c.profile().feature_dma_buf) return FeatureDmaBuf(c, header.flags, data, data_size);
      break;
    default:
      break;
  }
  return Fail(sim::Errno::kNOTTY, kUnknown);
}

}  // namespace iovalid::compat::pci
