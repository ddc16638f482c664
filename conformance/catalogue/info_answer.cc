// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/info_answer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "compat/abi/vfio.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;
using compat::StateSnapshot;

// The bytes of an answer, written as a kernel writes them: what lies beyond the caller's struct is
// not looked at.
class Expected {
 public:
  explicit Expected(const Bytes& before) : bytes_(before) {}

  template <typename T>
  void Put(uint64_t offset, const T& value) {
    for (size_t i = 0; i < sizeof(value) && offset + i < bytes_.size(); ++i) {
      bytes_[offset + i] = reinterpret_cast<const uint8_t*>(&value)[i];
    }
  }
  void Zero(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i < last && i < bytes_.size(); ++i) bytes_[i] = 0;
  }
  bool SameTail(const Bytes& out) const {
    if (out.size() != bytes_.size()) return false;
    const size_t from = std::min(out.size(), sizeof(abi::VfioIommuType1Info));
    return std::equal(out.begin() + from, out.end(), bytes_.begin() + from);
  }

 private:
  Bytes bytes_;
};

abi::VfioInfoCapHeader Header(uint16_t id, uint64_t next) {
  return {.id = id, .version = 1, .next = static_cast<uint32_t>(next)};
}

constexpr uint64_t kInfo = sizeof(abi::VfioIommuType1Info);
constexpr uint64_t kMigration = sizeof(abi::VfioIommuType1InfoCapMigration);
constexpr uint64_t kAvail = sizeof(abi::VfioIommuType1InfoDmaAvail);
constexpr uint64_t kRanges = sizeof(abi::VfioIommuType1InfoCapIovaRange);
constexpr uint64_t kRange = sizeof(abi::VfioIovaRange);

void PutRanges(uint64_t at, const std::vector<StateSnapshot::Range>& ranges, uint64_t room,
               bool all_or_none, Expected* expected) {
  uint64_t end = kRanges;
  for (const StateSnapshot::Range& range : ranges) {
    end += kRange;
    if (all_or_none || room >= end) {
      expected->Put(at + end - kRange, abi::VfioIovaRange{range.first, range.last});
    }
  }
  if (!all_or_none && room < end) return;
  abi::VfioIommuType1InfoCapIovaRange cap{};
  cap.header = Header(abi::kVfioIommuType1InfoCapIovaRange, 0);
  cap.nr_iovas = static_cast<uint32_t>(ranges.size());
  expected->Put(at, cap);
}

// vfio_iommu_type1_get_info: migration, dma_avail and, where there are any, the IOVA ranges.
uint64_t ExpectType1(uint32_t argsz, const SideFacts& facts, Expected* expected) {
  const StateSnapshot& held = *facts.info;
  const bool aligned = facts.profile->type1.caps_aligned;
  const uint64_t avail_at = kInfo + kMigration;
  const uint64_t avail_end = avail_at + (aligned ? (kAvail + 7) & ~uint64_t{7} : kAvail);
  const bool has_ranges = !held.usable.empty();
  const uint64_t total = avail_end + (has_ranges ? kRanges + held.usable.size() * kRange : 0);
  if (argsz < total) return total;
  abi::VfioIommuType1InfoCapMigration migration{};
  migration.header = Header(abi::kVfioIommuType1InfoCapMigration, avail_at);
  migration.pgsize_bitmap = 4096;
  migration.max_dirty_bitmap_size = uint64_t{1} << 28;
  expected->Put(kInfo, migration);
  abi::VfioIommuType1InfoDmaAvail avail{};
  avail.header = Header(abi::kVfioIommuType1InfoDmaAvail, has_ranges ? avail_end : 0);
  avail.avail = static_cast<uint32_t>(held.dma_avail);
  expected->Zero(avail_at, avail_end);
  expected->Put(avail_at, avail);
  if (has_ranges) PutRanges(avail_end, held.usable, 0, /*all_or_none=*/true, expected);
  return total;
}

// iommufd_vfio_iommu_get_info: dma_avail and the IOVA ranges, each as far as there is room.
uint64_t ExpectCompat(uint32_t argsz, const SideFacts& facts, Expected* expected) {
  const StateSnapshot& held = *facts.info;
  const uint64_t ranges_at = kInfo + ((kAvail + 7) & ~uint64_t{7});
  const uint64_t total = ranges_at + kRanges + held.usable.size() * kRange;
  const auto room = [&](uint64_t at) { return argsz > at ? argsz - at : 0; };
  if (room(kInfo) >= kAvail) {
    abi::VfioIommuType1InfoDmaAvail avail{};
    avail.header = Header(abi::kVfioIommuType1InfoDmaAvail, 0);
    avail.avail = ~uint32_t{0};
    expected->Put(kInfo, avail);
  }
  PutRanges(ranges_at, held.usable, room(ranges_at), /*all_or_none=*/false, expected);
  if (argsz >= ranges_at) {
    expected->Put(kInfo + offsetof(abi::VfioInfoCapHeader, next), static_cast<uint32_t>(ranges_at));
  }
  return total;
}

}  // namespace

bool SoundInfoAnswer(const IoctlAction& ioctl, const StepResult& result, const SideFacts& facts) {
  constexpr size_t kMinimum = offsetof(abi::VfioIommuType1Info, cap_offset);
  if (ioctl.in.size() < kMinimum) return true;
  const bool faults = result.err == sim::Errno::kFAULT;
  if (!faults && result.err != sim::Errno::kOk) return !result.out_changed;
  if (facts.info == nullptr) return !result.out_changed;
  const Bytes& out = result.out_changed ? result.out : ioctl.in;
  abi::VfioIommuType1Info before{}, after{};
  std::memcpy(&before, ioctl.in.data(), std::min(ioctl.in.size(), sizeof(before)));
  std::memcpy(&after, out.data(), std::min(out.size(), sizeof(after)));
  Expected expected(ioctl.in);
  const bool type1 = facts.mode == Mode::kType1;
  const uint64_t total = type1 ? ExpectType1(before.argsz, facts, &expected)
                               : ExpectCompat(before.argsz, facts, &expected);
  // A fault leaves what was written before it.
  if (faults) return after.argsz == before.argsz || after.argsz == total;
  const bool fits = before.argsz >= total;
  const uint64_t argsz = type1 && fits ? before.argsz : total;
  if (after.argsz != argsz || !expected.SameTail(out)) return false;
  if (after.flags != (abi::kVfioIommuInfoPgsizes | abi::kVfioIommuInfoCaps)) return false;
  // Whether the kernel writes these depends on the room that it was given.
  if (before.argsz < sizeof(before) || out.size() < sizeof(after)) return true;
  return after.cap_offset == (fits ? kInfo : 0);
}

}  // namespace iovalid::conformance
