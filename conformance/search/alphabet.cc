// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/alphabet.h"

#include <cstddef>
#include <utility>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "conformance/search/call_builder.h"

namespace iovalid::conformance::search {
namespace {

namespace abi = compat::abi;

constexpr uint32_t kRead = abi::kVfioDmaMapFlagRead, kWrite = abi::kVfioDmaMapFlagWrite;
constexpr uint32_t kRw = kRead | kWrite, kVaddr = abi::kVfioDmaMapFlagVaddr;
constexpr uint32_t kAll = abi::kVfioDmaUnmapFlagAll;
constexpr uint32_t kUnmapVaddr = abi::kVfioDmaUnmapFlagVaddr;
constexpr uint32_t kDirty = abi::kVfioDmaUnmapFlagGetDirtyBitmap;
constexpr uint64_t kMax = ~uint64_t{0};

// The place where most mappings are, and other IOVAs of interest.
constexpr uint64_t kA = 0x100000;
constexpr uint64_t kMsiFirst = 0xfee00000, kMsiLastPage = 0xfeeff000;
constexpr uint64_t kApertureLastPage = 0x7ffffff000, kBeyondAperture = 0x8000000000;
constexpr uint64_t kTopPage = kMax - kPage + 1;

traces::Event EntryLimitEvent(int64_t entries) {
  traces::Event event;
  event.mutable_set_module_parameter()->set_module("vfio_iommu_type1");
  event.mutable_set_module_parameter()->set_name("dma_entry_limit");
  event.mutable_set_module_parameter()->set_value(entries);
  return event;
}

class Builder {
 public:
  explicit Builder(std::vector<Letter>* letters) : letters_(letters) {}
  void Add(traces::Event event, uint32_t weight = 2) {
    letters_->push_back({std::move(event), weight});
  }
  void Map(uint64_t iova, uint64_t vaddr, uint64_t size, uint32_t flags = kRw, uint32_t weight = 2,
           uint32_t argsz = 32) {
    Add(MapCall("c0", iova, vaddr, size, flags, argsz), weight);
  }
  void Unmap(uint64_t iova, uint64_t size, uint32_t flags = 0, uint32_t weight = 2,
             uint32_t argsz = 24) {
    Add(UnmapCall("c0", iova, size, flags, argsz), weight);
  }

 private:
  std::vector<Letter>* letters_;
};

void AddMaps(Builder b) {
  // Whole pages around kA that build mappings to cut, overlap and join.
  for (const uint64_t page : {0, 1, 2, 3}) {
    for (const uint64_t pages : {1, 2, 4}) {
      b.Map(kA + page * kPage, kBuffer + page * kPage, pages * kPage, kRw, 12);
    }
  }
  b.Map(kA, kBuffer, 16 * kPage, kRw, 6);
  for (const uint64_t iova : {uint64_t{0}, kPage, kMsiFirst, kMsiFirst - kPage, kMsiLastPage,
                              kMsiLastPage + kPage, kApertureLastPage, kBeyondAperture, kTopPage,
                              kTopPage - kPage, kA + 0x800, uint64_t{1} << 38}) {
    b.Map(iova, kBuffer, kPage, kRw, 4);
    b.Map(iova, kBuffer, 2 * kPage);
  }
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{0x800}, kPage + 1, kMax,
                              kMax - kPage + 1, uint64_t{1} << 63, uint64_t{1} << 47}) {
    b.Map(kA, kBuffer, size);
  }
  for (const uint64_t vaddr : {kReadOnly, kNoAccess, kShared, kHole, kBarAt, kBuffer + 0x800,
                               kBuffer + 14 * kPage, uint64_t{0}, kTopPage, kMax}) {
    b.Map(kA, vaddr, kPage, kRw, 4);
    b.Map(kA, vaddr, 4 * kPage);
    b.Map(kA + 4 * kPage, vaddr, kPage, kRead, 4);
  }
  for (const uint32_t flags : {0u, kRead, kWrite, kVaddr, kVaddr | kRw, 8u, 0x80000000u}) {
    b.Map(kA, kBuffer, kPage, flags, 4);
    b.Map(kA + kPage, kBuffer + kPage, 2 * kPage, flags);
  }
  for (const uint32_t argsz : {0u, 24u, 31u, 33u, 40u}) b.Map(kA, kBuffer, kPage, kRw, 1, argsz);
  b.Add(BadPointerCall("c0", "VFIO_IOMMU_MAP_DMA"), 1);
  b.Add(MapCall("c1", kA, kBuffer, kPage, kRw));
}

