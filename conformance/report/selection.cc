// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "conformance/report/timeline.h"

namespace iovalid::conformance::report {
namespace {

constexpr uint32_t kBefore = 12, kAfter = 4;  // around a step that matters
constexpr uint32_t kHead = 24, kTail = 6;
constexpr uint64_t kMostOfOne = 400;  // drawn of a sequence beyond what matters

// `room` is how many events may still be drawn; where it lets, a long sequence is drawn further from
// its beginning.
uint64_t AddSequence(const SequenceInfo& info, const std::set<uint32_t>& wanted, uint64_t room,
                     std::set<uint32_t>* events) {
  const auto add = [&](uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < std::min(to, info.events); ++i) events->insert(i);
  };
  const size_t before = events->size();
  if (info.events <= kWholeSequence) {
    add(0, info.events);
    return events->size() - before;
  }
  add(0, kHead);
  add(info.events > kTail ? info.events - kTail : 0, info.events);
  for (const uint32_t event : wanted) add(event > kBefore ? event - kBefore : 0, event + kAfter);
  for (const uint32_t event : info.marks) add(event > kBefore ? event - kBefore : 0, event + kAfter);
  for (uint32_t i = kHead; i < info.events && events->size() - before < std::min(room, kMostOfOne);
       ++i) {
    events->insert(i);
  }
  return events->size() - before;
}

}  // namespace

Selection SelectEvents(const FileInfo& info,
                       const std::set<std::pair<uint32_t, uint32_t>>& wanted, uint64_t most) {
  Selection selection;
  uint64_t taken = 0;
  std::map<uint32_t, std::set<uint32_t>> by_sequence;
  for (const auto& [sequence, event] : wanted) by_sequence[sequence].insert(event);
  for (const auto& [sequence, events] : by_sequence) {
    taken += AddSequence(info.sequences[sequence], events,
                         most > taken ? most - taken : 0, &selection[sequence]);
  }
  // Then what is unexplained, what differs, and what does not; each in the order of the file.
  const auto rank = [](const SequenceInfo& sequence) {
    return sequence.unexplained != 0 ? 0 : sequence.differing != 0 ? 1 : 2;
  };
  for (int pass = 0; pass < 3; ++pass) {
    for (uint32_t i = 0; i < info.sequences.size() && taken < most; ++i) {
      if (rank(info.sequences[i]) != pass || selection.count(i) != 0) continue;
      taken += AddSequence(info.sequences[i], {}, most - taken, &selection[i]);
    }
  }
  return selection;
}

}  // namespace iovalid::conformance::report
