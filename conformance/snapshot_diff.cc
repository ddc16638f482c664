// SPDX-License-Identifier: Apache-2.0
#include "conformance/snapshot_diff.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "conformance/decode.h"
#include "fmt/format.h"
#include "sim/units.h"

namespace iovalid::conformance {
namespace {

using compat::StateSnapshot;
using Lines = std::vector<std::string>;

const char* RightsName(unsigned rights) {
  constexpr const char* kNames[] = {"no rights", "r", "w", "rw"};
  return kNames[rights & 3];
}

std::string Ranges(const std::vector<StateSnapshot::Range>& ranges) {
  std::string out;
  for (const StateSnapshot::Range& range : ranges) {
    out += (out.empty() ? "" : " ") + HexRange(range.first, range.last);
  }
  return out.empty() ? "none" : out;
}

void DescribeMappings(const StateSnapshot& left, const StateSnapshot& right,
                      std::string_view left_name, std::string_view right_name, Lines* lines) {
  const auto less = [](const StateSnapshot::Mapping& a, const StateSnapshot::Mapping& b) {
    return std::tie(a.first, a.last, a.rights) < std::tie(b.first, b.last, b.rights);
  };
  const auto only = [&](const StateSnapshot& in, const StateSnapshot& not_in,
                        std::string_view name) {
    std::vector<StateSnapshot::Mapping> a = in.mappings, b = not_in.mappings, out;
    std::sort(a.begin(), a.end(), less);
    std::sort(b.begin(), b.end(), less);
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out), less);
    for (const StateSnapshot::Mapping& mapping : out) {
      lines->push_back(fmt::format("only {}: {} {}", name, HexRange(mapping.first, mapping.last),
                                   RightsName(mapping.rights)));
    }
  };
  only(left, right, left_name);
  only(right, left, right_name);
}

void DescribeFiles(const StateSnapshot& left, const StateSnapshot& right,
                   std::string_view left_name, std::string_view right_name, Lines* lines) {
  const auto only = [&](const Lines& in, const Lines& not_in, std::string_view name) {
    for (const std::string& file : in) {
      if (std::find(not_in.begin(), not_in.end(), file) != not_in.end()) continue;
      lines->push_back(fmt::format("only {}: {}", name, file));
    }
  };
  only(left.files, right.files, left_name);
  only(right.files, left.files, right_name);
}

// What one device reaches, page by page in runs: walks both lists at once and cuts them where
// either changes.
class ReachWalk {
 public:
  ReachWalk(std::string_view left_name, std::string_view right_name, Lines* lines)
      : left_name_(left_name), right_name_(right_name), lines_(lines) {}

  void Walk(const std::vector<StateSnapshot::ReachRun>& left,
            const std::vector<StateSnapshot::ReachRun>& right) {
    // Page numbers, so that a run can end at the top of the space.
    std::vector<uint64_t> cuts;
    for (const auto* runs : {&left, &right}) {
      for (const StateSnapshot::ReachRun& run : *runs) {
        cuts.push_back(run.iova >> sim::kPageShift);
        cuts.push_back((run.iova >> sim::kPageShift) + run.pages);
      }
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    size_t l = 0, r = 0;
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      Segment(cuts[i], cuts[i + 1], At(left, cuts[i], &l), At(right, cuts[i], &r));
    }
    Flush();
  }

 private:
  using Place = std::optional<std::pair<sim::PageId, unsigned>>;  // page and rights

  static Place At(const std::vector<StateSnapshot::ReachRun>& runs, uint64_t page, size_t* next) {
    while (*next < runs.size() &&
           (runs[*next].iova >> sim::kPageShift) + runs[*next].pages <= page) {
      ++*next;
    }
    if (*next == runs.size()) return std::nullopt;
    const StateSnapshot::ReachRun& run = runs[*next];
    const uint64_t first = run.iova >> sim::kPageShift;
    if (page < first) return std::nullopt;
    return std::pair(run.first + (page - first), run.rights);
  }

