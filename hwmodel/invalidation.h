// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_INVALIDATION_H_
#define IOVALID_HWMODEL_INVALIDATION_H_

#include <cstdint>

#include "hwmodel/access.h"

namespace iovalid::hwmodel {

// What software tells a unit to forget, in terms of no architecture (VT-d specification
// section 6.5.2; AMD section 2.4; SMMUv3 section 4.4; RISC-V section "Command-queue").
struct Invalidation {
  enum class Kind : uint8_t {
    kContextsGlobal,   // device and PASID contexts
    kContextsDomain,   // those with `domain`
    kContextOfSource,  // of `source`
    kPasidsGlobal,     // PASID contexts only
    kPasidsDomain,
    kPasidOfDomain,  // `pasid` in `domain`
    kIotlbGlobal,
    kIotlbDomain,
    // 2^size_log2 bytes around `address`, as the second stage maps them; everything of the domain
    // that the first stage had a part in goes as well (VT-d 6.5.2.3).
    kIotlbRange,
    kIotlbPasid,       // of the first stage of `pasid` in `domain`, nested ones included
    kIotlbPasidRange,  // 2^size_log2 bytes of these
  };
  Kind kind = Kind::kIotlbGlobal;
  bool leaf_only = false;  // the hint that no table changed: paging-structure caches stay
  uint8_t size_log2 = 12;
  DomainId domain = 0;
  SourceId source = 0;
  Pasid pasid = kNoPasid;
  uint64_t address = 0;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_INVALIDATION_H_
