// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_SIM_ERRNO_H_
#define IOVALID_SIM_ERRNO_H_

#include <cstdint>
#include <string_view>

namespace iovalid::sim {

// The errno values that the modelled kernels answer with (x86-64 numbering, always positive).
// kOk is success. A simulated kernel's answer is never an absl::Status.
enum class Errno : int16_t {
  kOk = 0,
  kPERM = 1,
  kNOENT = 2,
  kSRCH = 3,
  kINTR = 4,
  kNXIO = 6,
  kE2BIG = 7,
  kBADF = 9,
  kAGAIN = 11,
  kNOMEM = 12,
  kACCES = 13,
  kFAULT = 14,
  kBUSY = 16,
  kEXIST = 17,
  kNODEV = 19,
  kINVAL = 22,
  kNFILE = 23,
  kMFILE = 24,
  kNOTTY = 25,
  kNOSPC = 28,
  kSPIPE = 29,
  kRANGE = 34,
  kDEADLK = 35,
  kNOSYS = 38,
  kOVERFLOW = 75,
  kBADFD = 77,
  kMSGSIZE = 90,
  kOPNOTSUPP = 95,
  kADDRINUSE = 98,
};

// "EINVAL" for kINVAL, "0" for kOk, "E<n>" for a value that has no name here.
std::string_view ErrnoName(Errno e);

}  // namespace iovalid::sim

#endif  // IOVALID_SIM_ERRNO_H_
