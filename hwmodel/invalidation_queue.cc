// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/invalidation_queue.h"

#include <algorithm>
#include <bit>

namespace iovalid::hwmodel {
namespace {

using Kind = Invalidation::Kind;

constexpr uint64_t Field(uint64_t word, unsigned low, unsigned bits) {
  return word >> low & BitsBelow(bits);
}

// The granularities of a descriptor in the order of their codes; false for a code without meaning.
bool ContextKind(uint64_t code, Kind* kind) {
  if (code == 0) return false;
  *kind = code == 1   ? Kind::kContextsGlobal
          : code == 2 ? Kind::kContextsDomain
                      : Kind::kContextOfSource;
  return true;
}

bool IotlbKind(uint64_t code, Kind* kind) {
  if (code == 0) return false;
  *kind = code == 1 ? Kind::kIotlbGlobal : code == 2 ? Kind::kIotlbDomain : Kind::kIotlbRange;
  return true;
}

bool PasidCacheKind(uint64_t code, Kind* kind) {
  if (code == 2) return false;
  *kind = code == 0 ? Kind::kPasidsDomain : code == 1 ? Kind::kPasidOfDomain : Kind::kPasidsGlobal;
  return true;
}

void SetRange(uint64_t high, Invalidation* what) {
  what->address = high & ~BitsBelow(12);
  what->leaf_only = Field(high, 6, 1) != 0;
  what->size_log2 = static_cast<uint8_t>(std::min<uint64_t>(12 + Field(high, 0, 6), 64));
}

PageResponse::Code ResponseCode(uint64_t code) {
  return code == 0   ? PageResponse::Code::kSuccess
         : code == 1 ? PageResponse::Code::kInvalid
                     : PageResponse::Code::kFailure;
}

}  // namespace

bool InvalidationQueue::DeviceTlb(SourceId source, Pasid pasid, uint64_t address, bool sized,
                                  AtsBus* bus) {
  // PCI Express section 10.3.2: with S, the lowest clear address bit tells half the size.
  unsigned size_log2 = 12;
  if (sized) {
    const unsigned ones = static_cast<unsigned>(std::countr_one(address >> 12));
    size_log2 = std::min(12 + ones + 1, 64u);
  }
  AtsDevice* device = bus == nullptr ? nullptr : bus->Find(source);
  if (device == nullptr ||
      !device->InvalidateDeviceTlb(pasid, address & ~BitsBelow(size_log2), size_log2)) {
    unanswered_ = true;
  }
  return true;
}

bool InvalidationQueue::Wait(uint64_t low, uint64_t high, PhysicalMemory& memory) {
  if (unanswered_) {
    unanswered_ = false;
    time_out_ = true;
    return false;
  }
  if (Field(low, 5, 1) != 0) {
    const uint64_t address = high & ~uint64_t{3};
    uint64_t* words = memory.MutableWords(address >> 12);
    if (words == nullptr) {
      error_ = true;
      return false;
    }
    uint64_t& word = words[address % 4096 / 8];
    const unsigned shift = (address & 4) != 0 ? 32 : 0;
    word = (word & ~(uint64_t{0xffffffff} << shift)) | (low >> 32) << shift;
  }
  if (Field(low, 4, 1) != 0) ++interrupts_;
  return true;
}

bool InvalidationQueue::Execute(uint64_t low, uint64_t high, Unit& unit, PhysicalMemory& memory,
                                AtsBus* bus) {
  Invalidation what;
  what.domain = static_cast<DomainId>(Field(low, 16, 16));
  what.pasid = static_cast<Pasid>(Field(low, 32, 20));
  const uint64_t granularity = Field(low, 4, 2);
  bool legal = true;
  switch (Field(low, 0, 4)) {
    case 1:  // context cache
      legal = ContextKind(granularity, &what.kind);
      what.source = static_cast<SourceId>(Field(low, 32, 16));
      break;
    case 2:  // IOTLB
      legal = IotlbKind(granularity, &what.kind);
      SetRange(high, &what);
      break;
    case 3:  // device TLB
      return DeviceTlb(static_cast<SourceId>(Field(low, 32, 16)), kNoPasid, high & ~BitsBelow(12),
                       Field(high, 0, 1) != 0, bus);
    case 4:  // interrupt entry cache
      return true;
    case 5:
      return Wait(low, high, memory);
    case 6:  // PASID-based IOTLB
      legal = granularity >= 2;
      what.kind = granularity == 2 ? Kind::kIotlbPasid : Kind::kIotlbPasidRange;
      SetRange(high, &what);
      break;
    case 7:  // PASID cache
      legal = PasidCacheKind(granularity, &what.kind);
      break;
    case 8:  // PASID-based device TLB
      return DeviceTlb(static_cast<SourceId>(Field(low, 16, 16)),
                       static_cast<Pasid>(Field(low, 32, 20)), high & ~BitsBelow(12),
                       Field(high, 11, 1) != 0, bus);
    case 9: {  // page group response
      const PageResponse response = {
          static_cast<SourceId>(Field(low, 16, 16)),
          Field(low, 4, 1) != 0 ? static_cast<Pasid>(Field(low, 32, 20)) : kNoPasid,
          static_cast<uint16_t>(Field(high, 3, 9)), ResponseCode(Field(low, 12, 4))};
      AtsDevice* device = bus == nullptr ? nullptr : bus->Find(response.source);
      if (device != nullptr) device->RespondToPages(response);
      return true;
    }
    default:
      legal = false;
  }
  if (!legal) {
    error_ = true;
    return false;
  }
  unit.Invalidate(what);
  return true;
}

void InvalidationQueue::WriteTail(uint64_t tail, Unit& unit, PhysicalMemory& memory, AtsBus* bus) {
  const uint64_t ring = uint64_t{4096} << size_log2_;
  tail_ = tail & (ring - 1) & ~(descriptor_bytes() - 1);
  while (head_ != tail_ && !error_ && !time_out_) {
    const uint64_t* words = memory.Words((base_ + head_) >> 12);
    if (words == nullptr) {
      error_ = true;
      return;
    }
    const uint64_t* descriptor = &words[(base_ + head_) % 4096 / 8];
    if (!Execute(descriptor[0], descriptor[1], unit, memory, bus)) return;
    head_ = (head_ + descriptor_bytes()) & (ring - 1);
  }
}

}  // namespace iovalid::hwmodel
