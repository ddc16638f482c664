// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_TRACE_MUTATOR_H_
#define IOVALID_CONFORMANCE_TRACE_MUTATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// For tests: trace files as an accident or an enemy would leave them, made from real ones.
//
// A mutation happens on one of four levels, because each lower one shields what is above it: the
// bytes of the file (mostly stopped by checksums), the serialised events inside chunks whose
// checksums are right, the text of the two text forms, and events that are valid each, in an order
// and with values that no program would use.
class TraceMutator {
 public:
  enum class Level : uint8_t { kFile, kPayload, kText, kEvents };
  static constexpr int kLevels = 4;

  // Adds the sequences of a trace file as seeds, each with at most `max_events` events.
  absl::Status AddSeeds(const std::string& path, size_t max_events);
  size_t seeds() const { return seeds_.size(); }

  // The bytes of one hostile trace file, the same for the same state of `random`.
  std::string Make(Level level, std::mt19937_64& random) const;

 private:
  struct Seed {
    traces::Header header;
    std::vector<traces::Event> events;
  };

  std::string FileLevel(Seed seed, std::mt19937_64& random) const;
  std::string PayloadLevel(const Seed& seed, std::mt19937_64& random) const;
  std::string TextLevel(Seed seed, std::mt19937_64& random) const;
  std::string EventLevel(Seed seed, std::mt19937_64& random) const;

  std::vector<Seed> seeds_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_TRACE_MUTATOR_H_
