// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_HANDLE_TABLE_H_
#define IOVALID_CONFORMANCE_HANDLE_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace iovalid::conformance {

inline constexpr uint32_t kNoName = ~uint32_t{0};

// A file descriptor as a trace names it: a name that a machine binds to a number of its own, or a
// raw number. The default, raw -1, stands for what is never open.
struct Handle {
  uint32_t name = kNoName;  // index into the HandleTable
  int32_t raw = -1;         // meaningful where there is no name

  bool named() const { return name != kNoName; }
  friend bool operator==(const Handle&, const Handle&) = default;
};

// Interns the handle and object names of one trace: equal names have equal small numbers, so that
// running a step needs no string. Numbers count up in the order of first use.
class HandleTable {
 public:
  // The number of a name, for labels of memory objects too. kNoName for the empty name.
  uint32_t Intern(std::string_view name);
  // As Intern, but a decimal number ("999", "-1") is the raw descriptor.
  Handle Resolve(std::string_view name);

  // "?" for kNoName.
  const std::string& name(uint32_t id) const;
  uint32_t size() const { return static_cast<uint32_t>(names_.size()); }

 private:
  std::map<std::string, uint32_t, std::less<>> ids_;
  std::vector<const std::string*> names_;  // keys of ids_
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_HANDLE_TABLE_H_