void AddUnmaps(Builder b) {
  for (const uint64_t page : {0, 1, 2, 3}) {
    for (const uint64_t pages : {1, 2, 4}) b.Unmap(kA + page * kPage, pages * kPage, 0, 10);
  }
  b.Unmap(kA - kPage, kPage);
  b.Unmap(kA - kPage, 2 * kPage);
  b.Unmap(kA, 16 * kPage, 0, 6);
  b.Unmap(0, uint64_t{1} << 39, 0, 6);
  for (const uint64_t iova : {uint64_t{0}, kPage, kMsiFirst, kApertureLastPage, kBeyondAperture,
                              kTopPage, kTopPage - kPage}) {
    b.Unmap(iova, kPage);
    b.Unmap(iova, 2 * kPage);
  }
  for (const uint64_t size :
       {uint64_t{0}, uint64_t{1}, uint64_t{0x800}, kPage + 1, kMax, kMax - kPage + 1}) {
    b.Unmap(kA, size);
    b.Unmap(0, size);
  }
  b.Unmap(kA + 0x800, kPage);
  b.Unmap(kA + 1, kPage - 1);
  for (const uint32_t flags : {kAll, kUnmapVaddr, kAll | kUnmapVaddr, kDirty, kDirty | kAll,
                               kDirty | kUnmapVaddr, 8u, 0x80000000u}) {
    b.Unmap(0, 0, flags, 4);
    b.Unmap(kA, kPage, flags, 4);
  }
  b.Unmap(kA, 4 * kPage, kUnmapVaddr, 4);
  for (const uint32_t argsz : {0u, 16u, 23u, 25u, 48u}) b.Unmap(kA, kPage, 0, 1, argsz);
  b.Add(BadPointerCall("c0", "VFIO_IOMMU_UNMAP_DMA"), 1);
  for (const uint64_t pgsize : {kPage, uint64_t{0x800}, uint64_t{2} << 20}) {
    struct {
      abi::VfioIommuType1DmaUnmap unmap;
      abi::VfioBitmap bitmap;
    } call{{48, kDirty, kA, 2 * kPage}, {pgsize, 8, kScratch}};
    b.Add(WithBuffer(StructCall("c0", "VFIO_IOMMU_UNMAP_DMA", call), kScratch, 8), 3);
  }
}

void AddDirty(Builder b) {
  for (const uint32_t flags :
       {abi::kVfioIommuDirtyPagesFlagStart, abi::kVfioIommuDirtyPagesFlagStop, 0u, 3u, 8u}) {
    b.Add(StructCall("c0", "VFIO_IOMMU_DIRTY_PAGES", abi::VfioIommuType1DirtyBitmap{8, flags}), 4);
  }
  b.Add(StructCall("c0", "VFIO_IOMMU_DIRTY_PAGES", abi::VfioIommuType1DirtyBitmap{4, 1}), 1);
  for (const uint64_t size : {kPage, 4 * kPage, uint64_t{0}, uint64_t{0x800}, kMax}) {
    for (const uint64_t bitmap : {uint64_t{8}, uint64_t{0}}) {
      struct {
        abi::VfioIommuType1DirtyBitmap head;
        abi::VfioIommuType1DirtyBitmapGet get;
      } call{{48, abi::kVfioIommuDirtyPagesFlagGetBitmap}, {kA, size, {kPage, bitmap, kScratch}}};
      b.Add(WithBuffer(StructCall("c0", "VFIO_IOMMU_DIRTY_PAGES", call), kScratch, 8), 2);
    }
  }
}

