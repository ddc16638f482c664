// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_INVALIDATION_QUEUE_H_
#define IOVALID_HWMODEL_INVALIDATION_QUEUE_H_

#include <cstdint>

#include "hwmodel/ats_device.h"
#include "hwmodel/physical_memory.h"
#include "hwmodel/unit.h"

namespace iovalid::hwmodel {

// The queued invalidation interface of VT-d (specification section 6.5.2): a ring of descriptors in
// memory that software fills at the tail and the unit empties at the head. Descriptors take effect
// in order, each completely before the next, so that fences and wait descriptors need no more.
//
// Modelled: context-cache, IOTLB, device-TLB, PASID-based IOTLB, PASID-cache, PASID-based
// device-TLB invalidation, wait (with status write and interrupt) and page group response
// descriptors. Interrupt entry cache invalidation is accepted and does nothing: interrupts are not
// remapped here. A descriptor of another type, or with an illegal granularity, stops the queue at
// it with IQE; a device that does not answer stops it at the next wait descriptor with ITE.
class InvalidationQueue {
 public:
  // `base`: byte address of the ring, a multiple of 4 KiB; 2^size_log2 pages of 4 KiB, at most 7.
  // `wide`: descriptors of 256 bits (scalable mode), else 128.
  InvalidationQueue(uint64_t base, unsigned size_log2, bool wide)
      : base_(base), size_log2_(size_log2 & 7), wide_(wide) {}

  // Byte offsets in the ring, as in the head and tail registers.
  uint64_t head() const { return head_; }
  uint64_t tail() const { return tail_; }
  uint64_t descriptor_bytes() const { return wide_ ? 32 : 16; }

  // Software writes the tail register: everything up to there is carried out, or up to an error.
  // `bus` may be null: then no device answers.
  void WriteTail(uint64_t tail, Unit& unit, PhysicalMemory& memory, AtsBus* bus);

  bool error() const { return error_; }        // IQE
  bool time_out() const { return time_out_; }  // ITE
  // Completion interrupts that wait descriptors asked for.
  uint64_t interrupts() const { return interrupts_; }
  // Software clears the errors; the queue goes on with the next WriteTail.
  void ClearErrors() { error_ = time_out_ = false; }

 private:
  // False where the queue stops at the descriptor.
  bool Execute(uint64_t low, uint64_t high, Unit& unit, PhysicalMemory& memory, AtsBus* bus);
  bool Wait(uint64_t low, uint64_t high, PhysicalMemory& memory);
  bool DeviceTlb(SourceId source, Pasid pasid, uint64_t address, bool sized, AtsBus* bus);

  uint64_t base_;
  unsigned size_log2_;
  bool wide_;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
  bool error_ = false;
  bool time_out_ = false;
  bool unanswered_ = false;  // since the last wait descriptor
  uint64_t interrupts_ = 0;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_INVALIDATION_QUEUE_H_
