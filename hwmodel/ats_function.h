// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_ATS_FUNCTION_H_
#define IOVALID_HWMODEL_ATS_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "hwmodel/ats_device.h"
#include "hwmodel/unit.h"

namespace iovalid::hwmodel {

// A PCI function that translates for itself: it asks the IOMMU with ATS, keeps the answers until
// they are invalidated, and asks for pages with PRI where there are none. Deterministic; the cache
// has no limit. PciDevice is the one without.
class AtsFunction final : public AtsDevice {
 public:
  explicit AtsFunction(SourceId source) : source_(source) {}

  enum class Step : uint8_t {
    kReady,    // *address is where to go with a translated request
    kWaiting,  // a page request is on its way, or not yet answered
    kRefused,  // no translation, and no page to be had
  };
  // One access: from the cache, by ATS, or by a page request for next time.
  Step Access(Unit& unit, PhysicalMemory& memory, uint64_t iova, unsigned access, Pasid pasid,
              uint64_t* address);

  bool InvalidateDeviceTlb(Pasid pasid, uint64_t address, unsigned size_log2) override;
  void RespondToPages(const PageResponse& response) override;

  // A device that hangs: it answers no invalidation.
  void set_answers(bool answers) { answers_ = answers; }
  size_t cached() const { return cache_.size(); }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Entry {
    uint64_t address;
    unsigned rights;
  };
  struct Waiting {
    Pasid pasid;
    uint64_t page;
    uint16_t group;
    bool refused;
  };

  SourceId source_;
  bool answers_ = true;
  uint16_t next_group_ = 0;
  std::map<std::pair<Pasid, uint64_t>, Entry> cache_;  // by page
  std::vector<Waiting> waiting_;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_ATS_FUNCTION_H_
