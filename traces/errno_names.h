// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_ERRNO_NAMES_H_
#define IOVALID_TRACES_ERRNO_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iovalid::traces {

// errno numbers of Linux x86-64 and their names, as recordings spell them: "0" for success, the
// name that glibc's strerrorname_np gives, "E<n>" for a number without a name (ENOTSUPP is E524).
std::string ErrnoToName(uint32_t number);

// The reverse. Also takes aliases (EWOULDBLOCK, ENOTSUP, EDEADLOCK, ENOTSUPP), "OK" and plain
// numbers up to 4095. nullopt for anything else.
std::optional<uint32_t> ErrnoFromName(std::string_view name);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_ERRNO_NAMES_H_
