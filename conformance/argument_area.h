// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_ARGUMENT_AREA_H_
#define IOVALID_CONFORMANCE_ARGUMENT_AREA_H_

#include <cstdint>
#include <span>
#include <vector>

#include "conformance/step.h"
#include "sim/sim_mm.h"

namespace iovalid::conformance {

// The user pages in which ioctl arguments stand, all bytes 0xAA except what the current call was
// given. Keeps a copy of their contents, so that a call costs its own bytes, never the whole page:
// only what the last call was given or wrote is filled with 0xAA again, and only what the kernel
// wrote is looked at for changes outside the struct (`spill`).
class ArgumentArea {
 public:
  static constexpr uint8_t kFill = 0xaa;

  // `base` is page-aligned; `bytes` a multiple of the page size.
  ArgumentArea(uint64_t base, uint64_t bytes) : base_(base), shadow_(bytes, kFill) {}

  uint64_t base() const { return base_; }
  uint64_t size() const { return shadow_.size(); }

  // Fills the whole area in memory that was just mapped.
  void FillAll(sim::SimMm& mm);

  // Starts a call: what the last one left is 0xAA again, except [keep, keep + keep_len), which the
  // caller is about to Place.
  void Clear(sim::SimMm& mm, uint64_t keep, uint64_t keep_len);
  // Puts bytes at `addr`, inside the area or anywhere else. False where that is not mapped.
  bool Place(sim::SimMm& mm, uint64_t addr, std::span<const uint8_t> bytes);

  // After the call: the maximal runs of bytes of the area outside [skip, skip + skip_len) that the
  // kernel changed. `spill` is overwritten.
  void CollectSpill(sim::SimMm& mm, uint64_t skip, uint64_t skip_len,
                    std::vector<Expectation::Spill>* spill);

 private:
  bool Contains(uint64_t addr) const { return addr >= base_ && addr - base_ < shadow_.size(); }
  // [*first, *last) cut to the area; false where nothing is left.
  bool Clip(uint64_t addr, uint64_t len, uint64_t* first, uint64_t* last) const;
  void Dirty(uint64_t first, uint64_t last);

  uint64_t base_;
  std::vector<uint8_t> shadow_;                // what stood in the area when the current call began
  uint64_t dirty_first_ = 0, dirty_last_ = 0;  // bytes that may differ from kFill; exclusive end
  std::vector<sim::WriteRange> written_;       // scratch
  Bytes now_;                                  // scratch
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_ARGUMENT_AREA_H_
