// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_NAIVE_WALK_H_
#define IOVALID_HWMODEL_NAIVE_WALK_H_

#include <cstdint>
#include <functional>

namespace iovalid::hwmodel {

// A second, slow walker of VT-d second-stage tables, for tests: written from the text of the Intel
// VT-d specification (revision 4, section 3.7 and tables of section 9.8) and sharing nothing with
// the model, so that a mistake is not made twice.
struct NaiveUnit {
  // Reads the 8 bytes at a physical address; false where nothing answers.
  std::function<bool(uint64_t address, uint64_t* word)> read;
  uint64_t top_table_address = 0;  // SSPTPTR
  int levels = 3;                  // 3, 4 or 5, from the AGAW
  int input_width = 39;            // min(MGAW, AGAW) in bits
  int host_width = 52;             // HAW in bits
  bool can_2m = true;              // CAP.SSLPS
  bool can_1g = true;
  bool snoop_control = false;  // ECAP.SC
};

struct NaiveWalkResult {
  // The fault reason of appendix A, 0 for none.
  int reason = 0;
  // Translated address; valid without a fault.
  uint64_t address = 0;
  // Size in bytes of the page that translated it.
  uint64_t page_bytes = 0;
};

NaiveWalkResult NaiveWalk(const NaiveUnit& unit, uint64_t input, bool is_read, bool is_write);

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_NAIVE_WALK_H_
