// SPDX-License-Identifier: Apache-2.0
#include "traces/unrecorded_writes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "traces/trace.pb.h"

namespace iovalid::traces {
namespace {

constexpr uint32_t kMapDma = 0x3b71;
constexpr uint32_t kReadOnly = 1;

struct Range {
  uint64_t addr;
  uint64_t len;
};

// The user range of a MAP_DMA for reading only that succeeded, or an empty one.
Range ReadOnlyMap(const Event& event) {
  if (!event.has_ioctl() || event.ioctl().nr() != kMapDma || event.outcome().error() != 0) return {};
  struct {
    uint32_t argsz, flags;
    uint64_t vaddr, iova, size;
  } map;
  if (event.ioctl().in().size() < sizeof(map)) return {};
  std::memcpy(&map, event.ioctl().in().data(), sizeof(map));
  if (map.flags != kReadOnly) return {};
  return {map.vaddr, map.size};
}

class Inference final : public EventSource {
 public:
  explicit Inference(std::unique_ptr<EventSource> source) : source_(std::move(source)) {}

  const Header& header() const override { return source_->header(); }
  std::string Where() const override { return source_->Where(); }

  absl::StatusOr<bool> Next(Event* event) override {
    if (ahead_.empty()) {
      auto more = Fetch();
      if (!more.ok() || !*more) return more;
    }
    // An `observe` belongs to the call before it, so whether the call was charged is known only then.
    if (const Range range = ReadOnlyMap(ahead_.front()); range.len != 0 && !decided_) {
      if (ahead_.size() == 1) {
        auto more = Fetch();
        if (!more.ok()) return more;
      }
      decided_ = true;
      if (Decide(range)) {
        Event touch;
        touch.set_task(ahead_.front().task());
        touch.mutable_touch()->set_addr(range.addr);
        touch.mutable_touch()->set_len(range.len);
        touch.mutable_touch()->set_write(true);
        touch.mutable_touch()->set_inferred(true);
        *event = std::move(touch);
        return true;
      }
    }
    decided_ = false;
    *event = std::move(ahead_.front());
    ahead_.pop_front();
    if (event->has_observe()) locked_kb_ = event->observe().vm_lck();
    return true;
  }

 private:
  absl::StatusOr<bool> Fetch() {
    Event event;
    auto more = source_->Next(&event);
    if (more.ok() && *more) ahead_.push_back(std::move(event));
    return more;
  }

  // Whether `range`, which the call in front maps, was free before and is charged in full now.
  bool Decide(const Range& range) {
    uint64_t charged_kb = 0;
    if (ahead_.size() > 1 && ahead_[1].has_observe() &&
        ahead_[1].observe().vm_lck() > locked_kb_) {
      charged_kb = ahead_[1].observe().vm_lck() - locked_kb_;
    }
    if (charged_kb == 0) {
      free_.push_back(range);
      return false;
    }
    return charged_kb == range.len >> 10 &&
           std::any_of(free_.begin(), free_.end(), [&](const Range& r) {
             return range.addr >= r.addr && range.addr - r.addr <= r.len - range.len &&
                    range.len <= r.len;
           });
  }

  std::unique_ptr<EventSource> source_;
  std::deque<Event> ahead_;
  bool decided_ = false;  // about the event in front
  uint64_t locked_kb_ = 0;
  std::vector<Range> free_;  // what read-only mappings were not charged for
};

}  // namespace

std::unique_ptr<EventSource> WithUnrecordedWrites(std::unique_ptr<EventSource> source) {
  const Header& header = source->header();
  if (!header.capture() || header.kernel().rfind("6.1.", 0) != 0) return source;
  return std::make_unique<Inference>(std::move(source));
}

}  // namespace iovalid::traces
