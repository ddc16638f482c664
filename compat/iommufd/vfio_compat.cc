// SPDX-License-Identifier: Apache-2.0
// The commands of a VFIO container on an iommufd: drivers/iommu/iommufd/vfio_compat.c.
#include "compat/abi/vfio.h"
#include "compat/iommufd/access.h"
#include "compat/iommufd/iommufd_context.h"
#include "compat/iommufd/rules.h"

namespace iovalid::compat {

using sim::Errno;

// iommufd_vfio_compat_ioas_create. The id is given before it turns out whether the IOAS is needed,
// which shows nowhere: the lowest free one is given again.
Outcome IommufdContext::CompatCreateIoas(Call& call) {
  if (call.AllocFails("alloc:iommufd_object")) {
    return Fail(Errno::kNOMEM, rules::kObjectAlloc);
  }
  if (no_iommu_mode_) return Fail(Errno::kINVAL, rules::kCompatNoIommuMode);
  if (vfio_ioas_ != 0) return Ok();
  const uint32_t record = ioases_.Add();
  vfio_ioas_ = objects_.Add(ObjectType::kIoas, record);
  ioases_[record].id = vfio_ioas_;
  return Ok();
}

Outcome IommufdContext::CompatSetNoIommu(Call&) {
  if (vfio_ioas_ != 0) return Fail(Errno::kINVAL, rules::kCompatHasIoas);
  no_iommu_mode_ = true;
  return Ok();
}

// iommufd_vfio_ioctl.
Outcome IommufdContext::VfioIoctl(Call& call, uint32_t cmd, uint64_t arg) {
  switch (cmd) {
    case abi::kVfioGetApiVersion:
      return Ok(abi::kVfioApiVersion);
    case abi::kVfioSetIommu:
      return SetIommu(call, arg);
    case abi::kVfioCheckExtension:
      return CheckExtension(call, arg);
    case abi::kVfioIommuGetInfo:
      return GetInfo(call, arg);
    case abi::kVfioIommuMapDma:
      return MapDma(call, arg);
    case abi::kVfioIommuUnmapDma:
      return UnmapDma(call, arg);
    case abi::kVfioIommuDirtyPages:
      return Fail(Errno::kNOTTY, rules::kCompatDirtyPages);
    default:
      return Fail(Errno::kNOTTY, rules::kCompatUnknown);
  }
}

Outcome IommufdContext::SetIommu(Call& call, uint64_t type) {
  if (call.profile().iommufd.has_noiommu && type == abi::kVfioNoiommuIommu && no_iommu_mode_) {
    if (!call.task().Capable(sim::kCapSysRawio)) {
      return Fail(Errno::kPERM, rules::kSetIommuRawio);
    }
    return Ok();
  }
  if ((type != abi::kVfioType1Iommu && type != abi::kVfioType1v2Iommu) || no_iommu_mode_) {
    return Fail(Errno::kINVAL, rules::kSetIommuType);
  }
  Ioas* ioas = FindIoas(vfio_ioas_);
  if (ioas == nullptr) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  // Type 1 can unmap any part of a mapping, which large IOMMU pages would not allow. It stays that
  // way after a later change to type 3.
  if (type != abi::kVfioType1Iommu) return Ok();
  Core core(call);
  return From(ioas->table.DisableLargePages(core.machine));
}

Outcome IommufdContext::CheckExtension(const Call& call, uint64_t extension) {
  switch (extension) {
    case abi::kVfioType1Iommu:
    case abi::kVfioType1v2Iommu:
    case abi::kVfioUnmapAll:
      return Ok(!no_iommu_mode_, &rules::kExtensionModelled);
    case abi::kVfioNoiommuIommu:
      return Ok(call.profile().iommufd.has_noiommu, &rules::kExtensionNoIommu);
    case abi::kVfioDmaCcIommu: {
      const Ioas* ioas = FindIoas(vfio_ioas_);
      if (ioas == nullptr) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
      for (uint32_t id : ioas->hwpts) {
        if (!FindHwpt(id)->enforce_cache_coherency) return Ok(0, &rules::kExtensionCoherency);
      }
      return Ok(1, &rules::kExtensionCoherency);
    }
    default:
      return Ok(0, &rules::kExtensionUnknown);
  }
}

Outcome IommufdContext::MapDma(Call& call, uint64_t arg) {
  abi::VfioIommuType1DmaMap map;
  if (!call.CopyIn(arg, &map, sizeof(map))) return Fail(Errno::kFAULT, rules::kMapFault);
  constexpr uint32_t kFlags = abi::kVfioDmaMapFlagRead | abi::kVfioDmaMapFlagWrite;
  if (map.argsz < sizeof(map) || (map.flags & ~kFlags) != 0) {
    return Fail(Errno::kINVAL, rules::kMapArgs);
  }
  unsigned rights = 0;
  if ((map.flags & abi::kVfioDmaMapFlagRead) != 0) rights |= hwmodel::kRead;
  if ((map.flags & abi::kVfioDmaMapFlagWrite) != 0) rights |= hwmodel::kWrite;
  Ioas* ioas = FindIoas(vfio_ioas_);
  if (ioas == nullptr) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  Core core(call);
  uint64_t iova = map.iova;
  return From(ioas->table.MapUser(
      core.machine, pages_,
      {map.vaddr, map.size, call.profile().iommufd.length_check_first, mm_accounting_}, &iova,
      rights, /*alloc_iova=*/false));
}

Outcome IommufdContext::UnmapDma(Call& call, uint64_t arg) {
  abi::VfioIommuType1DmaUnmap unmap;
  if (!call.CopyIn(arg, &unmap, sizeof(unmap))) return Fail(Errno::kFAULT, rules::kUnmapFault);
  if (unmap.argsz < sizeof(unmap) || (unmap.flags & ~abi::kVfioDmaUnmapFlagAll) != 0) {
    return Fail(Errno::kINVAL, rules::kUnmapArgs);
  }
  Ioas* ioas = FindIoas(vfio_ioas_);
  if (ioas == nullptr) return Fail(Errno::kNODEV, rules::kCompatNoIoas);
  ioas::IoPagetable& table = ioas->table;
  Core core(call);
  AccessCallbacks callbacks(*this, core);
  core.machine.access_users = &callbacks;
  ioas::Result result;
  uint64_t unmapped = 0;
  if ((unmap.flags & abi::kVfioDmaUnmapFlagAll) != 0) {
    if (unmap.iova != 0 || unmap.size != 0) return Fail(Errno::kINVAL, rules::kUnmapAllRange);
    result = table.UnmapAll(core.machine, pages_, &unmapped);
  } else {
    if (table.large_pages_disabled()) {
      // Type 1: cut areas at both ends of the range. A cut that was made stays, whatever follows,
      // and a cut that fails ends the call before anything is written.
      result = table.Cut(core.machine, pages_, unmap.iova + unmap.size - 1);
      if (result.ok() && unmap.iova != 0) {
        result = table.Cut(core.machine, pages_, unmap.iova - 1);
      }
      if (!result.ok()) return From(result);
    }
    result = table.Unmap(core.machine, pages_, unmap.iova, unmap.size, &unmapped);
  }
  unmap.size = unmapped;
  if (!call.CopyOut(arg, &unmap, sizeof(unmap))) return Fail(Errno::kFAULT, rules::kUnmapFault);
  return From(result);
}

}  // namespace iovalid::compat
