// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_PAGE_REQUEST_H_
#define IOVALID_HWMODEL_PAGE_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hwmodel/access.h"

namespace iovalid::hwmodel {

// A page request of a device with PRI (PCI Express Base Specification section 10.4; VT-d
// specification section 7.4).
struct PageRequest {
  SourceId source = 0;
  Pasid pasid = kNoPasid;
  uint64_t address = 0;  // of a byte in the page wanted
  unsigned access = 0;   // Rights
  uint16_t group = 0;    // page request group index, 9 bits
  bool last = true;      // the last of its group: to be answered

  friend bool operator==(const PageRequest&, const PageRequest&) = default;
};

// The answer to a group.
struct PageResponse {
  enum class Code : uint8_t {
    kSuccess = 0x0,  // the pages are there now: try again
    kInvalid = 0x1,
    kFailure = 0xf,
  };
  SourceId source = 0;
  Pasid pasid = kNoPasid;
  uint16_t group = 0;
  Code code = Code::kSuccess;

  friend bool operator==(const PageResponse&, const PageResponse&) = default;
};

// The queue in which software finds page requests. One that finds it full is lost and sets the
// overflow flag, as does each one after it until software clears the flag.
class PageRequestQueue {
 public:
  explicit PageRequestQueue(unsigned entries) : ring_(entries == 0 ? 1 : entries) {}

  // False where it was lost.
  bool Push(const PageRequest& request) {
    if (pending_ == ring_.size()) overflow_ = true;
    if (overflow_) return false;
    ring_[(first_ + pending_++) % ring_.size()] = request;
    return true;
  }
  // The oldest. False where there is none.
  bool Take(PageRequest* request) {
    if (pending_ == 0) return false;
    *request = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --pending_;
    return true;
  }

  size_t pending() const { return pending_; }
  bool overflow() const { return overflow_; }  // VT-d PRO
  void ClearOverflow() { overflow_ = false; }

 private:
  std::vector<PageRequest> ring_;
  size_t first_ = 0;
  size_t pending_ = 0;
  bool overflow_ = false;
};

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_PAGE_REQUEST_H_
