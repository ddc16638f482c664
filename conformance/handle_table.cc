// SPDX-License-Identifier: Apache-2.0
#include "conformance/handle_table.h"

#include <charconv>

namespace iovalid::conformance {

uint32_t HandleTable::Intern(std::string_view name) {
  if (name.empty()) return kNoName;
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  const auto added = ids_.emplace(std::string(name), size()).first;
  names_.push_back(&added->first);
  return added->second;
}

Handle HandleTable::Resolve(std::string_view name) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return Handle{kNoName, number};
  return Handle{Intern(name), -1};
}

const std::string& HandleTable::name(uint32_t id) const {
  static const std::string& unknown = *new std::string("?");
  return id < names_.size() ? *names_[id] : unknown;
}

}  // namespace iovalid::conformance
