// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/invariants.h"

#include <algorithm>
#include <map>
#include <vector>

#include "compat/observation.h"
#include "fmt/format.h"
#include "hwmodel/access.h"
#include "sim/state_hash.h"
#include "sim/units.h"

namespace iovalid::conformance::search {
namespace {

using compat::StateSnapshot;

// What a device reaches of [first, last]: pages, and whether all have these rights. Runs are
// ascending.
uint64_t PagesReached(const std::vector<StateSnapshot::ReachRun>& reach, uint64_t first,
                      uint64_t last, unsigned rights, std::vector<sim::PageRun>* runs,
                      bool* right) {
  uint64_t pages = 0;
  auto run = std::partition_point(reach.begin(), reach.end(), [&](const auto& r) {
    return r.iova + (r.pages << sim::kPageShift) - 1 < first;
  });
  for (; run != reach.end() && run->iova <= last; ++run) {
    const uint64_t from = std::max(run->iova, first);
    const uint64_t to = std::min(run->iova + ((run->pages << sim::kPageShift) - 1), last);
    const uint64_t n = (to - from + 1 + sim::kPageSize - 1) >> sim::kPageShift;
    const sim::PageId page = run->first + ((from - run->iova) >> sim::kPageShift);
    // The VT-d driver of 6.12 and 6.1 lets a device read what it may write.
    const bool same = run->rights == rights || run->rights == (rights | hwmodel::kRead);
    if (!same) *right = false;
    if (runs != nullptr) runs->push_back({page, n, sim::ClassOf(page)});
    pages += n;
  }
  return pages;
}

std::string CheckDevice(const StateSnapshot& state, const StateSnapshot::Device& device) {
  uint64_t in_mappings = 0;
  for (const StateSnapshot::Mapping& mapping : state.mappings) {
    bool right = true;
    const uint64_t pages =
        PagesReached(device.reach, mapping.first, mapping.last, mapping.rights, nullptr, &right);
    const uint64_t whole =
        ((mapping.last >> sim::kPageShift) - (mapping.first >> sim::kPageShift)) + 1;
    if (pages != 0 && pages != whole) {
      return fmt::format("{} reaches {} of the {} pages of the mapping at {:#x}", device.name,
                         pages, whole, mapping.first);
    }
    if (!right)
      return fmt::format("{} reaches {:#x} with other rights", device.name, mapping.first);
    in_mappings += pages;
  }
  uint64_t reached = 0;
  for (const StateSnapshot::ReachRun& run : device.reach) reached += run.pages;
  if (reached != in_mappings) {
    return fmt::format("{} reaches {} pages, {} of them in mappings", device.name, reached,
                       in_mappings);
  }
  return "";
}

// Pins of each page as the mappings say, by maximal runs of equal count: page -> change of count.
std::string CheckPins(const StateSnapshot& state, const Machine& machine, uint64_t* ram) {
  std::map<sim::PageId, int64_t> edges;
  uint64_t expected = 0;
  for (const StateSnapshot::Mapping& mapping : state.mappings) {
    for (const StateSnapshot::Device& device : state.devices) {
      std::vector<sim::PageRun> runs;
      bool right = true;
      if (PagesReached(device.reach, mapping.first, mapping.last, mapping.rights, &runs, &right) ==
          0) {
        continue;
      }
      for (const sim::PageRun& run : runs) {
        if (run.cls == sim::PageClass::kMmio) continue;
        if (run.cls == sim::PageClass::kRam) *ram += run.pages;
        expected += run.pages;
        ++edges[run.first];
        --edges[run.first + run.pages];
      }
      break;
    }
  }
  if (machine.memory().pinned_pages() != expected) {
    return fmt::format("{} pages are pinned, the mappings need {}", machine.memory().pinned_pages(),
                       expected);
  }
  std::map<sim::PageId, int64_t> pinned;
  machine.memory().ForEachPinnedRun([&](sim::PageId first, uint64_t pages, uint32_t count) {
    pinned[first] += count;
    pinned[first + pages] -= count;
  });
  const auto is_zero = [](const auto& edge) { return edge.second == 0; };
  std::erase_if(edges, is_zero);
  std::erase_if(pinned, is_zero);
  if (edges != pinned) return "other pages are pinned than the mappings cover";
  return "";
}

// Mappings of two address spaces (containers, IOASs) meet at one IOVA: the snapshot does not say
// which space a device is in, so that neither can be told to be the one that it reaches.
bool SpacesOverlap(const StateSnapshot& state) {
  for (size_t i = 1; i < state.mappings.size(); ++i) {
    if (state.mappings[i].first <= state.mappings[i - 1].last) return true;
  }
  return false;
}

std::string CheckCharges(const StateSnapshot& state, const Machine& machine) {
  const bool type1 = machine.side().mode == Mode::kType1;
  uint64_t due = machine.memory().pinned_pages();
  // Native programs share pages between IOASs, and have domains without a device.
  if (!SpacesOverlap(state) && machine.side().mode != Mode::kNative) {
    uint64_t ram = 0;
    if (std::string broken = CheckPins(state, machine, &ram); !broken.empty()) return broken;
    if (type1) due = ram;
  } else if (type1) {
    return "";
  }
  const uint64_t charged = type1 ? state.locked_vm : state.pinned_vm;
  if (charged != due) return fmt::format("{} pages are charged, {} are due", charged, due);
  if (machine.system().Observe().charged_pages != due) {
    return "the observed charge is not that of the snapshot";
  }
  return "";
}

}  // namespace

std::string BrokenInvariant(const Machine& machine) {
  const StateSnapshot state = machine.system().Snapshot();
  if (!SpacesOverlap(state)) {
    for (const StateSnapshot::Device& device : state.devices) {
      if (std::string broken = CheckDevice(state, device); !broken.empty()) return broken;
    }
  }
  if (std::string broken = CheckCharges(state, machine); !broken.empty()) return broken;

  const compat::ObservedState observed = machine.system().Observe();
  sim::Digest mappings;
  for (const StateSnapshot::Mapping& mapping : state.mappings) {
    mappings += sim::DigestOfPart(sim::HashMapping(mapping.first, mapping.last, mapping.rights),
                                  mapping.space);
  }
  if (!(observed.mappings == mappings)) return "the digest of the mappings is not theirs";
  sim::Digest usable;
  for (const StateSnapshot::Range& range : state.usable) {
    usable += sim::HashRange(range.first, range.last);
  }
  if (!(observed.usable == usable)) return "the digest of the usable ranges is not theirs";
  return "";
}

std::string BrokenTeardown(const Machine& machine) {
  Machine copy = machine;
  StepResult result;
  if (!copy.Run(Step{0, 0, ExitAction()}, &result).ok()) return "the process cannot exit";
  const compat::System::LiveObjects live = copy.system().CountLive();
  if (live.files + live.containers + live.iommufds + live.mappings != 0) {
    return fmt::format("after the end {} files, {} containers, {} iommufds and {} mappings live",
                       live.files, live.containers, live.iommufds, live.mappings);
  }
  if (const uint64_t pinned = copy.memory().pinned_pages(); pinned != 0) {
    return fmt::format("after the end {} pages are pinned", pinned);
  }
  const compat::StateSnapshot state = copy.system().Snapshot();
  if (!state.mappings.empty()) return "mappings outlive their container";
  for (const StateSnapshot::Device& device : state.devices) {
    if (!device.reach.empty()) return device.name + " reaches memory after the end";
  }
  return "";
}

}  // namespace iovalid::conformance::search
