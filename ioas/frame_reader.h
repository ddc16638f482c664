// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_IOAS_FRAME_READER_H_
#define IOVALID_IOAS_FRAME_READER_H_

#include <cstdint>
#include <vector>

#include "ioas/machine.h"
#include "ioas/pages.h"
#include "ioas/result.h"
#include "sim/units.h"

namespace iovalid::ioas {

// Reads the frames of the pages [first, last] of a pages object in order, batch by batch: from
// where they are stored, where they are pinned already, else by pinning them (struct pfn_reader).
// What it pinned stays pinned until Release.
//
// Batches have the kernel's size, because it shows: a batch that is mapped can fail there before a
// page further on is found to be missing, and no large IOMMU page crosses the end of a batch.
class FrameReader {
 public:
  // The most runs of contiguous frames that a batch holds, and the most pages that one pin call
  // asks for: TEMP_MEMORY_LIMIT bytes of 12-byte batch elements and of 8-byte page pointers.
  static constexpr uint64_t kBatchRuns = 65536 / 12;
  static constexpr uint64_t kPinPages = 65536 / 8;

  // `stored`: where an unshared object's frames are; domain == kNoDomain if nowhere. first <= last.
  // `buffers` is memory to reuse.
  struct Buffers {
    std::vector<sim::PageRun> batch;
    std::vector<sim::PageRun> pending;
    std::vector<PinnedFrames> pinned;
  };
  FrameReader(const Machine& machine, PagesStore& store, PagesId pages, const StoredFrames& stored,
              uint64_t first, uint64_t last, Buffers* buffers);

  // Reads the next batch; not after done(). On a failure, what has been pinned so far is still to
  // be released.
  Result Next();
  bool done() const { return batch_end_ == last_ + 1; }

  // Runs of contiguous frames for the pages [batch_first(), batch_end()).
  const std::vector<sim::PageRun>& batch() const { return buffers_->batch; }
  uint64_t batch_first() const { return batch_first_; }
  uint64_t batch_end() const { return batch_end_; }

  // What this reader pinned, ascending.
  const std::vector<PinnedFrames>& pinned() const { return buffers_->pinned; }
  // Unpins it again.
  void Release();

 private:
  Result Fill(bool* full);
  bool Append(const sim::PageRun& run);

  const Machine& machine_;
  PagesStore& store_;
  PagesId pages_;
  StoredFrames stored_;
  uint64_t last_;
  uint64_t batch_first_;
  uint64_t batch_end_;
  uint64_t max_runs_;
  size_t pending_next_ = 0;  // first of `pending` that is in no batch yet
  Buffers* buffers_;
  bool allocated_ = false;
  bool pin_list_ = false;
};

}  // namespace iovalid::ioas

#endif  // IOVALID_IOAS_FRAME_READER_H_
