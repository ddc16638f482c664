// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_NAIVE_FORMATS_H_
#define IOVALID_HWMODEL_NAIVE_FORMATS_H_

#include <cstdint>
#include <functional>

namespace iovalid::hwmodel {

// Second, slow walkers of the other formats, for tests, as naive_walk.h is for VT-d second-stage
// tables: each written from its specification's text with the levels and names of that text, and
// sharing nothing with the model or with each other's idea of an entry.
enum class NaiveFault {
  kNone,
  kWidth,        // the address has no place in the tables
  kNotPresent,   // an entry is not valid
  kRead,         // no right to read
  kWrite,        // no right to write (told where both are missing)
  kNoAnswer,     // a table is where no memory is
  kReserved,     // a reserved bit or combination
  kAddressSize,  // Arm only
  kAccessFlag,   // Arm, RISC-V
  kDirtyFlag,    // RISC-V
};

struct NaiveTables {
  // Reads the 8 bytes at a physical address; false where nothing answers.
  std::function<bool(uint64_t address, uint64_t* word)> read;
  uint64_t top_table_address = 0;
  int levels = 4;
  int input_width = 48;  // in bits
  int host_width = 52;   // in bits
  bool can_2m = true;    // VT-d first stage
  bool can_1g = true;
  bool updates = false;  // hardware keeps accessed and dirty bits
};

struct NaiveAnswer {
  NaiveFault fault = NaiveFault::kNone;
  uint64_t address = 0;
  uint64_t page_bytes = 0;
};

NaiveAnswer NaiveVtdFirstStage(const NaiveTables& tables, uint64_t input, bool read, bool write);
// `page`: 4096, or 2048 for the selftests' variant.
NaiveAnswer NaiveAmdV1(const NaiveTables& tables, uint64_t page, uint64_t input, bool read,
                       bool write);
// `granule`: 4096, 16384 or 65536.
NaiveAnswer NaiveArm(const NaiveTables& tables, int stage, uint64_t granule, uint64_t input,
                     bool read, bool write);
NaiveAnswer NaiveRiscv(const NaiveTables& tables, bool g_stage, uint64_t input, bool read,
                       bool write);

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_NAIVE_FORMATS_H_
