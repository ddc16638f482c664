// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_ATS_DEVICE_H_
#define IOVALID_HWMODEL_ATS_DEVICE_H_

#include <cstdint>

#include "hwmodel/access.h"
#include "hwmodel/page_request.h"

namespace iovalid::hwmodel {

// What the IOMMU sends to a device with ATS (PCI Express Base Specification, chapter 10).
class AtsDevice {
 public:
  virtual ~AtsDevice() = default;
  // Forget 2^size_log2 bytes around `address`, of one PASID or of requests without. False: no
  // answer in time.
  virtual bool InvalidateDeviceTlb(Pasid pasid, uint64_t address, unsigned size_log2) = 0;
  virtual void RespondToPages(const PageResponse& response) = 0;
};

// The devices behind a unit.
class AtsBus {
 public:
  // Null where there is none, or none with ATS.
  virtual AtsDevice* Find(SourceId source) = 0;

 protected:
  ~AtsBus() = default;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_ATS_DEVICE_H_
