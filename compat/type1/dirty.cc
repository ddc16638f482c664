// SPDX-License-Identifier: Apache-2.0
// Dirty tracking of type1: vfio_iommu_type1_dirty_pages, update_user_bitmap and the bitmaps.
#include <bit>
#include <cstddef>

#include "compat/type1/type1_iommu.h"

namespace iovalid::compat::type1 {

namespace {

using sim::Errno;

constexpr Rule kDirtyV1{"type1.dirty.v1", "vfio_iommu_type1_dirty_pages",
                        "v1 has no dirty tracking"};
constexpr Rule kDirtyFault{"type1.dirty.fault", "vfio_iommu_type1_dirty_pages",
                           "the argument can't be read"};
constexpr Rule kDirtyArgsz{"type1.dirty.argsz", "vfio_iommu_type1_dirty_pages",
                           "argsz is smaller than what the flags ask for"};
constexpr Rule kDirtyFlags{"type1.dirty.flags", "vfio_iommu_type1_dirty_pages",
                           "not exactly one of START, STOP and GET_BITMAP"};
constexpr Rule kDirtyStart{"type1.dirty.start", "vfio_dma_bitmap_alloc_all",
                           "no dirty bitmap for one of the mappings"};
constexpr Rule kGetWrap{"type1.dirty.get.wrap", "vfio_iommu_type1_dirty_pages",
                        "the range passes the end of the 64-bit space"};
constexpr Rule kGetSize{"type1.dirty.get.size", "vfio_iommu_type1_dirty_pages", "size is 0"};
constexpr Rule kGetAddress{"type1.dirty.get.bitmap_address", "vfio_iommu_type1_dirty_pages",
                           "the bitmap does not lie in user space"};
constexpr Rule kGetPages{"type1.dirty.get.aligned", "vfio_iommu_type1_dirty_pages",
                         "pgsize is not the smallest IOMMU page, or the range is not made of them"};
constexpr Rule kGetOff{"type1.dirty.get.off", "vfio_iommu_type1_dirty_pages",
                       "dirty tracking is off"};
constexpr Rule kGetBisect{"type1.dirty.get.bisect", "vfio_iova_dirty_bitmap",
                          "an end of the range cuts a mapping"};
constexpr Rule kBitmapSize{"type1.dirty.bitmap_size", "verify_bitmap_size",
                           "the bitmap is empty, too small for the range, or over 256 MiB"};
constexpr Rule kBitmapFault{"type1.dirty.bitmap_fault", "update_user_bitmap",
                            "the user's bitmap can't be read or written"};

constexpr uint64_t kMaxBitmapPages = INT32_MAX;

constexpr uint64_t Words(uint64_t bits) { return (bits + 63) / 64; }
// DIRTY_BITMAP_BYTES: whole 64-bit words.
constexpr uint64_t BitmapBytes(uint64_t bits) { return Words(bits) * 8; }

void SetFirstBits(std::vector<uint64_t>* words, uint64_t bits) {
  for (uint64_t i = 0; i < bits / 64; ++i) (*words)[i] = ~uint64_t{0};
  if (bits % 64 != 0) (*words)[bits / 64] |= (uint64_t{1} << (bits % 64)) - 1;
}

// bitmap_shift_left by less than a word, in place, over `bits` bits.
void ShiftLeft(std::vector<uint64_t>* words, unsigned shift, uint64_t bits) {
  for (uint64_t i = Words(bits); i-- > 0;) {
    (*words)[i] = (*words)[i] << shift | (i > 0 ? (*words)[i - 1] >> (64 - shift) : 0);
  }
}

}  // namespace

uint64_t Type1Iommu::BitmapPages(uint64_t bytes, uint64_t page_bytes) {
  // __ffs(0) is 64 on the recorded machines, and x86 shifts by it modulo 64, that is, not at all.
  return page_bytes == 0 ? bytes : bytes >> std::countr_zero(page_bytes);
}

Outcome Type1Iommu::VerifyBitmapSize(uint64_t pages, uint64_t bytes) {
  if (pages == 0 || bytes == 0 || bytes > BitmapBytes(kMaxBitmapPages) ||
      bytes < BitmapBytes(pages)) {
    return Fail(Errno::kINVAL, kBitmapSize);
  }
  return Ok();
}

// vfio_dma_bitmap_alloc. One word more than the pages need: the user's bitmap may start anywhere in
// a word, and the bits are shifted there in place.
bool Type1Iommu::AllocBitmap(Call& call, Dma* dma) {
  const uint64_t pages = dma->size >> PageShift();
  if (pages > kMaxBitmapPages || call.AllocFails("alloc:dirty_bitmap")) return false;
  size_t slot = 0;
  while (slot < bitmaps_.size() && !bitmaps_[slot].empty()) ++slot;
  if (slot == bitmaps_.size()) bitmaps_.emplace_back();
  bitmaps_[slot].assign(Words(pages) + 1, 0);
  dma->bitmap = static_cast<uint32_t>(slot) + 1;
  return true;
}

void Type1Iommu::FreeBitmap(Dma* dma) {
  if (dma->bitmap == 0) return;
  bitmaps_[dma->bitmap - 1].clear();
  dma->bitmap = 0;
}

// vfio_iommu_populate_bitmap_full
void Type1Iommu::MarkAllDirty() {
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    Dma& dma = dmas_[index_.at(c)];
    SetFirstBits(&bitmaps_[dma.bitmap - 1], dma.size >> PageShift());
  }
}

