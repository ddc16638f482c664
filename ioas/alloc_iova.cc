// SPDX-License-Identifier: Apache-2.0
// Choosing an IOVA: iopt_alloc_iova.
#include <algorithm>
#include <bit>

#include "ioas/io_pagetable.h"
#include "ioas/rules.h"

namespace iovalid::ioas {
namespace {

constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint64_t kHugePage = 2u << 20;

// __alloc_iova_check_range: moves *first up to where a range of `length` bytes may start, or says
// that [*first, last] has no room. The comparison is strict: one byte at the very end does not do.
bool Fit(uint64_t* first, uint64_t last, uint64_t length, uint64_t alignment,
         uint64_t page_offset) {
  uint64_t start = *first + (alignment - 1);
  if (start < *first) return false;
  // The offset is put in with OR: where the alignment is below a page it may get lost.
  start = (start & ~(alignment - 1)) | page_offset;
  if (start >= last || last - start < length - 1) return false;
  *first = start;
  return true;
}

}  // namespace

Result IoPagetable::AllocIova(const Machine& machine, uint64_t addr, uint64_t length,
                              uint64_t* iova) const {
  if (length == 0 || length >= kTop / 2) {
    return Failure(sim::Errno::kOVERFLOW, rules::kAutoIovaLength);
  }
  const uint64_t page_offset = addr & ~sim::kPageMask;
  uint64_t alignment = std::bit_ceil(length);
  if (addr != 0) alignment = std::min(alignment, addr & (~addr + 1));
  alignment = std::min(alignment, machine.thp ? kHugePage : sim::kPageSize);
  if (alignment < iova_alignment_) {
    return Failure(sim::Errno::kINVAL, rules::kAutoIovaAlignment);
  }
  // Never page 0 nor the last page of the space.
  const uint64_t lowest = sim::kPageSize;
  const uint64_t highest = kTop - sim::kPageSize;
  const IovaRange everything{lowest, highest};
  const std::vector<IovaRange> spans = UsedSpans(allowed_);
  for (const IovaRange& span : spans.empty() ? std::vector<IovaRange>{everything} : spans) {
    uint64_t first = std::max(span.first, lowest);
    const uint64_t last = std::min(span.last, highest);
    if (first > last || !Fit(&first, last, length, alignment, page_offset)) continue;
    if (FindHole(first, last, length, alignment, page_offset, iova)) return Success();
  }
  return Failure(sim::Errno::kNOSPC, rules::kNoRoom);
}

// The first hole of [first, last] between areas and reserved ranges that has room.
bool IoPagetable::FindHole(uint64_t first, uint64_t last, uint64_t length, uint64_t alignment,
                           uint64_t page_offset, uint64_t* iova) const {
  auto reserved = reserved_.used().begin();
  const auto reserved_end = reserved_.used().end();
  auto area = areas_.LowerBound(first);
  for (uint64_t at = first;;) {
    while (reserved != reserved_end && reserved->last < at) ++reserved;
    while (area && areas_.last(area) < at) area = areas_.Next(area);
    uint64_t used_last = 0;
    bool used = false;
    if (reserved != reserved_end && reserved->first <= at) {
      used = true;
      used_last = reserved->last;
    }
    if (area && areas_.first(area) <= at) {
      used_last = used ? std::max(used_last, areas_.last(area)) : areas_.last(area);
      used = true;
    }
    uint64_t end = used_last;
    if (!used) {
      end = last;
      if (reserved != reserved_end) end = std::min(end, reserved->first - 1);
      if (area) end = std::min(end, areas_.first(area) - 1);
      uint64_t start = at;
      if (Fit(&start, end, length, alignment, page_offset)) {
        *iova = start;
        return true;
      }
    }
    if (end >= last) return false;
    at = end + 1;
  }
}

}  // namespace iovalid::ioas