void AddContainer(Builder b) {
  b.Add(IntegerCall("c0", "VFIO_GET_API_VERSION", 0), 1);
  for (int64_t extension = 0; extension <= 12; ++extension) {
    b.Add(IntegerCall("c0", "VFIO_CHECK_EXTENSION", extension), extension == 4 ? 4 : 1);
  }
  for (const int64_t type : {0, 1, 2, 3, 6, 8, 99}) {
    b.Add(IntegerCall("c0", "VFIO_SET_IOMMU", type), type == 1 || type == 3 ? 8 : 2);
  }
  for (const uint32_t argsz : {0u, 8u, 15u, 16u, 24u, 32u, 64u, 104u, 112u, 119u, 120u, 256u}) {
    std::string in(argsz < 24 ? 24 : argsz, '\0');
    in.replace(0, 4, reinterpret_cast<const char*>(&argsz), 4);
    b.Add(StructCall("c0", "VFIO_IOMMU_GET_INFO", in), 2);
  }
  b.Add(BadPointerCall("c0", "VFIO_IOMMU_GET_INFO"), 1);
  b.Add(IntegerCall("c1", "VFIO_SET_IOMMU", 3), 3);
  b.Add(IntegerCall("c0", "VFIO_IOMMU_ENABLE", 0), 1);
  b.Add(IntegerCall("c0", "VFIO_EEH_PE_OP", 0), 1);
}

void AddGroups(Builder b) {
  for (const char* group : {"g0", "g1"}) {
    b.Add(StructCall(group, "VFIO_GROUP_GET_STATUS", abi::VfioGroupStatus{8, 0}), 3);
    for (const char* container : {"c0", "c1", "g0", "f0", "none"}) {
      b.Add(SetContainerCall(group, container), 4);
    }
    b.Add(IntegerCall(group, "VFIO_GROUP_UNSET_CONTAINER", 0), 5);
    b.Add(BadPointerCall(group, "VFIO_GROUP_SET_CONTAINER"), 1);
    b.Add(StructCall(group, "VFIO_GROUP_GET_STATUS", abi::VfioGroupStatus{4, 0}), 1);
  }
  b.Add(GetDeviceCall("g0", 0), 8);
  b.Add(GetDeviceCall("g1", 1), 6);
  b.Add(GetDeviceCall("g0", 1), 2);
  b.Add(OpenCall("/dev/vfio/vfio", "c1"), 4);
  b.Add(OpenCall("@g0", "g0b"), 3);
  b.Add(OpenCall("@g0", "g0"), 3);
  b.Add(OpenCall("@v0", "v0"), 2);
  for (const char* fd : {"g0", "g1", "d0", "d1", "c0", "c1", "g0b", "d0b"}) b.Add(CloseCall(fd), 4);
  b.Add(DupCall("c0", "c2"));
  b.Add(DupCall("g0", "g0b"));
}

void AddDevice(Builder b) {
  b.Add(StructCall("d0", "VFIO_DEVICE_GET_INFO", abi::VfioDeviceInfo{20, 0, 0, 0, 0, 0}), 1);
  for (const uint32_t index : {0u, 7u, 9u}) {
    b.Add(
        StructCall("d0", "VFIO_DEVICE_GET_REGION_INFO", abi::VfioRegionInfo{32, 0, index, 0, 0, 0}),
        1);
    b.Add(StructCall("d0", "VFIO_DEVICE_GET_IRQ_INFO", abi::VfioIrqInfo{16, 0, index, 0}), 1);
  }
  b.Add(IntegerCall("d0", "VFIO_DEVICE_RESET", 0), 1);
  traces::Event bar = MmapEvent(kBarAt, 4, 3, traces::BAR, "d0", traces::NOT_TOUCHED);
  b.Add(std::move(bar), 3);
}

