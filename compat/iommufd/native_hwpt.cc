// SPDX-License-Identifier: Apache-2.0
// Commands about HWPTs and devices: hw_pagetable.c, device.c, and the VT-d driver behind them
// (intel/iommu.c), which is in legacy mode: neither nesting nor dirty tracking.
#include <algorithm>
#include <array>
#include <cstring>

#include "compat/iommufd/native_call.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kAllocReserved{"iommufd.hwpt_alloc.reserved_field", "iommufd_hwpt_alloc",
                              "a reserved field is not zero"};
constexpr Rule kAllocData{"iommufd.hwpt_alloc.data", "iommufd_hwpt_alloc",
                          "data without a type, or a type without data"};
constexpr Rule kAllocTarget{"iommufd.hwpt_alloc.target", "iommufd_hwpt_alloc",
                            "pt_id is neither an IOAS nor a HWPT"};
constexpr Rule kAllocFlags{"iommufd.hwpt_alloc.flags", "iommufd_hwpt_paging_alloc",
                           "a flag is unknown, or the IOMMU can't do it"};
constexpr Rule kAllocUserData{"iommufd.hwpt_alloc.user_data",
                              "intel_iommu_domain_alloc_paging_flags",
                              "a second-stage table takes no data"};
constexpr Rule kAllocNoIommu{"iommufd.hwpt_alloc.noiommu", "noiommu_alloc_paging_flags",
                             "a flag, for a device without an IOMMU"};
constexpr Rule kNestedFlags{"iommufd.hwpt_alloc.nested_flags", "iommufd_hwpt_nested_alloc",
                            "a flag is unknown, or there is no data"};
constexpr Rule kNestedParent{"iommufd.hwpt_alloc.nested_parent", "iommufd_hwpt_nested_alloc",
                             "the parent was not made to be one"};
constexpr Rule kAllocFault{"iommufd.hwpt_alloc.fault_id", "iommufd_get_fault",
                           "no fault queue has this id"};
constexpr Rule kInfoFlags{"iommufd.hw_info.flags", "iommufd_get_hw_info",
                          "a flag is unknown, or a reserved field is not zero"};
constexpr Rule kInfoType{"iommufd.hw_info.type", "intel_iommu_hw_info",
                         "the IOMMU has no data of this type"};
constexpr Rule kInfoFault{"iommufd.hw_info.fault", "iommufd_get_hw_info",
                          "the data can't be written"};
constexpr Rule kInfoNoIommu{"iommufd.hw_info.noiommu", "iommufd_get_hw_info",
                            "the device has no IOMMU"};
constexpr Rule kDirtyFlags{"iommufd.dirty.flags", "iommufd_hwpt_set_dirty_tracking",
                           "a flag is unknown, or a reserved field is not zero"};
constexpr Rule kDirtyUnsupported{"iommufd.dirty.unsupported", "iopt_set_dirty_tracking",
                                 "the domain does not track dirty pages"};
constexpr Rule kDirtyEmpty{"iommufd.dirty.empty", "iommufd_check_iova_range", "the range is empty"};
constexpr Rule kDirtyOverflow{"iommufd.dirty.overflow", "iommufd_check_iova_range",
                              "the range passes the end of the 64-bit space"};
constexpr Rule kDirtyAlignment{"iommufd.dirty.alignment", "iommufd_check_iova_range",
                               "the range or the page size is not aligned"};
constexpr Rule kInvalidateReserved{"iommufd.invalidate.reserved_field", "iommufd_hwpt_invalidate",
                                   "a reserved field is not zero"};
constexpr Rule kInvalidateArray{"iommufd.invalidate.array", "iommufd_hwpt_invalidate",
                                "the array of requests is missing or too large"};
constexpr Rule kInvalidateTarget{"iommufd.invalidate.target", "iommufd_hwpt_invalidate",
                                 "the object is no nested HWPT"};

}  // namespace

