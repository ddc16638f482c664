// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_FACETS_H_
#define IOVALID_CONFORMANCE_CATALOGUE_FACETS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "conformance/decode_tables.h"
#include "conformance/machine.h"
#include "conformance/state_diff.h"
#include "conformance/step.h"

namespace iovalid::conformance {

// In what a step can differ, one bit each. A difference is explained only when each of its facets
// is.
using Facets = uint32_t;
enum : Facets {
  kResultFacet = 1u << 0,  // return value or errno
  kMemFacet = 1u << 1,     // memory that the struct points to
  kSpillFacet = 1u << 2,   // memory around the struct
  kTailFacet = 1u << 3,    // bytes of the struct after its fields
  kFieldFacet = 1u << 4,   // the first field of the struct; the others follow
  kFieldFacets = 0xfff0,
  kMappingsFacet = 1u << 16,
  kUsableFacet = 1u << 17,
  kChargedFacet = 1u << 18,
  kDirtyFacet = 1u << 19,
  kFilesFacet = 1u << 20,
  kAttachFacet = 1u << 21,  // of any device
  kReachFacet = 1u << 22,   // of any device
  kStateFacets = 0x7f0000,
  // GET_INFO, where both sides answer with capabilities: one is missing or has other contents.
  kMigrationCapFacet = 1u << 23,
  kDmaAvailCapFacet = 1u << 24,
  kIovaRangeCapFacet = 1u << 25,
  kCapFacets = 7u << 23,
  kDataFacet = 1u << 26,     // what a device read by DMA
  kNoticesFacet = 1u << 27,  // the drivers that were told to let go of memory
  kOutFacets = kFieldFacets | kTailFacet | kCapFacets,
};
inline constexpr uint32_t kFirstStateFacet = 16, kStateFacetCount = 7;

// The facet of a component of the state.
Facets FacetOf(Component component);

// What a step is to the catalogue: the number of its ioctl, or one of these.
enum : uint32_t {
  kAnyIoctl = 0xffff0000,
  kOpenCall,
  kCloseCall,
  kDupCall,
  kMapCall,    // mmap
  kUnmapCall,        // munmap
  kDmaCall,          // device_dma
  kDriverPinCall,    // mdev_pin
  kDriverUnpinCall,  // mdev_unpin
  kDriverCopyCall,   // mdev_rw
  kOtherCall,
};
uint32_t CallOf(const Step& step);
// nullopt where there is no such call.
std::optional<uint32_t> CallNamed(std::string_view name);
// The struct of a container's or group's ioctl; null for any other call.
const StructLayout* LayoutOfCall(uint32_t call);

// The facet or facets that a row's `explains` names; nullopt where the call has none of that name.
std::optional<Facets> FacetsNamed(std::string_view name, const StructLayout* layout);
// "result, size, mappings", for messages.
std::string FacetNames(Facets facets, const StructLayout* layout);

// The struct after the call.
std::span<const uint8_t> StructAfter(const Step& step, const StepResult& result);
// Where two answers to a step differ; state not included.
Facets OutcomeFacets(const Step& step, const StepResult& left, const StepResult& right);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_FACETS_H_
