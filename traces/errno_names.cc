// SPDX-License-Identifier: Apache-2.0
#include "traces/errno_names.h"

#include <iterator>

namespace iovalid::traces {
namespace {

// Indexed by number (Linux, x86-64). The two holes, 41 and 58, are numbers that Linux never gave
// a name of their own on this architecture.
constexpr std::string_view kNames[] = {
    "0",
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
    "",
    "ENOMSG",
    "EIDRM",
    "ECHRNG",
    "EL2NSYNC",
    "EL3HLT",
    "EL3RST",
    "ELNRNG",
    "EUNATCH",
    "ENOCSI",
    "EL2HLT",
    "EBADE",
    "EBADR",
    "EXFULL",
    "ENOANO",
    "EBADRQC",
    "EBADSLT",
    "",
    "EBFONT",
    "ENOSTR",
    "ENODATA",
    "ETIME",
    "ENOSR",
    "ENONET",
    "ENOPKG",
    "EREMOTE",
    "ENOLINK",
    "EADV",
    "ESRMNT",
    "ECOMM",
    "EPROTO",
    "EMULTIHOP",
    "EDOTDOT",
    "EBADMSG",
    "EOVERFLOW",
    "ENOTUNIQ",
    "EBADFD",
    "EREMCHG",
    "ELIBACC",
    "ELIBBAD",
    "ELIBSCN",
    "ELIBMAX",
    "ELIBEXEC",
    "EILSEQ",
    "ERESTART",
    "ESTRPIPE",
    "EUSERS",
    "ENOTSOCK",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EPROTOTYPE",
    "ENOPROTOOPT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "EOPNOTSUPP",
    "EPFNOSUPPORT",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETDOWN",
    "ENETUNREACH",
    "ENETRESET",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETOOMANYREFS",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ESTALE",
    "EUCLEAN",
    "ENOTNAM",
    "ENAVAIL",
    "EISNAM",
    "EREMOTEIO",
    "EDQUOT",
    "ENOMEDIUM",
    "EMEDIUMTYPE",
    "ECANCELED",
    "ENOKEY",
    "EKEYEXPIRED",
    "EKEYREVOKED",
    "EKEYREJECTED",
    "EOWNERDEAD",
    "ENOTRECOVERABLE",
    "ERFKILL",
    "EHWPOISON",
};
static_assert(std::size(kNames) == 134);

constexpr struct {
  std::string_view name;
  uint32_t number;
} kAliases[] = {{"OK", 0},         {"EWOULDBLOCK", 11},  {"EDEADLOCK", 35},   {"ENOTSUP", 95},
                {"ENOTSUPP", 524}, {"EIOCBQUEUED", 529}, {"ERESTARTSYS", 512}};

constexpr uint32_t kMaxErrno = 4095;  // what the kernel's system-call return can carry

std::optional<uint32_t> ParseNumber(std::string_view digits) {
  if (digits.empty() || digits.size() > 4 || (digits.size() > 1 && digits[0] == '0')) {
    return std::nullopt;
  }
  uint32_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value > kMaxErrno) return std::nullopt;
  return value;
}

}  // namespace

std::string ErrnoToName(uint32_t number) {
  if (number < std::size(kNames) && !kNames[number].empty()) return std::string(kNames[number]);
  return "E" + std::to_string(number);
}

std::optional<uint32_t> ErrnoFromName(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (auto number = ParseNumber(name)) return number;
  if (name[0] == 'E') {
    if (auto number = ParseNumber(name.substr(1))) return number;
    for (uint32_t i = 1; i < std::size(kNames); ++i) {
      if (kNames[i] == name) return i;
    }
  }
  for (const auto& alias : kAliases) {
    if (alias.name == name) return alias.number;
  }
  return std::nullopt;
}

}  // namespace iovalid::traces
