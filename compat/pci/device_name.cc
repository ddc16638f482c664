// SPDX-License-Identifier: Apache-2.0
#include "compat/pci/device_name.h"

namespace iovalid::compat {

NameMatch MatchDeviceName(std::string_view bdf, std::string_view name) {
  if (name.substr(0, bdf.size()) != bdf) return NameMatch::kNo;
  std::string_view options = name.substr(bdf.size());
  if (options.empty()) return NameMatch::kYes;
  if (options[0] != ' ') return NameMatch::kNo;
  // Blanks alone are no option. Anything else is either unknown or a token, and both are refused.
  return options.find_first_not_of(' ') == std::string_view::npos ? NameMatch::kYes
                                                                  : NameMatch::kBadOption;
}

}  // namespace iovalid::compat
