// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/call_builder.h"

#include <array>

#include "compat/abi/vfio.h"
#include "traces/ioctl_names.h"

namespace iovalid::conformance::search {
namespace {

namespace abi = compat::abi;

constexpr std::array<const char*, 4> kBdfs = {"0000:00:05.0", "0000:00:06.0", "0000:01:01.0",
                                              "0000:01:02.0"};
constexpr std::array<const char*, 4> kGroups = {"g0", "g1", "g2", "g2"};

traces::Event IoctlOf(std::string_view fd, std::string_view cmd) {
  traces::Event event;
  traces::Ioctl* ioctl = event.mutable_ioctl();
  ioctl->set_fd(std::string(fd));
  ioctl->set_cmd(std::string(cmd));
  if (const traces::IoctlName* name = traces::FindIoctl(cmd)) ioctl->set_nr(name->nr);
  return event;
}

}  // namespace

traces::Header SearchHeader(traces::Mode mode) {
  traces::Header header;
  header.set_golden(1);
  header.set_kernel("7.3.4");
  header.set_uname("7.3.4");
  header.set_config("custom");
  header.set_mode(mode);
  header.set_set_iommu(3);
  header.set_page_size(kPage);
  header.set_family("search");
  traces::Hardware* hardware = header.mutable_hardware();
  hardware->set_type("intel-vtd");
  hardware->set_aw_bits(39);
  hardware->set_mode("legacy");
  hardware->set_caching_mode(true);
  hardware->set_intremap(false);
  hardware->mutable_msi_window()->set_first(0xfee00000);
  hardware->mutable_msi_window()->set_last(0xfeefffff);
  hardware->mutable_aperture()->set_first(0);
  hardware->mutable_aperture()->set_last(0x7fffffffff);
  for (size_t i = 0; i < kBdfs.size(); ++i) {
    traces::Device* device = header.add_devices();
    device->set_name("dev" + std::to_string(i));
    device->set_bdf(kBdfs[i]);
    device->set_group(kGroups[i]);
    device->set_cdev("v" + std::to_string(i));
    device->set_bar0_len(1 << 20);
  }
  return header;
}

std::vector<traces::Event> Prologue(uint64_t memlock_bytes, bool cap_ipc_lock) {
  std::vector<traces::Event> events(1);
  traces::SequenceBegin* begin = events[0].mutable_sequence_begin();
  begin->set_seq(1);
  begin->set_name("search");
  begin->set_cap_ipc_lock(cap_ipc_lock);
  begin->set_rlimit_memlock(memlock_bytes == ~uint64_t{0} ? -1
                                                          : static_cast<int64_t>(memlock_bytes));
  begin->set_dma_entry_limit(65535);
  begin->set_opens("/dev/vfio/vfio");
  events.push_back(MmapEvent(kBuffer, 16, 3, traces::ANON_PRIVATE, "m0", traces::WRITTEN));
  events.push_back(MmapEvent(kReadOnly, 4, 1, traces::ANON_PRIVATE, "mro", traces::READ_FROM));
  events.push_back(MmapEvent(kNoAccess, 2, 0, traces::ANON_PRIVATE, "mno", traces::NOT_TOUCHED));
  traces::Event memfd;
  memfd.mutable_memfd()->set_as("f0");
  memfd.mutable_memfd()->set_size(4 * kPage);
  events.push_back(memfd);
  events.push_back(MmapEvent(kShared, 4, 3, traces::MEMFD, "f0", traces::WRITTEN));
  return events;
}

traces::Event OpenCall(std::string_view path, std::string_view as) {
  traces::Event event;
  event.mutable_open()->set_path(std::string(path));
  event.mutable_open()->set_as(std::string(as));
  return event;
}

traces::Event CloseCall(std::string_view fd) {
  traces::Event event;
  event.mutable_close()->set_fd(std::string(fd));
  return event;
}

traces::Event DupCall(std::string_view fd, std::string_view as) {
  traces::Event event;
  event.mutable_dup()->set_fd(std::string(fd));
  event.mutable_dup()->set_as(std::string(as));
  return event;
}

traces::Event IntegerCall(std::string_view fd, std::string_view cmd, int64_t argument) {
  traces::Event event = IoctlOf(fd, cmd);
  event.mutable_ioctl()->set_integer(argument);
  return event;
}

traces::Event StructCall(std::string_view fd, std::string_view cmd, std::string in) {
  traces::Event event = IoctlOf(fd, cmd);
  event.mutable_ioctl()->set_in(std::move(in));
  return event;
}

traces::Event BadPointerCall(std::string_view fd, std::string_view cmd) {
  traces::Event event = IoctlOf(fd, cmd);
  event.mutable_ioctl()->set_pointer(kHole);
  return event;
}

traces::Event WithFd(traces::Event call, uint32_t offset, std::string_view name) {
  traces::FdField* field = call.mutable_ioctl()->add_fdfix();
  field->set_offset(offset);
  field->set_name(std::string(name));
  return call;
}

traces::Event WithBuffer(traces::Event call, uint64_t addr, size_t bytes) {
  traces::UserBuffer* buffer = call.mutable_ioctl()->add_mem();
  buffer->set_addr(addr);
  buffer->set_before(std::string(bytes, '\0'));
  return call;
}

traces::Event MapCall(std::string_view fd, uint64_t iova, uint64_t vaddr, uint64_t size,
                      uint32_t flags, uint32_t argsz) {
  return StructCall(fd, "VFIO_IOMMU_MAP_DMA",
                    abi::VfioIommuType1DmaMap{argsz, flags, vaddr, iova, size});
}

traces::Event UnmapCall(std::string_view fd, uint64_t iova, uint64_t size, uint32_t flags,
                        uint32_t argsz) {
  return StructCall(fd, "VFIO_IOMMU_UNMAP_DMA",
                    abi::VfioIommuType1DmaUnmap{argsz, flags, iova, size});
}

traces::Event SetContainerCall(std::string_view group, std::string_view container) {
  return WithFd(StructCall(group, "VFIO_GROUP_SET_CONTAINER", std::string(4, '\0')), 0, container);
}

traces::Event GetDeviceCall(std::string_view group, uint32_t device) {
  const std::string name = kBdfs[device];
  return StructCall(group, "VFIO_GROUP_GET_DEVICE_FD", name + '\0');
}

traces::Event MmapEvent(uint64_t addr, uint64_t pages, uint32_t prot, traces::MemoryKind kind,
                        std::string_view obj, traces::Touched touched) {
  traces::Event event;
  traces::Mmap* mmap = event.mutable_mmap();
  mmap->set_addr(addr);
  mmap->set_len(pages * kPage);
  mmap->set_prot(prot);
  mmap->set_kind(kind);
  mmap->set_obj(std::string(obj));
  mmap->set_touch(touched);
  return event;
}

}  // namespace iovalid::conformance::search
