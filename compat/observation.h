// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_OBSERVATION_H_
#define IOVALID_COMPAT_OBSERVATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/digest.h"
#include "sim/units.h"

namespace iovalid::compat {

// What one device can do now.
struct DeviceState {
  // In a domain of a container or an IOAS (rather than blocked, or in the default domain).
  bool attached = false;
  // To which container or iommufd, see System::SpaceNumber; in the upper 16 bits the object id of the
  // IOAS where that is not the one of the VFIO commands. 0 where not attached.
  uint32_t space = 0;
  // What it reaches by DMA (sim::HashReach over its domain's entries); zero where not attached.
  sim::Digest reach;
  friend bool operator==(const DeviceState&, const DeviceState&) = default;
};

// The compared state of a System as sums: the difference of two sides' values says how they differ
// whatever they have in common, so that a difference which persists is recognised as the same.
struct ObservedState {
  // One element a mapping: {first IOVA, last IOVA, rights}. Each container or iommufd is a part, see
  // sim::DigestOfPart, by its System::SpaceNumber.
  sim::Digest mappings;
  // Bytes of these mappings.
  uint64_t mapped_bytes = 0;
  // Usable IOVA ranges {first, last} of each container or IOAS that a VFIO program can ask.
  sim::Digest usable;
  // Open files and their links: {fd number, kind, group or device}, {group, container}.
  sim::Digest files;
  // Dirty pages that a program could read now.
  sim::Digest dirty;
  // Pages charged for mappings: locked_vm or pinned_vm, whichever the side uses.
  uint64_t charged_pages = 0;
  std::vector<DeviceState> devices;  // in the order of SystemConfig::devices
  friend bool operator==(const ObservedState&, const ObservedState&) = default;
};

// The same in full, sorted.
struct StateSnapshot {
  struct Mapping {
    uint64_t first, last;  // IOVA, inclusive
    unsigned rights;       // bit 0 read, bit 1 write
    uint64_t vaddr;        // user address of the first byte; 0 where it is not user memory
    uint32_t space = 0;    // of which container or iommufd; System::SpaceNumber
    friend bool operator==(const Mapping&, const Mapping&) = default;
  };
  struct Range {
    uint64_t first, last;
    friend bool operator==(const Range&, const Range&) = default;
  };
  struct ReachRun {
    uint64_t iova;         // bytes
    sim::PageId first;     // frame at iova
    uint64_t pages;
    unsigned rights;
    friend bool operator==(const ReachRun&, const ReachRun&) = default;
  };
  struct Device {
    std::string name;
    bool attached = false;
    uint32_t space = 0;  // as DeviceState::space
    std::vector<ReachRun> reach;
  };
  std::vector<Mapping> mappings;
  std::vector<Range> usable;
  std::vector<std::string> files;  // one line each: "fd 3: container", "group 0: in container 0"
  std::vector<Range> dirty;        // IOVA ranges
  uint64_t charged_pages = 0;
  uint64_t locked_vm = 0, pinned_vm = 0;  // pages, of all address spaces
  uint64_t dma_avail = 0;                 // of the first container
  std::vector<Device> devices;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_OBSERVATION_H_
