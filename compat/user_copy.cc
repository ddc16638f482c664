// SPDX-License-Identifier: Apache-2.0
#include "compat/user_copy.h"

#include <algorithm>
#include <array>

namespace iovalid::compat {

sim::Errno CheckZeroedUser(const Call& call, uint64_t addr, uint64_t len) {
  if (!call.mm().AccessOk(addr, len)) return sim::Errno::kFAULT;
  std::array<unsigned char, 256> chunk;
  while (len != 0) {
    const uint64_t want =
        std::min({len, uint64_t{chunk.size()}, sim::kPageSize - addr % sim::kPageSize});
    const size_t got = call.mm().CopyIn(addr, chunk.data(), want);
    if (std::any_of(chunk.begin(), chunk.begin() + got, [](unsigned char c) { return c != 0; })) {
      return sim::Errno::kE2BIG;
    }
    if (got != want) return sim::Errno::kFAULT;
    addr += want;
    len -= want;
  }
  return sim::Errno::kOk;
}

}  // namespace iovalid::compat
