// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_FAULT_POINT_H_
#define IOVALID_SIM_FAULT_POINT_H_

namespace iovalid::sim {

// What stands before each allocation, lock, user copy and pin of the models. One hook serves
// allocation failure (fail the n-th point) and, later, interleavings of concurrent calls.
class PointHook {
 public:
  virtual ~PointHook() = default;

  // Called when the model reaches the point `name` (a string literal such as "alloc:vfio_dma").
  // Returning true makes the step fail as the kernel would (ENOMEM for an allocation).
  virtual bool Reached(const char* name) = 0;
};

// True if the step at point `name` is to fail. A null hook never fails and costs one comparison.
inline bool Point(PointHook* hook, const char* name) {
  return hook != nullptr && hook->Reached(name);
}

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_FAULT_POINT_H_
