// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_CONTEXT_H_
#define IOVALID_HWMODEL_CONTEXT_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/table_walk.h"

namespace iovalid::hwmodel {

// What a unit does with a device's requests, or with those of one PASID of it: the contents of a
// VT-d context and PASID-table entry (sections 9.3, 9.6), an AMD device table entry
// (section 2.2.2), an SMMUv3 stream table entry and context descriptor (sections 5.2, 5.4), a
// RISC-V device and process context. Given by value: how they lie in memory is not modelled.
struct Context {
  enum class Mode : uint8_t {
    kBlocked,   // every request faults
    kIdentity,  // pass-through: addresses are physical
    kFirst,     // through the first stage
    kSecond,    // through the second stage
    kNested,    // through the first, whose tables and results go through the second
  };
  Mode mode = Mode::kBlocked;
  bool ats = false;           // translation requests and translated requests are allowed
  bool pri = false;           // page requests are allowed
  bool pasids = false;        // requests with PASID are allowed (in a device's own context)
  bool fault_reports = true;  // VT-d FPD clear: faults are recorded
  DomainId domain = 0;        // tags what is cached; below kMaxDomains
  StageTables first;
  StageTables second;

  static constexpr DomainId kMaxDomains = 1u << 18;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_CONTEXT_H_
