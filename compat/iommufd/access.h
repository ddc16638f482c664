// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_ACCESS_H_
#define IOVALID_COMPAT_IOMMUFD_ACCESS_H_

#include <cstdint>

#include "compat/iommufd/iommufd_context.h"
#include "ioas/machine.h"

namespace iovalid::compat {

// Tells the drivers of a context's emulated devices of an unmap, for the duration of one call.
class AccessCallbacks final : public ioas::AccessUsers {
 public:
  AccessCallbacks(IommufdContext& context, IommufdContext::Core& core)
      : context_(context), core_(core) {}

  void Unmap(ioas::AccessToken access, uint64_t iova, uint64_t length) override;

 private:
  IommufdContext& context_;
  IommufdContext::Core& core_;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_ACCESS_H_