// vfio_dma_populate_bitmap: what drivers have pinned may be written at any time.
void Type1Iommu::MarkExternalDirty(DmaId id) {
  Dma& dma = dmas_[id];
  external_.ForEach(id, [&](uint64_t iova, const ExternalPin&) {
    SetDirty(&dma, iova - dma.iova, 1);
  });
}

// `pages` pages from the one that holds byte `offset` of the mapping.
void Type1Iommu::SetDirty(Dma* dma, uint64_t offset, uint64_t pages) {
  std::vector<uint64_t>& words = bitmaps_[dma->bitmap - 1];
  const uint64_t first = offset >> PageShift();
  for (uint64_t page = first; page < first + pages && page < dma->size >> PageShift(); ++page) {
    words[page / 64] |= uint64_t{1} << (page % 64);
  }
}

Outcome Type1Iommu::DirtyPages(Call& call, uint64_t arg) {
  constexpr uint32_t kFlags = abi::kVfioIommuDirtyPagesFlagStart |
                              abi::kVfioIommuDirtyPagesFlagStop |
                              abi::kVfioIommuDirtyPagesFlagGetBitmap;
  if (!v2_) return Fail(Errno::kACCES, kDirtyV1);
  abi::VfioIommuType1DirtyBitmap dirty;
  if (!call.CopyIn(arg, &dirty, sizeof(dirty))) return Fail(Errno::kFAULT, kDirtyFault);
  if (dirty.argsz < sizeof(dirty)) return Fail(Errno::kINVAL, kDirtyArgsz);
  if ((dirty.flags & ~kFlags) || !std::has_single_bit(dirty.flags)) {
    return Fail(Errno::kINVAL, kDirtyFlags);
  }
  switch (dirty.flags) {
    case abi::kVfioIommuDirtyPagesFlagStart:
      return StartTracking(call);
    case abi::kVfioIommuDirtyPagesFlagStop:
      for (auto c = index_.Begin(); c; c = index_.Next(c)) FreeBitmap(&dmas_[index_.at(c)]);
      dirty_tracking_ = false;
      return Ok();
    default: {
      abi::VfioIommuType1DirtyBitmapGet range;
      if (dirty.argsz - sizeof(dirty) < sizeof(range)) return Fail(Errno::kINVAL, kDirtyArgsz);
      if (!call.CopyIn(arg + sizeof(dirty), &range, sizeof(range))) {
        return Fail(Errno::kFAULT, kDirtyFault);
      }
      return GetDirtyBitmap(call, range);
    }
  }
}

Outcome Type1Iommu::StartTracking(Call& call) {
  if (dirty_tracking_) return Ok();
  for (auto c = index_.Begin(); c; c = index_.Next(c)) {
    if (AllocBitmap(call, &dmas_[index_.at(c)])) {
      if (!external_.empty()) MarkExternalDirty(index_.at(c));
      continue;
    }
    const bool too_large = dmas_[index_.at(c)].size >> PageShift() > kMaxBitmapPages;
    for (auto undo = index_.Begin(); undo != c; undo = index_.Next(undo)) {
      FreeBitmap(&dmas_[index_.at(undo)]);
    }
    return Fail(too_large ? Errno::kINVAL : Errno::kNOMEM, kDirtyStart);
  }
  dirty_tracking_ = true;
  return Ok();
}

