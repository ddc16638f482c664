// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_STATE_DIFF_H_
#define IOVALID_CONFORMANCE_STATE_DIFF_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "compat/observation.h"
#include "sim/digest.h"

namespace iovalid::conformance {

// The components in which the compared state of two systems can differ. After these come two for
// each device: "attach:dev0" and "reach:dev0".
enum : uint32_t {
  kMappings,  // IOVA extents and rights
  kUsable,    // usable IOVA ranges
  kCharged,   // pages charged as locked memory
  kDirty,     // dirty pages that a program could read
  kFiles,     // descriptors and what groups are linked to
  kFirstDeviceComponent,
};
using Component = uint32_t;

// Follows how the states of two systems differ from call to call. A difference that stays the same
// is a standing one and reported once, at the call that brought it about: it comes back only when
// the difference itself becomes another.
//
// While a device is attached on one side only (type1 attaches at SET_IOMMU, iommufd when the device
// is opened), or to different containers, what merely follows from that is not looked at: what the device reaches, and which
// ranges are usable and what is charged. They are compared again from the call on at which both
// sides agree. Usable ranges are those of an address space with a device in it: they are not
// compared while there is none.
class StateDiff {
 public:
  struct Change {
    Component component;
    bool resolved;  // the sides agree again
    friend bool operator==(const Change&, const Change&) = default;
  };

  explicit StateDiff(std::vector<std::string> device_names);

  // Both sides are new and equal.
  void Reset();

  // Compares the states after a call; `changes` gets what is new or resolved since the last
  // comparison, in the order of components.
  void Compare(const compat::ObservedState& left, const compat::ObservedState& right,
               std::vector<Change>* changes);

  // The components that differ now (subsumed ones as they were last compared).
  std::vector<Component> Standing() const;
  // "mappings", "attach:dev0".
  const std::string& Name(Component component) const { return names_[component]; }

  static Component Attach(uint32_t device) { return kFirstDeviceComponent + 2 * device; }
  static Component Reach(uint32_t device) { return kFirstDeviceComponent + 2 * device + 1; }
  static bool IsReach(Component component) {
    return component >= kFirstDeviceComponent && (component - kFirstDeviceComponent) % 2 == 1;
  }
  static bool IsAttach(Component component) {
    return component >= kFirstDeviceComponent && (component - kFirstDeviceComponent) % 2 == 0;
  }
  static uint32_t DeviceOf(Component component) { return (component - kFirstDeviceComponent) / 2; }

 private:
  void Update(Component component, const sim::Digest& now, std::vector<Change>* changes);

  std::vector<std::string> names_;  // by component
  // left - right of each component, as last compared; a signed number in lane 0 for kCharged and
  // attachment.
  std::vector<sim::Digest> last_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_STATE_DIFF_H_
