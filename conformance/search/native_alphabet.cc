// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/native_alphabet.h"

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "conformance/search/call_builder.h"

namespace iovalid::conformance::search {
namespace {

namespace abi = compat::abi;

constexpr uint64_t kMax = ~uint64_t{0};
constexpr uint64_t kA = 0x100000;
constexpr uint32_t kFixed =
    abi::kIommuIoasMapFixedIova | abi::kIommuIoasMapWriteable | abi::kIommuIoasMapReadable;
constexpr uint32_t kAnywhere = abi::kIommuIoasMapWriteable | abi::kIommuIoasMapReadable;
// Ids in use: lowest first, devices and IOASs of the start among them.
constexpr uint32_t kIds[] = {1, 2, 3, 4, 5, 6, 7};

// A struct of `bytes` bytes that begins with its size and these fields; the rest is zero.
std::string Fields(uint32_t bytes, std::initializer_list<uint32_t> fields) {
  std::string out(bytes, '\0');
  std::memcpy(out.data(), &bytes, sizeof(bytes));
  size_t at = sizeof(bytes);
  for (const uint32_t field : fields) {
    std::memcpy(&out[at], &field, sizeof(field));
    at += sizeof(field);
  }
  return out;
}

template <typename T>
traces::Event On(std::string_view cmd, const T& in) {
  return StructCall("i0", cmd, in);
}

traces::Event Bind(std::string_view device, std::string_view iommufd) {
  return WithFd(StructCall(device, "VFIO_DEVICE_BIND_IOMMUFD", Fields(16, {})),
                offsetof(abi::VfioDeviceBindIommufd, iommufd), iommufd);
}
traces::Event Attach(std::string_view device, uint32_t object) {
  return StructCall(device, "VFIO_DEVICE_ATTACH_IOMMUFD_PT", Fields(12, {0, object}));
}
traces::Event Map(uint32_t ioas, uint64_t iova, uint64_t vaddr, uint64_t bytes, uint32_t flags) {
  return On("IOMMU_IOAS_MAP", abi::IommuIoasMap{40, flags, ioas, 0, vaddr, bytes, iova});
}

void AddMemory(std::vector<Letter>* letters) {
  const auto add = [&](traces::Event event, uint32_t weight) {
    letters->push_back({std::move(event), weight});
  };
  for (const uint32_t ioas : {3u, 4u, 5u}) {
    const uint32_t often = ioas == 5 ? 1 : 4;
    for (const uint64_t page : {0, 1, 2, 4}) {
      for (const uint64_t pages : {1, 2, 4}) {
        add(Map(ioas, kA + page * kPage, kBuffer + page * kPage, pages * kPage, kFixed), often);
      }
    }
    for (const uint64_t vaddr : {kReadOnly, kNoAccess, kShared, kHole, kBuffer + 0x800}) {
      add(Map(ioas, kA + 8 * kPage, vaddr, 2 * kPage, kFixed), often);
      add(Map(ioas, kA + 8 * kPage, vaddr, kPage, kFixed & ~abi::kIommuIoasMapWriteable), often);
    }
    add(Map(ioas, 0, kBuffer, 3 * kPage, kAnywhere), often);
    for (const uint64_t iova : {uint64_t{0xfedff000}, uint64_t{0x7ffffff000}, kMax - kPage + 1}) {
      add(Map(ioas, iova, kBuffer, 2 * kPage, kFixed), 1);
    }
    for (const uint64_t page : {0, 1, 2, 4}) {
      for (const uint64_t pages : {1, 2, 4}) {
        add(On("IOMMU_IOAS_UNMAP", abi::IommuIoasUnmap{24, ioas, kA + page * kPage, pages * kPage}),
            often);
      }
    }
    add(On("IOMMU_IOAS_UNMAP", abi::IommuIoasUnmap{24, ioas, 0, kMax}), often);
    for (const uint32_t from : {3u, 4u, 5u}) {
      for (const uint64_t pages : {1, 2, 4}) {
        add(On("IOMMU_IOAS_COPY",
               abi::IommuIoasCopy{40, kFixed, ioas, from, pages * kPage, kA + 16 * kPage, kA}),
            often);
      }
      add(On("IOMMU_IOAS_COPY",
             abi::IommuIoasCopy{40, kAnywhere, ioas, from, kPage, 0, kA + kPage}),
          often);
    }
    for (const uint64_t start : {uint64_t{0}, kPage, 3 * kPage}) {
      add(WithFd(On("IOMMU_IOAS_MAP_FILE", abi::IommuIoasMapFile{40, kFixed, ioas, 0, start, kPage,
                                                                 kA + 24 * kPage + start}),
                 offsetof(abi::IommuIoasMapFile, fd), "f0"),
          often);
    }
    add(WithBuffer(
            On("IOMMU_IOAS_IOVA_RANGES", abi::IommuIoasIovaRanges{32, ioas, 4, 0, kScratch, 0}),
            kScratch, 64),
        2);
    add(On("IOMMU_IOAS_ALLOW_IOVAS", Fields(24, {ioas})), 1);
    for (const uint64_t huge : {0, 1}) {
      add(On("IOMMU_OPTION", abi::IommuOption{24, 1, 0, 0, ioas, huge}), 1);
    }
  }
  add(On("IOMMU_OPTION", abi::IommuOption{24, 0, 0, 0, 0, 1}), 1);
  add(On("IOMMU_IOAS_CHANGE_PROCESS", abi::IommuIoasChangeProcess{8, 0}), 1);
}

void AddObjects(std::vector<Letter>* letters) {
  const auto add = [&](traces::Event event, uint32_t weight) {
    letters->push_back({std::move(event), weight});
  };
  add(On("IOMMU_IOAS_ALLOC", abi::IommuIoasAlloc{12, 0, 0}), 6);
  for (const uint32_t id : kIds) {
    add(On("IOMMU_DESTROY", abi::IommuDestroy{8, id}), 2);
    for (const std::string_view device : {"v0", "v1", "v2"}) {
      add(Attach(device, id), device == "v2" ? 1 : 5);
    }
    for (const uint32_t device : {1u, 2u}) {
      for (const uint32_t flags : {0u, 1u}) {
        add(On("IOMMU_HWPT_ALLOC", Fields(48, {flags, device, id})), 2);
      }
    }
    add(On("IOMMU_HWPT_SET_DIRTY_TRACKING", abi::IommuHwptSetDirtyTracking{16, 1, id, 0}), 1);
    add(On("IOMMU_VFIO_IOAS", abi::IommuVfioIoas{12, id, 1, 0}), 1);
    add(On("IOMMU_VIOMMU_ALLOC", Fields(40, {0, 1, id})), 1);
    add(On("IOMMU_GET_HW_INFO", Fields(40, {0, id})), 1);
  }
  add(On("IOMMU_FAULT_QUEUE_ALLOC", Fields(16, {})), 1);
  for (const std::string_view device : {"v0", "v1", "v2"}) {
    add(StructCall(device, "VFIO_DEVICE_DETACH_IOMMUFD_PT", Fields(8, {})), 4);
    add(Bind(device, "i0"), 3);
    add(CloseCall(device), 1);
    add(OpenCall("@" + std::string(device), device), 3);
  }
  add(CloseCall("i0"), 1);
  add(OpenCall("/dev/iommu", "i0"), 1);
}

}  // namespace

std::vector<traces::Event> NativeStartingCalls(Start start) {
  std::vector<traces::Event> events = Prologue(16 * kPage, /*cap_ipc_lock=*/false);
  events.push_back(OpenCall("/dev/iommu", "i0"));
  if (start == Start::kOpened) return events;
  for (const std::string_view device : {"v0", "v1"}) {
    events.push_back(OpenCall("@" + std::string(device), device));
    events.push_back(Bind(device, "i0"));
  }
  for (int i = 0; i < 2; ++i) {
    events.push_back(On("IOMMU_IOAS_ALLOC", abi::IommuIoasAlloc{12, 0, 0}));
  }
  if (start == Start::kReady) events.push_back(Attach("v0", 3));
  return events;
}

const std::vector<Letter>& NativeAlphabet() {
  static const auto* const kLetters = [] {
    auto* letters = new std::vector<Letter>();
    AddMemory(letters);
    AddObjects(letters);
    return letters;
  }();
  return *kLetters;
}

}  // namespace iovalid::conformance::search
