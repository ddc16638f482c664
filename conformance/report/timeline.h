// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_TIMELINE_H_
#define IOVALID_CONFORMANCE_REPORT_TIMELINE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/columns.h"
#include "conformance/report/survey.h"
#include "traces/event_source.h"

namespace iovalid::conformance::report {

// The events of a trace that get into its timeline: sequence -> event numbers in it.
using Selection = std::map<uint32_t, std::set<uint32_t>>;

// What is drawn of a sequence where it is too long to be drawn whole.
inline constexpr uint32_t kWholeSequence = 160;  // events up to which it is
// Chooses from a surveyed trace: around each event of `wanted` (sequence, event), then sequences that
// differ, then others, until about `most` events.
Selection SelectEvents(const FileInfo& info,
                       const std::set<std::pair<uint32_t, uint32_t>>& wanted, uint64_t most);

// Runs the first pair of `columns` and appends the selected steps as one JSON object, see
// docs/report.md: calls, both outcomes and the rules that decided, both states after the call, and
// the label. `rule_texts` gets the rules that occur.
absl::Status WriteTimeline(
    traces::EventSource& source, Columns columns, const Selection& selection,
    std::map<std::string, std::pair<std::string, std::string>>* rule_texts, std::string* json);

}  // namespace iovalid::conformance::report

#endif  // IOVALID_CONFORMANCE_REPORT_TIMELINE_H_