Outcome NativeCommands::HwptAlloc(const NativeCall& n, abi::IommuHwptAlloc& cmd) {
  Context& context = n.context;
  const bool pasid = n.call.profile().iommufd.knows_pasid;
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kAllocReserved);
  if ((cmd.data_type == abi::kIommuHwptDataNone) != (cmd.data_len == 0)) {
    return Fail(Errno::kINVAL, kAllocData);
  }
  if (context.objects_.Find(cmd.dev_id, ObjectType::kDevice) == nullptr) {
    return Fail(Errno::kNOENT, rules::kUnknownObject);
  }
  const Object* target = context.objects_.Find(cmd.pt_id);
  if (target == nullptr) return Fail(Errno::kINVAL, kAllocTarget);
  const uint32_t fault = cmd.flags & abi::kIommuHwptFaultIdValid;
  if (target->type == ObjectType::kHwptPaging) {
    const uint32_t flags = abi::kIommuHwptFaultIdValid | (pasid ? abi::kIommuHwptAllocPasid : 0);
    if ((cmd.flags & ~flags) != 0 || cmd.data_len == 0) {
      return Fail(Errno::kOPNOTSUPP, kNestedFlags);
    }
    // No HWPT can be a parent, see below.
    return Fail(Errno::kINVAL, kNestedParent);
  }
  if (target->type != ObjectType::kIoas) return Fail(Errno::kINVAL, kAllocTarget);
  // Fault queues were not among the flags of a paging HWPT before PASIDs came.
  const uint32_t known = pasid ? abi::kIommuHwptFaultIdValid | abi::kIommuHwptAllocPasid : 0;
  if ((cmd.flags & ~known) != 0) return Fail(Errno::kOPNOTSUPP, kAllocFlags);
  if (cmd.data_len != 0) return Fail(Errno::kOPNOTSUPP, kAllocUserData);
  const Context::BoundDevice& device = context.DeviceAt(cmd.dev_id);
  if (device.noiommu && (cmd.flags & ~abi::kIommuHwptFaultIdValid) != 0) {
    return Fail(Errno::kOPNOTSUPP, kAllocNoIommu);
  }
  Context::Ioas& ioas = context.ioases_[target->record];
  Outcome outcome = context.NewHwpt(n.call, ioas, device, cmd.flags,
                                    /*immediate_attach=*/false, &cmd.out_hwpt_id);
  if (!outcome.ok()) return outcome;
  if (fault != 0) {
    if (context.objects_.Find(cmd.fault_id, ObjectType::kFault) != nullptr) {
      ++context.objects_[cmd.fault_id].users;
      context.FindHwpt(cmd.out_hwpt_id)->fault = cmd.fault_id;
    } else {
      outcome = Fail(Errno::kNOENT, kAllocFault);
    }
  }
  if (outcome.ok()) outcome = n.Respond(cmd);
  if (!outcome.ok()) {
    Context::Core core(n.call);
    context.DestroyRecord(core, cmd.out_hwpt_id);
  }
  return outcome;
}

Outcome NativeCommands::GetHwInfo(const NativeCall& n, abi::IommuHwInfo& cmd) {
  const IommufdProfile& profile = n.call.profile().iommufd;
  const uint32_t known = profile.knows_pasid ? abi::kIommuHwInfoFlagInputType : 0;
  if ((cmd.flags & ~known) != 0 || cmd.reserved[0] != 0 || cmd.reserved[1] != 0 ||
      cmd.reserved[2] != 0) {
    return Fail(Errno::kOPNOTSUPP, kInfoFlags);
  }
  if (n.context.objects_.Find(cmd.dev_id, ObjectType::kDevice) == nullptr) {
    return Fail(Errno::kNOENT, rules::kUnknownObject);
  }
  if (n.context.DeviceAt(cmd.dev_id).noiommu) return Fail(Errno::kOPNOTSUPP, kInfoNoIommu);
  if ((cmd.flags & abi::kIommuHwInfoFlagInputType) != 0 &&
      cmd.data_type != abi::kIommuHwInfoTypeNone &&
      cmd.data_type != abi::kIommuHwInfoTypeIntelVtd) {
    return Fail(Errno::kOPNOTSUPP, kInfoType);
  }
  const hwmodel::IommuConfig& config = n.call.kernel.iommu.config();
  // The kernel always reports the erratum of flag 1.
  const abi::IommuHwInfoVtd data{1, 0, config.cap, config.ecap};
  const uint64_t copied = std::min<uint64_t>(cmd.data_len, sizeof(data));
  if (!n.call.CopyOut(cmd.data_uptr, &data, copied)) return Fail(Errno::kFAULT, kInfoFault);
  // What the caller has room for beyond the data is cleared.
  static constexpr std::array<unsigned char, 4096> kZeroes{};
  for (uint64_t at = copied; at < cmd.data_len;) {
    const uint64_t bytes = std::min<uint64_t>(cmd.data_len - at, kZeroes.size());
    if (!n.call.CopyOut(cmd.data_uptr + at, kZeroes.data(), bytes)) {
      return Fail(Errno::kFAULT, kInfoFault);
    }
    at += bytes;
  }
  cmd.data_len = sizeof(data);
  cmd.data_type = abi::kIommuHwInfoTypeIntelVtd;
  cmd.out_capabilities = config.dirty_tracking ? abi::kIommuHwCapDirtyTracking : 0;
  // The devices have neither ATS nor PASIDs.
  if (profile.reports_ats_and_pasid) cmd.out_capabilities |= abi::kIommuHwCapPciAtsNotSupported;
  cmd.out_max_pasid_log2 = 0;
  return n.Respond(cmd);
}

