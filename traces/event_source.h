// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_EVENT_SOURCE_H_
#define IOVALID_TRACES_EVENT_SOURCE_H_

#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

// A stream of events with their header, from whatever kind of file. Every event that a source
// yields has passed ValidateEvent(): offsets lie inside their structs, names and counts are within
// the limits, each recorded buffer has its counterpart. Nothing is promised about the order: a cut
// or salvaged trace may end in the middle of a sequence, and names may never have been opened.
class EventSource {
 public:
  virtual ~EventSource() = default;

  // Valid as long as the source.
  virtual const Header& header() const = 0;

  // Reads the next event into *event (whose old content is dropped; passing the same object again
  // reuses its memory). False at the end. After an error or the end the source stays there.
  virtual absl::StatusOr<bool> Next(Event* event) = 0;

  // Where the event that Next() gave last stands, for messages: "x.jsonl:17", "x.iovt: event 16".
  virtual std::string Where() const = 0;

  // What the user should know though the trace could be read: a newer minor version, a salvaged
  // tail. Grows while reading; each is one line without line end.
  const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  void Warn(std::string line) { warnings_.push_back(std::move(line)); }

 private:
  std::vector<std::string> warnings_;
};

// An error with the place before its message: a file, or a source's Where().
inline absl::Status At(const std::string& place, const absl::Status& status) {
  return absl::Status(status.code(), place + ": " + std::string(status.message()));
}

// What a source has left, for a range-based `for`; the loop may change each event and may end
// early.
// `*status`, which must be looked at after the loop, is why the source failed, and OK where it
// ended or the loop did.
//
//   absl::Status status;
//   for (Event& event : Events(source, &status)) ...
//   if (!status.ok()) return status;
class Events {
 public:
  class Iterator {
   public:
    explicit Iterator(Events* events) : events_(events) { ++*this; }
    Event& operator*() const { return events_->event_; }
    Iterator& operator++() {
      const absl::StatusOr<bool> more = events_->source_.Next(&events_->event_);
      *events_->status_ = more.status();
      at_end_ = !more.ok() || !*more;
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    Events* events_;
    bool at_end_ = false;
  };

  Events(EventSource& source, absl::Status* status) : source_(source), status_(status) {}
  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  EventSource& source_;
  absl::Status* status_;
  Event event_;
};

// Events that are already in memory.
class VectorSource : public EventSource {
 public:
  VectorSource(Header header, std::vector<Event> events)
      : header_(std::move(header)), events_(std::move(events)) {}

  const Header& header() const override { return header_; }
  absl::StatusOr<bool> Next(Event* event) override {
    if (next_ == events_.size()) return false;
    *event = events_[next_++];
    return true;
  }
  std::string Where() const override { return "event " + std::to_string(next_ ? next_ - 1 : 0); }
  void Rewind() { next_ = 0; }

 private:
  Header header_;
  std::vector<Event> events_;
  size_t next_ = 0;
};

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_EVENT_SOURCE_H_
