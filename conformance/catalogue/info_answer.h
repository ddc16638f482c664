// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_INFO_ANSWER_H_
#define IOVALID_CONFORMANCE_CATALOGUE_INFO_ANSWER_H_

#include "conformance/catalogue/soundness.h"

namespace iovalid::conformance {

// Whether an answer to VFIO_IOMMU_GET_INFO holds together with what the container holds
// (`facts.info`): the size that it asks for is that of its capabilities, each capability that is
// there has its id, version and contents, and the IOVA ranges are the usable ones.
bool SoundInfoAnswer(const IoctlAction& ioctl, const StepResult& result, const SideFacts& facts);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_INFO_ANSWER_H_
