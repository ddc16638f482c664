// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_call.h"

namespace iovalid::compat::pci {
namespace {

constexpr Rule kClosed{"pci.eventfd.closed", "eventfd_ctx_fdget", "the descriptor is not open"};
constexpr Rule kOther{"pci.eventfd.other_file", "eventfd_ctx_fdget", "the file is not an eventfd"};

}  // namespace

sim::Errno EventfdError(const DeviceCallEnvironment& environment, int fd) {
  switch (environment.KindOfFd(fd)) {
    case FileKind::kEventfd:
      return sim::Errno::kOk;
    case FileKind::kNone:
      return sim::Errno::kBADF;
    default:
      return sim::Errno::kINVAL;
  }
}

const Rule& EventfdRule(sim::Errno error) { return error == sim::Errno::kBADF ? kClosed : kOther; }

}  // namespace iovalid::compat::pci
