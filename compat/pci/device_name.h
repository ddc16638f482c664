// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_PCI_DEVICE_NAME_H_
#define IOVALID_COMPAT_PCI_DEVICE_NAME_H_

#include <string_view>

namespace iovalid::compat {

enum class NameMatch { kNo, kYes, kBadOption };

// vfio_pci_core_match for a function without SR-IOV: whether the name that GET_DEVICE_FD was given,
// an address with options behind blanks ("0000:00:05.0 vf_token=<uuid>"), means the function at `bdf`.
// kBadOption (EINVAL): an option that does not exist, or a VF token, which only virtual functions and
// their physical function can have.
NameMatch MatchDeviceName(std::string_view bdf, std::string_view name);

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_PCI_DEVICE_NAME_H_
