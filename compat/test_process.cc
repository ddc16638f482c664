// SPDX-License-Identifier: Apache-2.0
#include "compat/test_process.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace iovalid::compat {

namespace {

[[noreturn]] void Give(const char* what) {
  std::fprintf(stderr, "TestProcess: %s\n", what);
  std::abort();
}

}  // namespace

SystemConfig GoldenMachine(std::string_view kernel) {
  SystemConfig config;
  config.profile = FindProfile(kernel);
  if (config.profile == nullptr) Give("no such kernel");
  config.iommu.snoop_control = false;
  const char* const bdfs[] = {"0000:00:05.0", "0000:00:06.0", "0000:01:01.0", "0000:01:02.0"};
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t group = i < 3 ? i : 2;
    DeviceConfig device;
    device.name = absl::StrCat("dev", i);
    device.bdf = bdfs[i];
    device.group = group;
    device.group_path = absl::StrCat("/dev/vfio/", group);
    device.cdev_path = absl::StrCat("/dev/vfio/devices/vfio", i);
    device.pci = *PciFunctionForModel("", 1 << 20, i);
    config.devices.push_back(device);
  }
  return config;
}

SystemConfig MixedMachine(std::string_view kernel) {
  SystemConfig config = GoldenMachine(kernel);
  config.parameters.enable_unsafe_noiommu = true;
  const char* const names[] = {"11111111-2222-3333-4444-555555555555",
                               "66666666-7777-8888-9999-aaaaaaaaaaaa", "0000:00:09.0"};
  for (uint32_t i = 0; i < 3; ++i) {
    const bool emulated = i < 2;
    DeviceConfig device;
    device.name = absl::StrCat("dev", 4 + i);
    device.kind = emulated ? DeviceKind::kEmulated : DeviceKind::kNoIommu;
    device.bdf = names[i];
    device.group = 3 + i;
    device.group_path = emulated ? absl::StrCat("/dev/vfio/", 3 + i) : "/dev/vfio/noiommu-0";
    if (emulated) {
      device.dma_unmap = DmaUnmap::kReleases;
      device.cdev_path = absl::StrCat("/dev/vfio/devices/vfio", 4 + i);
    } else {
      device.pci = *PciFunctionForModel("", 1 << 20, 4 + i);
      if (config.profile->vfio.has_noiommu_cdev) {
        device.cdev_path = absl::StrCat("/dev/vfio/devices/noiommu-vfio", 4 + i);
      }
    }
    config.devices.push_back(device);
  }
  return config;
}

TestProcess::TestProcess(const SystemConfig& config, const TaskConfig& task)
    : memory_(config.profile->memory), system_(config) {
  const sim::MmId mm = memory_.AddMm();
  system_.AttachMm(&memory_.mm(mm));
  task_ = system_.AddTask(mm, task);
  AddMemory(kArg, 1);
  AddMemory(kScratch, 16);
  AddMemory(kBuffer, kBufferPages);
}

void TestProcess::AddMemory(uint64_t addr, uint64_t pages, bool write, bool touch) {
  sim::MapRequest request;
  request.addr = addr;
  request.len = pages * kPage;
  request.read = true;
  request.write = write;
  std::vector<uint32_t> released;
  if (mm().Map(request, &released) != sim::Errno::kOk) Give("mmap");
  if (touch) mm().Touch(addr, pages * kPage, write);
}

int TestProcess::Open(std::string_view path) {
  const Outcome outcome = TryOpen(path);
  if (!outcome.ok()) Give("open");
  return static_cast<int>(outcome.ret);
}

uint32_t TestProcess::GroupLeader(uint32_t group) const {
  const auto& devices = system_.config().devices;
  for (uint32_t i = 0; i < devices.size(); ++i) {
    if (devices[i].group == group) return i;
  }
  Give("no such group");
}

Outcome TestProcess::SetContainer(int group, int container) {
  int32_t fd = container;
  return Ioctl(group, abi::kVfioGroupSetContainer, &fd);
}

Outcome TestProcess::GetDeviceFd(int group, uint32_t device) {
  char name[40] = {};
  std::snprintf(name, sizeof(name), "%s", system_.config().devices[device].bdf.c_str());
  return Ioctl(group, abi::kVfioGroupGetDeviceFd, &name);
}

int TestProcess::SetUp(uint64_t type, std::string_view path) {
  const int container = Open(path);
  group_ = OpenGroup(0);
  if (!SetContainer(group_, container).ok()) Give("SET_CONTAINER");
  if (!SetIommu(container, type).ok()) Give("SET_IOMMU");
  return container;
}

Outcome TestProcess::Map(int container, uint64_t iova, uint64_t vaddr, uint64_t size,
                         uint32_t flags) {
  abi::VfioIommuType1DmaMap map = {
      .argsz = sizeof(map), .flags = flags, .vaddr = vaddr, .iova = iova, .size = size};
  return Ioctl(container, abi::kVfioIommuMapDma, &map);
}

Outcome TestProcess::Unmap(int container, uint64_t iova, uint64_t size, uint32_t flags,
                           uint64_t* unmapped) {
  abi::VfioIommuType1DmaUnmap unmap = {
      .argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = size};
  Outcome outcome = Ioctl(container, abi::kVfioIommuUnmapDma, &unmap);
  if (unmapped != nullptr) *unmapped = unmap.size;
  return outcome;
}

std::string TestProcess::Reach(uint32_t device) {
  std::string text;
  const StateSnapshot snapshot = system_.Snapshot();
  for (const auto& run : snapshot.devices[device].reach) {
    absl::StrAppend(&text, text.empty() ? "" : " ", absl::Hex(run.iova), "+", run.pages, ":",
                    run.rights & 1 ? "r" : "", run.rights & 2 ? "w" : "");
  }
  return text;
}

}  // namespace iovalid::compat
