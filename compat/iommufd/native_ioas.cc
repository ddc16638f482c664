// SPDX-License-Identifier: Apache-2.0
// Commands about objects and address spaces: ioas.c, main.c, vfio_compat.c.
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "compat/iommufd/native_call.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kAllocFlags{"iommufd.ioas_alloc.flags", "iommufd_ioas_alloc_ioctl",
                           "no flag is known"};
constexpr Rule kAllowReserved{"iommufd.allow_iovas.reserved_field", "iommufd_ioas_allow_iovas",
                              "a reserved field is not zero"};
constexpr Rule kAllowFault{"iommufd.allow_iovas.fault", "iommufd_ioas_load_iovas",
                           "a range can't be read"};
constexpr Rule kAllowRange{"iommufd.allow_iovas.range", "iommufd_ioas_load_iovas",
                           "a range does not end after its start, or overlaps another"};
constexpr Rule kAllowAlloc{"iommufd.allow_iovas.alloc", "iommufd_ioas_load_iovas",
                           "no memory for a range"};
constexpr Rule kRangesReserved{"iommufd.iova_ranges.reserved_field", "iommufd_ioas_iova_ranges",
                               "a reserved field is not zero"};
constexpr Rule kRangesFault{"iommufd.iova_ranges.fault", "iommufd_ioas_iova_ranges",
                            "a range can't be written"};
constexpr Rule kRangesRoom{"iommufd.iova_ranges.room", "iommufd_ioas_iova_ranges",
                           "there are more ranges than the array has room for"};
constexpr Rule kOptionUnknown{"iommufd.option.unknown", "iommufd_option",
                              "no such option or operation, or a reserved field is not zero"};
constexpr Rule kOptionFault{"iommufd.option.fault", "iommufd_option", "the value can't be written"};
constexpr Rule kOptionObject{"iommufd.option.rlimit_object", "iommufd_option_rlimit_mode",
                             "the option belongs to no object"};
constexpr Rule kOptionCapability{"iommufd.option.rlimit_capability", "iommufd_option_rlimit_mode",
                                 "CAP_SYS_RESOURCE is needed"};
constexpr Rule kOptionInUse{"iommufd.option.rlimit_in_use", "iommufd_option_rlimit_mode",
                            "the context has objects"};
constexpr Rule kOptionValue{"iommufd.option.value", "iommufd_option", "the value is not 0 or 1"};
constexpr Rule kVfioIoasOp{"iommufd.vfio_ioas.op", "iommufd_vfio_ioas",
                           "no such operation, or a reserved field is not zero"};

}  // namespace

Outcome NativeCommands::Destroy(const NativeCall& n, abi::IommuDestroy& cmd) {
  Context::Core core(n.call);
  return n.context.DestroyObject(core, cmd.id);
}

Outcome NativeCommands::IoasAlloc(const NativeCall& n, abi::IommuIoasAlloc& cmd) {
  if (cmd.flags != 0) return Fail(Errno::kOPNOTSUPP, kAllocFlags);
  Outcome outcome = n.context.NewIoas(n.call, &cmd.out_ioas_id);
  if (!outcome.ok()) return outcome;
  outcome = n.Respond(cmd);
  if (!outcome.ok()) {
    Context::Core core(n.call);
    n.context.DestroyRecord(core, cmd.out_ioas_id);
  }
  return outcome;
}

Outcome NativeCommands::AllowIovas(const NativeCall& n, abi::IommuIoasAllowIovas& cmd) {
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kAllowReserved);
  Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  std::vector<ioas::IovaRange> allowed;  // ascending
  for (uint32_t i = 0; i < cmd.num_iovas; ++i) {
    abi::IommuIovaRange range;
    if (!n.call.CopyIn(cmd.allowed_iovas + uint64_t{i} * sizeof(range), &range, sizeof(range))) {
      return Fail(Errno::kFAULT, kAllowFault);
    }
    if (range.start >= range.last) return Fail(Errno::kINVAL, kAllowRange);
    const auto at =
        std::lower_bound(allowed.begin(), allowed.end(), range.start,
                         [](const ioas::IovaRange& a, uint64_t start) { return a.last < start; });
    if (at != allowed.end() && at->first <= range.last) return Fail(Errno::kINVAL, kAllowRange);
    if (n.call.AllocFails("alloc:iopt_allowed")) return Fail(Errno::kNOMEM, kAllowAlloc);
    allowed.insert(at, {range.start, range.last});
  }
  return Context::From(ioas->table.SetAllowed(std::move(allowed)));
}

