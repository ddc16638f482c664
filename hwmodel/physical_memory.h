// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_PHYSICAL_MEMORY_H_
#define IOVALID_HWMODEL_PHYSICAL_MEMORY_H_

#include <cstdint>

namespace iovalid::hwmodel {

// The memory that an IOMMU reads its tables and queues from, in frames of 4 KiB (512 words of 8
// bytes, little endian on any bus, so plain words here). Whoever embeds the model supplies it;
// TableMemory is one.
class PhysicalMemory {
 public:
  // The words of frame `frame` (byte address / 4096), or null where nothing answers: a bus error.
  // Valid until the next call of a non-const member.
  virtual const uint64_t* Words(uint64_t frame) const = 0;

  // The same for writing: accessed and dirty bits, and what a wait descriptor stores.
  virtual uint64_t* MutableWords(uint64_t frame) = 0;

 protected:
  PhysicalMemory() = default;
  PhysicalMemory(const PhysicalMemory&) = default;
  PhysicalMemory& operator=(const PhysicalMemory&) = default;
  ~PhysicalMemory() = default;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_PHYSICAL_MEMORY_H_
