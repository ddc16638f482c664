// SPDX-License-Identifier: Apache-2.0
#include "sim/errno.h"

#include <array>
#include <string>

namespace iovalid::sim {
namespace {

// Names for the values that have none of their own, made once: "E1" .. "E4095" (the kernel's
// range).
std::string_view Unnamed(int value) {
  constexpr int kMaxErrno = 4095;
  static const std::array<std::string, kMaxErrno + 1>* const names = [] {
    auto* all = new std::array<std::string, kMaxErrno + 1>;
    for (int i = 0; i <= kMaxErrno; ++i) (*all)[i] = "E" + std::to_string(i);
    return all;
  }();
  return value >= 0 && value <= kMaxErrno ? std::string_view((*names)[value]) : "E?";
}

}  // namespace

std::string_view ErrnoName(Errno e) {
  switch (e) {
    case Errno::kOk:
      return "0";
    case Errno::kPERM:
      return "EPERM";
    case Errno::kNOENT:
      return "ENOENT";
    case Errno::kSRCH:
      return "ESRCH";
    case Errno::kINTR:
      return "EINTR";
    case Errno::kNXIO:
      return "ENXIO";
    case Errno::kE2BIG:
      return "E2BIG";
    case Errno::kBADF:
      return "EBADF";
    case Errno::kAGAIN:
      return "EAGAIN";
    case Errno::kNOMEM:
      return "ENOMEM";
    case Errno::kACCES:
      return "EACCES";
    case Errno::kFAULT:
      return "EFAULT";
    case Errno::kBUSY:
      return "EBUSY";
    case Errno::kEXIST:
      return "EEXIST";
    case Errno::kNODEV:
      return "ENODEV";
    case Errno::kINVAL:
      return "EINVAL";
    case Errno::kNFILE:
      return "ENFILE";
    case Errno::kMFILE:
      return "EMFILE";
    case Errno::kNOTTY:
      return "ENOTTY";
    case Errno::kNOSPC:
      return "ENOSPC";
    case Errno::kSPIPE:
      return "ESPIPE";
    case Errno::kRANGE:
      return "ERANGE";
    case Errno::kDEADLK:
      return "EDEADLK";
    case Errno::kNOSYS:
      return "ENOSYS";
    case Errno::kOVERFLOW:
      return "EOVERFLOW";
    case Errno::kBADFD:
      return "EBADFD";
    case Errno::kMSGSIZE:
      return "EMSGSIZE";
    case Errno::kOPNOTSUPP:
      return "EOPNOTSUPP";
    case Errno::kADDRINUSE:
      return "EADDRINUSE";
  }
  return Unnamed(static_cast<int>(e));
}

}  // namespace iovalid::sim
