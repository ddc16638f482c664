// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_ACCESS_H_
#define IOVALID_HWMODEL_ACCESS_H_

#include <cstdint>

namespace iovalid::hwmodel {

// A domain, by a small number that is reused after FreeDomain (the lowest free one is given, as the
// driver's domain-id allocator does).
using DomainId = uint32_t;
inline constexpr DomainId kNoDomain = ~DomainId{0};

// A DMA requester, by a small dense number (the index of the device).
using SourceId = uint32_t;

// A process address space id (PCI: 20 bits). Requests without one have kNoPasid.
using Pasid = uint32_t;
inline constexpr Pasid kNoPasid = ~Pasid{0};
inline constexpr Pasid kMaxPasid = (Pasid{1} << 20) - 1;

// What an entry allows, and what a request asks for. A set of bits; passed as `unsigned`.
enum Rights : unsigned { kRead = 1, kWrite = 2 };

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_ACCESS_H_