Outcome Type1Iommu::GetDirtyBitmap(Call& call, const abi::VfioIommuType1DirtyBitmapGet& range) {
  const Type1Profile& profile = call.profile().type1;
  const uint64_t last = range.iova + (range.size - 1);
  if (profile.dirty_get_exclusive_end) {
    if (range.iova + range.size < range.iova) return Fail(profile.wrap_errno, kGetWrap);
  } else {
    if (range.size == 0) return Fail(Errno::kINVAL, kGetSize);
    if (last < range.iova) return Fail(profile.wrap_errno, kGetWrap);
  }
  if (!call.mm().AccessOk(range.bitmap.data, range.bitmap.size)) {
    return Fail(Errno::kINVAL, kGetAddress);
  }
  Outcome fits =
      VerifyBitmapSize(BitmapPages(range.size, range.bitmap.pgsize), range.bitmap.size);
  if (!fits.ok()) return fits;
  if (range.bitmap.pgsize != PageBytes() || ((range.iova | range.size) & (PageBytes() - 1))) {
    return Fail(Errno::kINVAL, kGetPages);
  }
  if (!dirty_tracking_) return Fail(Errno::kINVAL, kGetOff);

  const DmaId at_first = index_.Find(range.iova, 1);
  if (at_first != kNoDma && dmas_[at_first].iova != range.iova) {
    return Fail(Errno::kINVAL, kGetBisect);
  }
  const DmaId at_last = index_.FindLast(last);
  if (at_last != kNoDma && dmas_[at_last].iova + (dmas_[at_last].size - 1) != last) {
    return Fail(Errno::kINVAL, kGetBisect);
  }
  for (auto c = index_.Begin(); c && index_.first(c) <= last; c = index_.Next(c)) {
    Dma& dma = dmas_[index_.at(c)];
    if (dma.iova < range.iova) continue;
    Outcome copied = CopyDirtyBitmap(call, &dma, range.iova, range.bitmap.data);
    if (!copied.ok()) return copied;
    // Reported pages are clean again. Only the mapping's own bits: what a shift moved beyond them
    // stays, and comes back with a later shift.
    std::vector<uint64_t>& words = bitmaps_[dma.bitmap - 1];
    const uint64_t pages = dma.size >> PageShift();
    for (uint64_t i = 0; i < pages / 64; ++i) words[i] = 0;
    if (pages % 64 != 0) words[pages / 64] &= ~((uint64_t{1} << (pages % 64)) - 1);
    if (!external_.empty()) MarkExternalDirty(index_.at(c));
  }
  return Ok();
}

// update_user_bitmap: ORs the mapping's bits into the user's first word and overwrites the rest.
// `user_bitmap` is the address of the bit of `base_iova`.
Outcome Type1Iommu::CopyDirtyBitmap(Call& call, Dma* dma, uint64_t base_iova,
                                    uint64_t user_bitmap) {
  std::vector<uint64_t>& words = bitmaps_[dma->bitmap - 1];
  const uint64_t pages = dma->size >> PageShift();
  const uint64_t bit_offset = (dma->iova - base_iova) >> PageShift();
  const uint64_t target = user_bitmap + bit_offset / 64 * 8;
  const auto shift = static_cast<unsigned>(bit_offset % 64);
  if (non_pinned_groups_ != 0 && dma->iommu_mapped) SetFirstBits(&words, pages);
  if (shift != 0) {
    ShiftLeft(&words, shift, pages + shift);
    uint64_t leftover;
    if (!call.CopyIn(target, &leftover, sizeof(leftover))) {
      return Fail(Errno::kFAULT, kBitmapFault);
    }
    words[0] |= leftover;
  }
  if (!call.CopyOut(target, words.data(), BitmapBytes(pages + shift))) {
    return Fail(Errno::kFAULT, kBitmapFault);
  }
  return Ok();
}

}  // namespace iovalid::compat::type1