Outcome NativeCommands::SetDirtyTracking(const NativeCall& n, abi::IommuHwptSetDirtyTracking& cmd) {
  if ((cmd.flags & ~abi::kIommuHwptDirtyTrackingEnable) != 0) {
    return Fail(Errno::kOPNOTSUPP, kDirtyFlags);
  }
  if (n.context.FindHwpt(cmd.hwpt_id) == nullptr) {
    return Fail(Errno::kNOENT, rules::kUnknownObject);
  }
  return Fail(Errno::kOPNOTSUPP, kDirtyUnsupported);
}

Outcome NativeCommands::GetDirtyBitmap(const NativeCall& n, abi::IommuHwptGetDirtyBitmap& cmd) {
  if ((cmd.flags & ~abi::kIommuHwptGetDirtyBitmapNoClear) != 0 || cmd.reserved != 0) {
    return Fail(Errno::kOPNOTSUPP, kDirtyFlags);
  }
  Context::Hwpt* hwpt = n.context.FindHwpt(cmd.hwpt_id);
  if (hwpt == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  if (cmd.length == 0 && n.call.profile().iommufd.dirty_empty_range_fails) {
    return Fail(Errno::kINVAL, kDirtyEmpty);
  }
  const uint64_t last = cmd.iova + cmd.length - 1;
  if (cmd.length != 0 ? last < cmd.iova : cmd.iova != 0) {
    return Fail(Errno::kOVERFLOW, kDirtyOverflow);
  }
  const uint64_t alignment = n.context.FindIoas(hwpt->ioas)->table.iova_alignment();
  if (((cmd.iova | (last + 1)) & (alignment - 1)) != 0 || cmd.page_size == 0 ||
      ((cmd.iova | (last + 1)) & (cmd.page_size - 1)) != 0) {
    return Fail(Errno::kINVAL, kDirtyAlignment);
  }
  return Fail(Errno::kOPNOTSUPP, kDirtyUnsupported);
}

// The number of requests that were handled is written back in any case.
Outcome NativeCommands::Invalidate(const NativeCall& n, abi::IommuHwptInvalidate& cmd) {
  constexpr uint32_t kMaxRequests = 1u << 19;
  const bool too_large = n.call.profile().iommufd.bounds_invalidations &&
                         (cmd.entry_len > sim::kPageSize || cmd.entry_num > kMaxRequests);
  Outcome outcome;
  const Object* target = n.context.objects_.Find(cmd.hwpt_id);
  if (cmd.reserved != 0) {
    outcome = Fail(Errno::kOPNOTSUPP, kInvalidateReserved);
  } else if (cmd.entry_num != 0 && (cmd.data_uptr == 0 || cmd.entry_len == 0 || too_large)) {
    outcome = Fail(Errno::kINVAL, kInvalidateArray);
  } else if (target == nullptr || !n.call.profile().iommufd.knows_pasid) {
    outcome = Fail(Errno::kNOENT, rules::kUnknownObject);
  } else {
    outcome = Fail(Errno::kINVAL, kInvalidateTarget);
  }
  cmd.entry_num = 0;
  const Outcome written = n.Respond(cmd);
  return written.ok() ? outcome : written;
}

}  // namespace iovalid::compat
