// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_TESTING_DEVICE_H_
#define IOVALID_COMPAT_PCI_TESTING_DEVICE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compat/pci/pci_profiles.h"
#include "compat/pci/vfio_pci.h"
#include "hwmodel/iommu.h"

// A process with open vfio-pci devices, for the tests of compat/pci: memory, descriptors and a
// kernel around VfioPciIoctl, and nothing else.
namespace iovalid::compat::pci {

// User memory of a few pages; a copy stops where a page is missing or read-only.
class TestMm final : public sim::Mm {
 public:
  void AddPage(uint64_t addr, uint8_t fill, bool writable = true) {
    Page& page = pages_[addr / sim::kPageSize];
    page.bytes.fill(fill);
    page.writable = writable;
  }
  // The bytes of a page that exists, whatever its rights.
  std::array<uint8_t, sim::kPageSize>& Bytes(uint64_t addr) {
    return pages_.at(addr / sim::kPageSize).bytes;
  }

  size_t CopyIn(uint64_t addr, void* to, size_t len) override {
    return Walk(addr, len, false, [to](uint8_t* user, size_t done, size_t n) {
      std::memcpy(static_cast<uint8_t*>(to) + done, user, n);
    });
  }
  size_t CopyOut(uint64_t addr, const void* from, size_t len) override {
    return Walk(addr, len, true, [from](uint8_t* user, size_t done, size_t n) {
      std::memcpy(user, static_cast<const uint8_t*>(from) + done, n);
    });
  }
  bool AccessOk(uint64_t, uint64_t) const override { return true; }
  sim::PinResult Pin(uint64_t, uint64_t, bool, std::vector<sim::PageRun>*) override {
    return {0, sim::Errno::kFAULT};
  }
  sim::PinResult FollowPfnmap(uint64_t, uint64_t, bool, sim::PageRun*) override {
    return {0, sim::Errno::kFAULT};
  }
  void Unpin(const sim::PageRun&, bool) override {}
  sim::PinResult PinFile(uint32_t, uint64_t, uint64_t, std::vector<sim::PageRun>*) override {
    return {0, sim::Errno::kINVAL};
  }
  sim::Errno MapPfns(uint64_t, uint64_t, bool, bool, sim::PageId, uint32_t) override {
    return sim::Errno::kOk;
  }

 private:
  struct Page {
    std::array<uint8_t, sim::kPageSize> bytes{};
    bool writable = true;
  };

  template <typename F>
  size_t Walk(uint64_t addr, size_t len, bool write, F f) {
    size_t done = 0;
    while (done < len) {
      const auto it = pages_.find((addr + done) / sim::kPageSize);
      if (it == pages_.end() || (write && !it->second.writable)) break;
      const size_t offset = (addr + done) % sim::kPageSize;
      const size_t n = std::min<size_t>(len - done, sim::kPageSize - offset);
      f(it->second.bytes.data() + offset, done, n);
      done += n;
    }
    return done;
  }

  std::map<uint64_t, Page> pages_;
};

// Descriptors by name: e0..e3 eventfds, n some other file, g<device> its group, d<device> the
// device. 0, 1 and 2 are open; nothing else is.
class TestEnvironment final : public DeviceCallEnvironment {
 public:
  struct Names {
    std::vector<DeviceConfig> devices;
    std::vector<uint32_t> groups;  // number of each device's IOMMU group
  };

  explicit TestEnvironment(Names names) : names_(std::move(names)) {}

  // The descriptor behind a name; 999, which is not open, for an unknown name.
  int Fd(std::string_view name) const {
    if (name.size() == 2 && name[0] == 'e') return kEventfd + (name[1] - '0');
    if (name == "n") return kOther;
    for (size_t i = 0; i < names_.devices.size(); ++i) {
      if (name.substr(1) != names_.devices[i].name) continue;
      if (name[0] == 'g') return kGroup + static_cast<int>(names_.groups[i]);
      if (name[0] == 'd') return kDevice + static_cast<int>(i);
    }
    return 999;
  }

  FileKind KindOfFd(int fd) const override {
    if (fd >= kEventfd && fd < kEventfd + 4) return FileKind::kEventfd;
    if (fd == kOther || (fd >= 0 && fd <= 2)) return FileKind::kOther;
    for (size_t i = 0; i < names_.devices.size(); ++i) {
      if (fd == kGroup + static_cast<int>(names_.groups[i])) return FileKind::kGroup;
      if (fd == kDevice + static_cast<int>(i)) return FileKind::kDevice;
    }
    return FileKind::kNone;
  }
  int InstallDmabuf(DmabufExport dmabuf, bool close_on_exec) override {
    if (full) return -1;
    dmabufs.push_back(std::move(dmabuf));
    last_close_on_exec = close_on_exec;
    return kDmabuf;
  }
  void MoveDmabufs(DeviceIndex device, bool revoked) override {
    moves.push_back({device, revoked});
  }
  bool OpenedAsCdev() const override { return cdev; }
  const std::vector<DeviceConfig>& Devices() const override { return names_.devices; }
  bool GroupFdHasDevice(int fd, DeviceIndex device) const override {
    return fd == kGroup + static_cast<int>(names_.groups[device]);
  }
  uint32_t GroupNumber(DeviceIndex device) const override { return names_.groups[device]; }
  uint32_t HotResetDevId(DeviceIndex device) const override { return dev_ids.at(device); }

  static constexpr int kDmabuf = 77;
  bool cdev = false;
  bool full = false;
  bool last_close_on_exec = false;
  std::vector<DmabufExport> dmabufs;
  std::vector<std::pair<DeviceIndex, bool>> moves;
  std::vector<uint32_t> dev_ids;

 private:
  static constexpr int kEventfd = 100, kOther = 110, kGroup = 200, kDevice = 300;

  Names names_;
};

// One kernel with the devices of `names`, and a process whose memory is an argument page (filled
// with 0xaa, the next page missing) and a read-only copy of it.
class TestMachine {
 public:
  static constexpr uint64_t kPage = 0x70000000;
  static constexpr uint64_t kReadOnlyPage = 0x70010000;

  TestMachine(const PciProfile& pci, bool has_cdev, TestEnvironment::Names names)
      : environment(std::move(names)),
        kernel(hwmodel::IommuConfig{}),
        states(environment.Devices().size()) {
    profile_.pci = pci;
    profile_.vfio.has_cdev = has_cdev;
    kernel.profile = &profile_;
    kernel.tasks.resize(1);
    kernel.mms.push_back(&mm);
  }
  TestMachine(const TestMachine&) = delete;

  Call call() { return Call{kernel, 0}; }
  Outcome Ioctl(DeviceIndex device, uint32_t cmd, uint64_t arg) {
    Call c = call();
    return VfioPciIoctl(c, environment.Devices()[device], states[device], environment, cmd, arg);
  }
  // Places `in` in the argument page and calls; `in` is then what the call left.
  Outcome IoctlWith(DeviceIndex device, uint32_t cmd, std::vector<uint8_t>& in) {
    mm.AddPage(kPage, 0xaa);
    std::memcpy(mm.Bytes(kPage).data(), in.data(), in.size());
    Outcome o = Ioctl(device, cmd, kPage);
    std::memcpy(in.data(), mm.Bytes(kPage).data(), in.size());
    return o;
  }

  TestMm mm;
  TestEnvironment environment;
  Kernel kernel;
  std::vector<VfioPciState> states;

 private:
  KernelProfile profile_{};
};

}  // namespace iovalid::compat::pci

#endif  // IOVALID_COMPAT_PCI_TESTING_DEVICE_H_
