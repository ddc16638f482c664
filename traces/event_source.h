// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_EVENT_SOURCE_H_
#define IOVALID_TRACES_EVENT_SOURCE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

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