void AddIommufd(Builder b) {
  b.Add(StructCall("c0", "IOMMU_IOAS_ALLOC", abi::IommuIoasAlloc{12, 0, 0}), 2);
  for (const uint16_t op : {0, 1, 2}) {
    for (const uint32_t id : {1u, 2u}) {
      b.Add(StructCall("c0", "IOMMU_VFIO_IOAS", abi::IommuVfioIoas{12, id, op, 0}), 2);
    }
  }
  for (const uint32_t id : {1u, 2u, 3u}) {
    b.Add(StructCall("c0", "IOMMU_DESTROY", abi::IommuDestroy{8, id}), 2);
  }
  b.Add(StructCall("c0", "IOMMU_IOAS_UNMAP", abi::IommuIoasUnmap{24, 1, 0, kMax}), 2);
  b.Add(StructCall("c0", "IOMMU_IOAS_MAP", abi::IommuIoasMap{40, 7, 1, 0, kBuffer, kPage, kA}), 2);
  b.Add(StructCall("c0", "IOMMU_OPTION", abi::IommuOption{24, 0, 0, 0, 0, 1}), 1);
  b.Add(StructCall("c0", "IOMMU_OPTION", abi::IommuOption{24, 1, 0, 0, 1, 0}), 1);
}

void AddMemory(Builder b) {
  traces::Event event;
  event.mutable_munmap()->set_addr(kBuffer + kPage);
  event.mutable_munmap()->set_len(kPage);
  b.Add(event);
  event.mutable_mprotect()->set_addr(kBuffer);
  event.mutable_mprotect()->set_len(16 * kPage);
  event.mutable_mprotect()->set_prot(1);
  b.Add(event);
  b.Add(MmapEvent(kBuffer, 16, 3, traces::ANON_PRIVATE, "m1", traces::NOT_TOUCHED));
  for (const int64_t memlock : {int64_t{0}, int64_t{2 * kPage}}) {
    event.mutable_setrlimit()->set_memlock(memlock);
    b.Add(event, 3);
  }
  event.mutable_cap_drop()->set_cap("IPC_LOCK");
  b.Add(event, 3);
  b.Add(EntryLimitEvent(1));
}

// Two groups, two containers.
void AddSecondGroup(Builder b) {
  b.Add(MapCall("c1", kA + kPage, kBuffer, 2 * kPage, kRead));
  b.Add(UnmapCall("c1", kA, kPage));
  b.Add(UnmapCall("c1", 0, 0, kAll));
  b.Add(IntegerCall("c1", "VFIO_SET_IOMMU", 1));
  b.Add(IntegerCall("c1", "VFIO_CHECK_EXTENSION", 4), 1);
  b.Add(StructCall("c1", "VFIO_IOMMU_GET_INFO", std::string("\x18\0\0\0", 4) + std::string(20, 0)));
  b.Add(OpenCall("@g2", "g2"));
  b.Add(SetContainerCall("g2", "c0"));
  b.Add(IntegerCall("g2", "VFIO_GROUP_UNSET_CONTAINER", 0));
  b.Add(GetDeviceCall("g2", 2));
  b.Add(GetDeviceCall("g2", 3));
  b.Add(CloseCall("g2"));
  b.Add(CloseCall("d2"));
  b.Add(GetDeviceCall("g0b", 0));
  b.Add(SetContainerCall("g0b", "c0"));
  b.Add(SetContainerCall("g0b", "c1"));
  b.Add(CloseCall("c2"));
  b.Add(MapCall("c2", kA, kBuffer, kPage, kRw));
}

