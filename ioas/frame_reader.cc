// SPDX-License-Identifier: Apache-2.0
#include "ioas/frame_reader.h"

#include <algorithm>

#include "ioas/rules.h"

namespace iovalid::ioas {

FrameReader::FrameReader(const Machine& machine, PagesStore& store, PagesId pages,
                         const StoredFrames& stored, uint64_t first, uint64_t last,
                         Buffers* buffers)
    : machine_(machine),
      store_(store),
      pages_(pages),
      stored_(stored),
      last_(last),
      batch_first_(first),
      batch_end_(first),
      max_runs_(std::min(last - first + 1, kBatchRuns)),
      buffers_(buffers) {
  buffers_->batch.clear();
  buffers_->pending.clear();
  buffers_->pinned.clear();
}

Result FrameReader::Next() {
  if (!allocated_) {
    if (machine_.Fails("alloc:pfn_batch")) {
      return Failure(sim::Errno::kNOMEM, rules::kBatchAlloc);
    }
    allocated_ = true;
  }
  buffers_->batch.clear();
  batch_first_ = batch_end_;
  bool full = false;
  while (!full && !done()) {
    const Result result = Fill(&full);
    if (!result.ok()) return result;
  }
  return Success();
}

// Adds frames for the pages from batch_end_ on, as many as one source gives at a time.
Result FrameReader::Fill(bool* full) {
  if (pending_next_ < buffers_->pending.size()) {
    // Pinned for the previous batch, which had no room for it.
    *full = !Append(buffers_->pending[pending_next_]);
    if (!*full) ++pending_next_;
    return Success();
  }
  const Pages& pages = store_.at(pages_);
  uint64_t hole = last_ - batch_end_ + 1;
  if (pages.source == PagesSource::kDmabuf) {
    *full = !Append({pages.dmabuf_first + batch_end_, hole, sim::PageClass::kMmio});
    return Success();
  }
  if (pages.shared) {
    PinnedFrames run;
    if (store_.table().Find(pages_, batch_end_, last_, &run)) {
      *full = !Append({run.first, run.pages, sim::PageClass::kRam});
      return Success();
    }
    hole = run.pages;
  } else if (stored_.domain != hwmodel::kNoDomain) {
    const auto run = machine_.iommu.Lookup(
        stored_.domain, stored_.iova + (batch_end_ - stored_.index) * sim::kPageSize, hole);
    *full = !Append({run.first, run.pages, sim::PageClass::kRam});
    return Success();
  }
  if (!pin_list_) {
    if (machine_.Fails("alloc:upages")) return Failure(sim::Errno::kNOMEM, rules::kPinListAlloc);
    pin_list_ = true;
  }
  buffers_->pending.clear();
  pending_next_ = 0;
  const Result result =
      store_.Pin(machine_, pages_, batch_end_, std::min(hole, kPinPages), &buffers_->pending);
  uint64_t index = batch_end_;
  for (const sim::PageRun& run : buffers_->pending) {
    buffers_->pinned.push_back({index, run.first, run.pages});
    index += run.pages;
  }
  return result;
}

// batch_add_pfn_num: false if the batch is full.
bool FrameReader::Append(const sim::PageRun& run) {
  std::vector<sim::PageRun>& batch = buffers_->batch;
  if (!batch.empty() && batch.back().first + batch.back().pages == run.first) {
    batch.back().pages += run.pages;
  } else if (batch.size() < max_runs_) {
    batch.push_back(run);
  } else {
    return false;
  }
  batch_end_ += run.pages;
  return true;
}

void FrameReader::Release() {
  for (const PinnedFrames& frames : buffers_->pinned) {
    store_.Unpin(machine_, pages_, {frames.first, frames.pages, sim::PageClass::kRam});
  }
  buffers_->pinned.clear();
}

}  // namespace iovalid::ioas