Outcome NativeCommands::IovaRanges(const NativeCall& n, abi::IommuIoasIovaRanges& cmd) {
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kRangesReserved);
  const Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  const uint32_t room = cmd.num_iovas;
  cmd.num_iovas = 0;
  cmd.out_iova_alignment = ioas->table.iova_alignment();
  for (const ioas::IovaRange& hole : ioas->table.reserved().holes()) {
    const abi::IommuIovaRange range{hole.first, hole.last};
    if (cmd.num_iovas < room &&
        !n.call.CopyOut(cmd.allowed_iovas + uint64_t{cmd.num_iovas} * sizeof(range), &range,
                        sizeof(range))) {
      return Fail(Errno::kFAULT, kRangesFault);
    }
    ++cmd.num_iovas;
  }
  Outcome outcome = n.Respond(cmd);
  if (outcome.ok() && cmd.num_iovas > room) return Fail(Errno::kMSGSIZE, kRangesRoom);
  return outcome;
}

// The value is written back by every operation that succeeds, and nothing else is.
Outcome NativeCommands::Option(const NativeCall& n, abi::IommuOption& cmd) {
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kOptionUnknown);
  Outcome outcome;
  switch (cmd.option_id) {
    case abi::kIommuOptionRlimitMode:
      outcome = OptionRlimitMode(n, cmd);
      break;
    case abi::kIommuOptionHugePages:
      outcome = OptionHugePages(n, cmd);
      break;
    default:
      return Fail(Errno::kOPNOTSUPP, kOptionUnknown);
  }
  if (outcome.ok() &&
      !n.call.CopyOut(n.arg + offsetof(abi::IommuOption, val64), &cmd.val64, sizeof(cmd.val64))) {
    return Fail(Errno::kFAULT, kOptionFault);
  }
  return outcome;
}

Outcome NativeCommands::OptionRlimitMode(const NativeCall& n, abi::IommuOption& cmd) {
  if (cmd.object_id != 0) return Fail(Errno::kOPNOTSUPP, kOptionObject);
  switch (cmd.op) {
    case abi::kIommuOptionOpGet:
      cmd.val64 = n.context.mm_accounting_;
      return Ok();
    case abi::kIommuOptionOpSet:
      if (!n.call.task().Capable(sim::kCapSysResource)) {
        return Fail(Errno::kPERM, kOptionCapability);
      }
      if (!n.context.objects_.empty()) return Fail(Errno::kBUSY, kOptionInUse);
      if (cmd.val64 > 1) return Fail(Errno::kINVAL, kOptionValue);
      n.context.mm_accounting_ = cmd.val64 == 1;
      return Ok();
    default:
      return Fail(Errno::kOPNOTSUPP, kOptionUnknown);
  }
}

Outcome NativeCommands::OptionHugePages(const NativeCall& n, abi::IommuOption& cmd) {
  Context::Ioas* ioas = n.context.FindIoas(cmd.object_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  Context::Core core(n.call);
  switch (cmd.op) {
    case abi::kIommuOptionOpGet:
      cmd.val64 = !ioas->table.large_pages_disabled();
      return Ok();
    case abi::kIommuOptionOpSet:
      if (cmd.val64 == 0) return Context::From(ioas->table.DisableLargePages(core.machine));
      if (cmd.val64 != 1) return Fail(Errno::kINVAL, kOptionValue);
      ioas->table.EnableLargePages(core.machine);
      return Ok();
    default:
      return Fail(Errno::kOPNOTSUPP, kOptionUnknown);
  }
}

// The compatibility IOAS changes at once, for VFIO calls too.
Outcome NativeCommands::VfioIoas(const NativeCall& n, abi::IommuVfioIoas& cmd) {
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kVfioIoasOp);
  switch (cmd.op) {
    case abi::kIommuVfioIoasGet:
      if (n.context.vfio_ioas_ == 0) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
      cmd.ioas_id = n.context.vfio_ioas_;
      return n.Respond(cmd);
    case abi::kIommuVfioIoasSet:
      if (n.context.FindIoas(cmd.ioas_id) == nullptr) {
        return Fail(Errno::kNOENT, rules::kUnknownObject);
      }
      n.context.vfio_ioas_ = cmd.ioas_id;
      return Ok();
    case abi::kIommuVfioIoasClear:
      n.context.vfio_ioas_ = 0;
      return Ok();
    default:
      return Fail(Errno::kOPNOTSUPP, kVfioIoasOp);
  }
}

}  // namespace iovalid::compat