  void Segment(uint64_t first, uint64_t end, const Place& left, const Place& right) {
    std::string what;
    if (left && !right) {
      what = fmt::format("only {} reaches %s {}", left_name_, RightsName(left->second));
    }
    if (right && !left) {
      what = fmt::format("only {} reaches %s {}", right_name_, RightsName(right->second));
    }
    if (left && right && left->first != right->first) what = "other pages at %s";
    if (left && right && left->first == right->first && left->second != right->second) {
      what = fmt::format("%s: {} on {}, {} on {}", RightsName(left->second), left_name_,
                         RightsName(right->second), right_name_);
    }
    if (!what.empty() && what == what_ && first == end_ && Follows(left, left_, end_ - first_) &&
        Follows(right, right_, end_ - first_)) {
      end_ = end;
      return;
    }
    Flush();
    what_ = std::move(what);
    first_ = first;
    end_ = end;
    left_ = left;
    right_ = right;
  }

  // `next` goes on where a run of `pages` pages from `start` ends: what was mapped as one.
  static bool Follows(const Place& next, const Place& start, uint64_t pages) {
    if (!next || !start) return !next && !start;
    return next->first == start->first + pages;
  }

  void Flush() {
    if (what_.empty()) return;
    std::string line = what_;
    line.replace(line.find("%s"), 2,
                 HexRange(first_ << sim::kPageShift, (end_ << sim::kPageShift) - 1));
    lines_->push_back(std::move(line));
    what_.clear();
  }

  std::string_view left_name_, right_name_;
  Lines* lines_;
  std::string what_;  // of the run that is being built; empty: equal
  uint64_t first_ = 0, end_ = 0;
  Place left_, right_;  // at its start
};

// "container 0"; "IOAS 3 of container 0" where that is not the one of the VFIO commands.
std::string SpaceText(uint32_t space) {
  std::string text = fmt::format("container {}", space & 0xffff);
  return space >> 16 == 0 ? text : fmt::format("IOAS {} of {}", space >> 16, text);
}

}  // namespace

std::vector<std::string> DescribeDifference(Component component, const StateSnapshot& left,
                                            const StateSnapshot& right, std::string_view left_name,
                                            std::string_view right_name) {
  Lines lines;
  switch (component) {
    case kMappings:
      DescribeMappings(left, right, left_name, right_name, &lines);
      return lines;
    case kUsable:
      if (left.usable == right.usable) return lines;
      lines.push_back(fmt::format("{}: {}", left_name, Ranges(left.usable)));
      lines.push_back(fmt::format("{}: {}", right_name, Ranges(right.usable)));
      return lines;
    case kCharged:
      if (left.charged_pages == right.charged_pages) return lines;
      lines.push_back(fmt::format("{} pages on {}, {} on {}", left.charged_pages, left_name,
                                  right.charged_pages, right_name));
      return lines;
    case kDirty:
      if (left.dirty == right.dirty) return lines;
      lines.push_back(fmt::format("{}: {}", left_name, Ranges(left.dirty)));
      lines.push_back(fmt::format("{}: {}", right_name, Ranges(right.dirty)));
      return lines;
    case kFiles:
      DescribeFiles(left, right, left_name, right_name, &lines);
      return lines;
    default:
      break;
  }
  const uint32_t device = StateDiff::DeviceOf(component);
  if (device >= left.devices.size() || device >= right.devices.size()) return lines;
  const StateSnapshot::Device& a = left.devices[device];
  const StateSnapshot::Device& b = right.devices[device];
  if (StateDiff::IsAttach(component)) {
    if (a.attached != b.attached) {
      lines.push_back(
          fmt::format("only {} has the device attached", a.attached ? left_name : right_name));
    } else if (a.space != b.space) {
      lines.push_back(fmt::format("attached to {} on {}, to {} on {}", SpaceText(a.space), left_name,
                                  SpaceText(b.space), right_name));
    }
    return lines;
  }
  ReachWalk(left_name, right_name, &lines).Walk(a.reach, b.reach);
  return lines;
}

}  // namespace iovalid::conformance