// Later finds: orders of checks that no letter above meets, and files of iommufd.
void AddOrders(Builder b) {
  b.Map(kTopPage, kBuffer, 2 * kPage, kVaddr);
  b.Map(kTopPage, kBuffer, 2 * kPage + 0x200);
  b.Unmap(kTopPage, 2 * kPage, kUnmapVaddr);
  b.Map(kA + 8 * kPage, kHole, kPage);
  b.Map(kA + 8 * kPage, kTopPage, kPage);
  for (const uint64_t size : {uint64_t{2}, uint64_t{4}}) {
    struct {
      abi::VfioIommuType1DmaUnmap unmap;
      abi::VfioBitmap bitmap;
    } call{{48, kDirty, kA, size * kPage}, {kPage, 8, kHole}};
    b.Add(StructCall("c0", "VFIO_IOMMU_UNMAP_DMA", call), 3);
  }
  // The struct ends with its page, and is shorter than what the kernel writes.
  for (const uint32_t bytes : {16u, 24u}) {
    const abi::VfioIommuType1Info info{24, 0, 0, 0, 0};
    traces::Event call = StructCall(
        "c0", "VFIO_IOMMU_GET_INFO", std::string(reinterpret_cast<const char*>(&info), bytes));
    call.mutable_ioctl()->set_at(kArgumentPage + kPage - bytes);
    b.Add(call, 3);
  }
  // Memory that may only be written.
  traces::Event protect;
  protect.mutable_mprotect()->set_addr(kNoAccess);
  protect.mutable_mprotect()->set_len(2 * kPage);
  protect.mutable_mprotect()->set_prot(2);
  b.Add(protect, 6);
  b.Add(BadPointerCall("c0", "VFIO_IOMMU_DIRTY_PAGES"));
  b.Add(BadPointerCall("c0", "IOMMU_IOAS_ALLOC"));
  b.Add(StructCall("c0", "IOMMU_IOAS_ALLOC", std::string(4, '\0')));
  traces::Event queue = StructCall("c0", "IOMMU_FAULT_QUEUE_ALLOC", abi::IommuFaultAlloc{16, 0, 0, 0});
  traces::FdField* fd = queue.mutable_ioctl()->add_fdout();
  fd->set_offset(offsetof(abi::IommuFaultAlloc, out_fault_fd));
  fd->set_name("q0");
  b.Add(queue);
  b.Add(CloseCall("q0"));
  for (const char* file : {"c0", "c1", "g0"}) {
    b.Add(WithFd(StructCall("v0", "VFIO_DEVICE_BIND_IOMMUFD", std::string("\x10\0\0\0", 4) + std::string(12, 0)), 8, file), 3);
  }
  b.Add(CloseCall("v0"));
  b.Add(StructCall("v0", "VFIO_DEVICE_ATTACH_IOMMUFD_PT", std::string("\x0c\0\0\0\0\0\0\0\x01\0\0\0", 12)), 3);
}

std::vector<Letter> Build() {
  std::vector<Letter> letters;
  const Builder builder(&letters);
  AddMaps(builder);
  AddUnmaps(builder);
  AddDirty(builder);
  AddContainer(builder);
  AddGroups(builder);
  AddDevice(builder);
  AddIommufd(builder);
  AddMemory(builder);
  AddSecondGroup(builder);
  AddOrders(builder);
  return letters;
}

}  // namespace

std::string_view StartName(Start start) {
  switch (start) {
    case Start::kOpened:
      return "opened";
    case Start::kAttached:
      return "attached";
    case Start::kReady:
      break;
    case Start::kLimited:
      return "limited";
  }
  return "ready";
}

std::vector<traces::Event> StartingCalls(Start start, uint32_t iommu_type) {
  std::vector<traces::Event> events = Prologue(kMax, /*cap_ipc_lock=*/true);
  events.push_back(OpenCall("/dev/vfio/vfio", "c0"));
  events.push_back(OpenCall("@g0", "g0"));
  events.push_back(OpenCall("@g1", "g1"));
  if (start == Start::kOpened) return events;
  if (start == Start::kLimited) events.push_back(EntryLimitEvent(1));
  events.push_back(SetContainerCall("g0", "c0"));
  events.push_back(IntegerCall("c0", "VFIO_SET_IOMMU", iommu_type));
  if (start != Start::kAttached) events.push_back(GetDeviceCall("g0", 0));
  return events;
}

const std::vector<Letter>& Alphabet() {
  static const std::vector<Letter>& letters = *new std::vector<Letter>(Build());
  return letters;
}

}  // namespace iovalid::conformance::search
