// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_NATIVE_FIXTURE_H_
#define IOVALID_COMPAT_IOMMUFD_NATIVE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "compat/test_process.h"

// For tests of /dev/iommu.
namespace iovalid::compat {

// A process on the recordings' machine that has opened /dev/iommu as `fd`.
struct Native : ::testing::Test {
  static constexpr uint64_t kPage = sim::kPageSize;
  static constexpr uint64_t kTop = ~uint64_t{0};
  static constexpr uint64_t kBuffer = TestProcess::kBuffer;
  static constexpr uint64_t kArg = TestProcess::kArg;
  static constexpr uint32_t kRw = abi::kIommuIoasMapReadable | abi::kIommuIoasMapWriteable;
  static constexpr uint32_t kFixed = abi::kIommuIoasMapFixedIova | kRw;

  Native() : fd(p.Open("/dev/iommu")) {}

  uint32_t NewIoas() {
    abi::IommuIoasAlloc cmd{.size = sizeof(cmd), .flags = 0, .out_ioas_id = 0};
    EXPECT_TRUE(p.Ioctl(fd, abi::kIommuIoasAlloc, &cmd).ok());
    return cmd.out_ioas_id;
  }
  Outcome Map(uint32_t ioas, uint64_t iova, uint64_t va, uint64_t length, uint32_t flags = kFixed,
              uint64_t* chosen = nullptr) {
    abi::IommuIoasMap cmd{sizeof(cmd), flags, ioas, 0, va, length, iova};
    const Outcome outcome = p.Ioctl(fd, abi::kIommuIoasMap, &cmd);
    if (chosen != nullptr) *chosen = cmd.iova;
    return outcome;
  }
  Outcome Unmap(uint32_t ioas, uint64_t iova, uint64_t length, uint64_t* unmapped = nullptr) {
    abi::IommuIoasUnmap cmd{sizeof(cmd), ioas, iova, length};
    const Outcome outcome = p.Ioctl(fd, abi::kIommuIoasUnmap, &cmd);
    if (unmapped != nullptr) *unmapped = cmd.length;
    return outcome;
  }
  Outcome Copy(uint32_t from, uint64_t src, uint32_t to, uint64_t dst, uint64_t length,
               uint32_t flags = kFixed) {
    abi::IommuIoasCopy cmd{sizeof(cmd), flags, to, from, length, dst, src};
    return p.Ioctl(fd, abi::kIommuIoasCopy, &cmd);
  }
  Outcome Destroy(uint32_t id) {
    abi::IommuDestroy cmd{sizeof(cmd), id};
    return p.Ioctl(fd, abi::kIommuDestroy, &cmd);
  }
  Outcome Option(uint32_t option, uint16_t op, uint32_t object, uint64_t* value) {
    abi::IommuOption cmd{sizeof(cmd), option, op, 0, object, *value};
    const Outcome outcome = p.Ioctl(fd, abi::kIommuOption, &cmd);
    *value = cmd.val64;
    return outcome;
  }
  // Opens the device's cdev and binds it here. *id: its object.
  int Bind(uint32_t device, uint32_t* id) {
    const int cdev = p.Open(p.system().config().devices[device].cdev_path);
    abi::VfioDeviceBindIommufd cmd{16, 0, fd, 0, 0};
    EXPECT_TRUE(p.Ioctl(cdev, abi::kVfioDeviceBindIommufd, &cmd).ok());
    *id = cmd.out_devid;
    return cdev;
  }
  Outcome Attach(int cdev, uint32_t pt, uint32_t* hwpt = nullptr) {
    abi::VfioDeviceAttachIommufdPt cmd{12, 0, pt, 0};
    const Outcome outcome = p.Ioctl(cdev, abi::kVfioDeviceAttachIommufdPt, &cmd);
    if (hwpt != nullptr) *hwpt = cmd.pt_id;
    return outcome;
  }
  Outcome NewHwpt(uint32_t device, uint32_t pt, uint32_t* id, uint32_t flags = 0) {
    abi::IommuHwptAlloc cmd{};
    cmd.size = sizeof(cmd);
    cmd.flags = flags;
    cmd.dev_id = device;
    cmd.pt_id = pt;
    const Outcome outcome = p.Ioctl(fd, abi::kIommuHwptAlloc, &cmd);
    *id = cmd.out_hwpt_id;
    return outcome;
  }

  Outcome MapFile(uint32_t ioas, uint64_t iova, int file, uint64_t start, uint64_t length,
                  uint32_t flags = kFixed) {
    abi::IommuIoasMapFile cmd{sizeof(cmd), flags, ioas, file, start, length, iova};
    return p.Ioctl(fd, abi::kIommuIoasMapFile, &cmd);
  }

  TestProcess p;
  int fd;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_NATIVE_FIXTURE_H_
